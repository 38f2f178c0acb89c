"""What health.jsonl says is open: where a guard goes on that follows another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from tui_ft.health.finding import Code
from tui_ft.health.watcher import OUR_CODES
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.health_rows import ClearedRow, FoundRow, decode_health
from tui_ft.runs.line_following import LineFollower
from tui_ft.runs.records import AttemptEvent, PhaseEvent, decode_event

_MOST_BYTES = 1 << 28
"""Events of months; what is longer is somebody's joke, and of it the end is read."""
_WANTED = (b'"event":"attempt"', b'"event":"phase"')


class Before(NamedTuple):
    """What the events say before those that are read again: the newest attempt that began, the last phase."""

    attempt: int = 0
    phase: PhaseEvent | None = None


def read_before(run: RunDirectory, end: int) -> Before:
    """Look through the first `end` bytes of the events; costs a second for some hundred MiB."""
    attempt, phase = 0, None
    follower = LineFollower(run.events, _MOST_BYTES)
    for line in _lines(follower, end):
        if not any(mark in line for mark in _WANTED):
            continue
        try:
            event = decode_event(line)
        except msgspec.DecodeError:
            continue
        if isinstance(event, AttemptEvent):
            attempt = max(attempt, event.attempt)
        elif isinstance(event, PhaseEvent):
            phase = event
    return Before(attempt, phase)


def _lines(follower: LineFollower, end: int) -> Iterator[bytes]:
    """The lines up to `end`, about; a piece without a whole line is no end."""
    before = -1
    while before < follower.offset < end:
        before = follower.offset
        yield from follower.poll()


def open_in_file(run: RunDirectory) -> dict[Code, FoundRow]:
    """Return the findings that were not cleared, by code; empty where there is no such file."""
    found: dict[Code, FoundRow] = {}
    follower = LineFollower(run.health, _MOST_BYTES)
    for line in _lines(follower, follower.had_history):
        try:
            row = decode_health(line)
        except msgspec.DecodeError:
            continue
        if isinstance(row, FoundRow) and row.finding.code in OUR_CODES:
            found[row.finding.code] = row
        elif isinstance(row, ClearedRow):
            found.pop(row.code, None)
    return found
