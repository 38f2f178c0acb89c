"""What processes do: whether a signal stopped one, how much processor time they took together."""

from __future__ import annotations

from collections.abc import Iterable

from tui_ft.hardware.processes import TICKS_PER_S, stat_fields

_STATE, _USER_TIME, _SYSTEM_TIME = 0, 11, 12
"""Places in /proc/<pid>/stat, counted after the process name (proc(5))."""
_STOPPED = frozenset({b"T", b"t"})
"""Stopped by a signal; stopped by a debugger."""


def is_stopped(pid: int) -> bool:
    """True while a signal (SIGSTOP, SIGTSTP) or a debugger holds `pid`; False when it is gone."""
    fields = stat_fields(pid)
    return fields is not None and fields[_STATE] in _STOPPED


def processor_seconds(pids: Iterable[int]) -> dict[int, float]:
    """Return the processor time that each of `pids` has used so far, in seconds; the dead are left out."""
    found = {}
    for pid in pids:
        fields = stat_fields(pid)
        if fields is not None:
            found[pid] = (int(fields[_USER_TIME]) + int(fields[_SYSTEM_TIME])) / TICKS_PER_S
    return found
