"""Where an attempt comes from: its versions, its data, its base model, and the command that launched it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from tui_ft.runs import launch_record, prediction
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.records import AttemptEvent, LaunchRecord, PredictionRecord, decode_event

_MOST_EVENT_BYTES = 256 << 20
_LONGEST_LINE_BYTES = 1 << 20
_OPENING = b'"event":"attempt"'
_LARGEST_BYTES = 32 << 20
"""A data report holds the tokens of the first step; anything beyond is none of ours."""


class Provenance(NamedTuple):
    """What an attempt wrote down of itself, as it was written; what is missing is empty or None."""

    attempt: int
    environment: Mapping[str, Any]
    data: Mapping[str, Any]
    launch: LaunchRecord | None
    prediction: PredictionRecord | None

    def section(self, name: str) -> Mapping[str, Any]:
        """A part of the environment that is an object; empty where it is not there."""
        found = self.environment.get(name)
        return found if isinstance(found, dict) else {}


def read_provenance(run: RunDirectory, attempt: int) -> Provenance:
    """Read what `attempt` wrote down. Never raises: a file that cannot be read is as if it were not there."""
    folder = run.attempt(attempt)
    return Provenance(
        attempt=attempt,
        environment=document(folder.environment),
        data=document(folder.data),
        launch=launch_record.read(run, attempt),
        prediction=prediction.read(folder),
    )


def opening_steps(run: RunDirectory) -> dict[int, int]:
    """The step from which each attempt really went on, by its number: what the trainer said when it began.

    Never raises: what cannot be read is left out.
    """
    found: dict[int, int] = {}
    try:
        descriptor = os.open(run.events, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            left = _MOST_EVENT_BYTES
            while left > 0 and (line := file.readline(_LONGEST_LINE_BYTES)):
                left -= len(line)
                if _OPENING in line:
                    _take_opening(line, found)
    except OSError:
        return found
    return found


def _take_opening(line: bytes, found: dict[int, int]) -> None:
    try:
        event = decode_event(line)
    except msgspec.DecodeError:
        return
    if isinstance(event, AttemptEvent):
        found[event.attempt] = event.step


def document(path: Path) -> Mapping[str, Any]:
    """A JSON object from a file; empty where it is none, too large, or not there."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            data = file.read(_LARGEST_BYTES + 1)
        found = json.loads(data) if len(data) <= _LARGEST_BYTES else None
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def text_of(value: object, longest: int = 200) -> str | None:
    """A value of such a document as text where it is a short text or a number; None otherwise."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    return str(value)[:longest] or None


def count_of(value: object) -> int | None:
    """A value of such a document as a count; None where it is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63 else None
