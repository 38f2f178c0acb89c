"""Which processes live: identity by pid and start time, so that a reused pid is never taken for ours."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_MOST_ENVIRONMENT_BYTES = 1 << 20
_STATE, _PARENT, _GROUP, _START = 0, 1, 2, 19
"""Places in /proc/<pid>/stat, counted after the process name (which may hold spaces and brackets)."""


def stat_fields(pid: int) -> list[bytes] | None:
    """Return what /proc/<pid>/stat holds after the name (proc(5), field 3 on); None when it is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            data = file.read()
    except OSError:
        return None
    fields = data[data.rfind(b")") + 2 :].split()
    return fields if len(fields) > _START else None


def start_time(pid: int) -> int | None:
    """Return when `pid` started, in clock ticks since boot; None when it is gone or only a zombie."""
    fields = stat_fields(pid)
    if fields is None or fields[_STATE] in (b"Z", b"X", b"x"):
        return None
    return int(fields[_START])


def zombie_fields(pid: int, started: int) -> list[bytes] | None:
    """Return what /proc/<pid>/stat holds after the name, for the zombie of `started`; else None."""
    fields = stat_fields(pid)
    if fields is None or fields[_STATE] != b"Z" or int(fields[_START]) != started:
        return None
    return fields


def is_alive(pid: int, started: int) -> bool:
    """True when `pid` runs and is the process that started at `started` (clock ticks since boot)."""
    return start_time(pid) == started


def is_suspended(pid: int, started: int) -> bool:
    """True when `pid` is that process and a signal (SIGSTOP, a terminal's Ctrl-Z) holds it still."""
    fields = stat_fields(pid)
    return fields is not None and fields[_STATE] == b"T" and int(fields[_START]) == started


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
        fields = stat_fields(candidate)
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


class ProcessStat(NamedTuple):
    """What /proc says of one process: `name` is the kernel's (15 bytes, the process may change it).

    `started` is in clock ticks since boot, as `start_time`; `user` is the effective user id.
    """

    pid: int
    name: str
    parent: int
    group: int
    started: int
    user: int


def all_processes() -> list[ProcessStat]:
    """Return every process that is seen from here and is no zombie; empty where there is no /proc."""
    found = []
    for pid in _pids():
        stat = process_stat(pid)
        if stat is not None:
            found.append(stat)
    return found


def process_stat(pid: int) -> ProcessStat | None:
    """Return what /proc says of `pid`; None when it is gone or only a zombie."""
    try:
        descriptor = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        data = os.read(descriptor, 4096)
        user = os.fstat(descriptor).st_uid
    except OSError:  # it ended in between
        return None
    finally:
        os.close(descriptor)
    opening, closing = data.find(b"("), data.rfind(b")")
    fields = data[closing + 2 :].split(None, _START + 1)
    if len(fields) <= _START or fields[_STATE] in (b"Z", b"X", b"x"):
        return None
    name = data[opening + 1 : closing].decode("utf-8", "replace")
    return ProcessStat(pid, name, int(fields[_PARENT]), int(fields[_GROUP]), int(fields[_START]), user)


def inner_pid(pid: int) -> int | None:
    """The pid that a process of a container below this one has in there; None for one of ours."""
    try:
        with open(f"/proc/{pid}/status", "rb") as file:
            line = next((line for line in file if line.startswith(b"NSpid:")), b"")
    except OSError:
        return None
    numbers = line.split()[1:]
    return int(numbers[-1]) if len(numbers) > 1 else None


@cache
def boot_time() -> float | None:
    """When this kernel started, in unix seconds; None where it does not say."""
    try:
        with open("/proc/stat", "rb") as file:
            line = next((line for line in file if line.startswith(b"btime ")), b"")
    except OSError:
        return None
    return float(line.split()[1]) if line else None


def started_at(started: int) -> float | None:
    """Return a start time in clock ticks since boot as unix seconds, good to about a second."""
    boot = boot_time()
    return None if boot is None else boot + started / TICKS_PER_S


class OpenFile(NamedTuple):
    """What a process has open: `target` as the kernel names it (a path, `pipe:[1]`, …)."""

    number: int
    target: str
    is_written: bool


def open_files(pid: int, most: int = 4096) -> list[OpenFile]:
    """Return what `pid` has open, `most` of it at most; empty when it is gone or may not be looked at."""
    folder = f"/proc/{pid}/fd"
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    found = []
    for name in names[:most]:
        link = f"{folder}/{name}"
        try:
            target = os.readlink(link)  # noqa: PTH115 - asked for every file of every process
            # /proc shows by the link's own permissions how the file was opened
            is_written = bool(os.lstat(link).st_mode & stat.S_IWUSR)
        except OSError:
            continue
        found.append(OpenFile(int(name), target, is_written))
    return found


def working_directory(pid: int) -> Path | None:
    """Return where `pid` works; None when it is gone, may not be looked at, or its folder was removed."""
    try:
        folder = Path(f"/proc/{pid}/cwd").readlink()
    except OSError:
        return None
    return folder if folder.is_absolute() and not str(folder).endswith(" (deleted)") else None


def has_other_root(pid: int) -> bool:
    """True when `pid` surely sees another file system than we, as one in another container does."""
    try:
        theirs, ours = os.stat(f"/proc/{pid}/root"), os.stat("/")  # noqa: PTH116 - for every process
    except OSError:
        return False
    return (theirs.st_dev, theirs.st_ino) != (ours.st_dev, ours.st_ino)


def environment(pid: int, names: Collection[str]) -> dict[str, str]:
    """Return these variables of `pid` as they were at its start; all others are left unread by callers."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            data = file.read(_MOST_ENVIRONMENT_BYTES)
    except OSError:
        return {}
    pairs = (entry.decode("utf-8", "replace").partition("=") for entry in data.split(b"\0"))
    return {name: value for name, _, value in pairs if name in names}


def maps_any(pid: int, words: Sequence[bytes]) -> bytes | None:
    """Return the first of `words` that stands in the name of a file mapped by `pid`; None when none does.

    A process of another user tells nothing, and then it is None too.
    """
    try:
        with open(f"/proc/{pid}/maps", "rb") as file:
            data = file.read()
    except OSError:
        return None
    return next((word for word in words if word in data), None)
