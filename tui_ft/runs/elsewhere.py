"""A run whose processes cannot be asked: on another machine, a copy, or before this one's last start."""

from __future__ import annotations

import os

import msgspec

from tui_ft.hardware import host, processes
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.records import StateRecord, Status, complete_lines, decode_hardware
from tui_ft.runs.regular_file import open_regular

FRESH_S = 180.0
"""A run elsewhere counts as running while its last hardware row is younger: they come once a minute."""

_SLACK_S = 60.0
"""Clocks of two machines differ by so much; a row from further ahead is of a clock that was set back."""

_TAIL_BYTES = 1 << 16
"""Room for several hardware rows, even of a box with many GPUs."""


def judge(run: RunDirectory, state: StateRecord, now: float, seen: float | None) -> tuple[Status, str]:
    """Return status and reason of a run that was active when last seen; `seen` is its last sign of life.

    The age of the last hardware row decides, unless it is older than this machine's last start: what lived
    on it then is gone, however fresh the row is, for machines and containers start again within seconds.
    """
    changed = last_hardware_time(run)
    last = changed if changed is not None else seen
    when = _when(last, now)
    if _is_before_last_start(state, last):
        return "unknown", f"{when}, before the last start of {state.host}{_saved(run)}"
    where = f"on {state.host}" if state.host else "on another machine"
    if changed is not None and -_SLACK_S <= now - changed < FRESH_S:
        return state.status, state.reason or where
    return "unknown", f"{when}, {where}"


def _when(last: float | None, now: float) -> str:
    if last is None:
        return "last seen"
    if last > now + _SLACK_S:
        return "last seen when the clock was ahead of what it says now"
    return f"last seen {age(max(0.0, now - last))} ago"


def is_surely_over(run: RunDirectory, state: StateRecord) -> bool:
    """True when the run was last seen on this very machine, or in this container, before its last start."""
    last = last_hardware_time(run)
    if last is None:
        try:
            last = run.state.stat().st_mtime
        except OSError:
            return False
    return _is_before_last_start(state, last)


def age(seconds: float) -> str:
    """Return a duration as a person says it."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if seconds < 172_800 else f"{seconds / 86_400:.0f} days"


def _is_before_last_start(state: StateRecord, last: float | None) -> bool:
    if state.host != host.hostname() or (state.boot_id, state.pid_namespace) == host.here()[1:]:
        return False
    began = _began_at()
    return last is None or (began is not None and last < began)


def _began_at() -> float | None:
    """When this machine, or this container, was started (unix seconds): its first process tells."""
    first = processes.start_time(1)
    return None if first is None else processes.started_at(first)


def _saved(run: RunDirectory) -> str:
    newest = next(iter(run.list_checkpoints()), None)
    return f"; the newest checkpoint is of step {newest[0]}" if newest is not None else ""


def last_hardware_time(run: RunDirectory) -> float | None:
    """The time in the last row, not the file's: a copy is young, what it tells is not."""
    try:
        descriptor = open_regular(run.hardware)
    except OSError:
        return None
    try:
        size = os.fstat(descriptor).st_size
        tail = os.pread(descriptor, _TAIL_BYTES, max(0, size - _TAIL_BYTES))
    except OSError:
        return None
    finally:
        os.close(descriptor)
    for line in reversed(list(complete_lines(tail))):
        try:
            return decode_hardware(line).time
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue  # torn by a kill, or cut off at the front
    return None
