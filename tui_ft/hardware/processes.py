"""Which processes live: identity by pid and start time, so that a reused pid is never taken for ours."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_STATE, _PARENT, _START = 0, 1, 19
"""Places in /proc/<pid>/stat, counted after the process name (which may hold spaces and brackets)."""


def _stat_fields(pid: int) -> list[bytes] | None:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            data = file.read()
    except OSError:
        return None
    fields = data[data.rfind(b")") + 2 :].split()
    return fields if len(fields) > _START else None


def start_time(pid: int) -> int | None:
    """Return when `pid` started, in clock ticks since boot; None when it is gone or only a zombie."""
    fields = _stat_fields(pid)
    if fields is None or fields[_STATE] in (b"Z", b"X", b"x"):
        return None
    return int(fields[_START])


def is_alive(pid: int, started: int) -> bool:
    """True when `pid` runs and is the process that started at `started` (clock ticks since boot)."""
    return start_time(pid) == started


def _pids() -> Iterator[int]:
    try:
        names = os.listdir("/proc")
    except OSError:  # no /proc: not Linux
        return
    yield from (int(name) for name in names if name.isdigit())


def command_line(pid: int) -> list[str]:
    """Return the arguments of `pid`; empty when it is gone, a zombie, or may not be read."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            data = file.read()
    except OSError:
        return []
    return [part.decode("utf-8", "replace") for part in data.split(b"\0")[:-1]]


def find_by_arguments(arguments: Sequence[str]) -> list[int]:
    """Return the pids of our own user whose command line ends in `arguments`; reads all of /proc."""
    wanted, user = list(arguments), os.geteuid()
    found = []
    for pid in _pids():
        if command_line(pid)[-len(wanted) :] != wanted:
            continue
        try:
            is_ours = Path(f"/proc/{pid}").stat().st_uid == user
        except OSError:
            continue
        if is_ours:
            found.append(pid)
    return found


def descendants(pid: int) -> list[int]:
    """Return the pids below `pid` in the process tree, without itself; reads all of /proc."""
    children: dict[int, list[int]] = {}
    for candidate in _pids():
        fields = _stat_fields(candidate)
        if fields is not None:
            children.setdefault(int(fields[_PARENT]), []).append(candidate)
    found: list[int] = []
    waiting = [pid]
    while waiting:
        below = children.pop(waiting.pop(), [])
        found += below
        waiting += below
    return found


def resident_bytes(pids: Iterable[int]) -> int | None:
    """Return the resident memory of `pids` together, in bytes; pages they share count once for each.

    None when none of them lives.
    """
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/statm", "rb") as file:
                total += int(file.read().split()[1]) * _PAGE_BYTES
        except (OSError, IndexError):
            continue
    return total or None
