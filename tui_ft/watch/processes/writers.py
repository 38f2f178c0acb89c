"""Which living processes write a run, and whether the one that a file names is gone."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from tui_ft.hardware import host, processes
from tui_ft.watch.processes.box import Group, scan
from tui_ft.watch.processes.holding import is_of_here_alone
from tui_ft.watch.processes.searching import SLACK_S, named_writer

_RESTING_S = 1.5
"""A file written so lately may be another container's that has our host's name: its pid is not ours then."""


_CONTAINER_ID = re.compile(r"[0-9a-f]{12}")
"""The host name that Docker gives each container: no other has it."""


class Writer(NamedTuple):
    """A process that writes a run; `start_time` in clock ticks since boot tells it from a reused pid."""

    pid: int
    start_time: int


def writers(paths: Iterable[Path]) -> tuple[Writer, ...]:
    """Return the living processes whose run these files are, the head of each group.

    A process counts that has one of them open for writing, or whose output folder holds one. Scans all
    of /proc: tens of milliseconds, for a worker. Never raises.
    """
    wanted = [Path(os.path.realpath(path)) for path in paths]  # as the kernel names open files
    groups = [group for group in scan(with_gpus=False).groups if writes_any(group, wanted)]
    return tuple(Writer(group.pid, group.start_time) for group in groups)


def writes_any(group: Group, wanted: Sequence[Path]) -> bool:
    """True when one of these files is what the group has open, or lies in a folder that it writes to."""
    if group.our_run is not None:
        return any(path == group.our_run or group.our_run in path.parents for path in wanted)
    return any(
        path == mine or (mine in path.parents and _is_of(group, path)) or _is_same(path, mine)
        for path in wanted
        for mine in (*group.paths, *group.likely)
    )


def _is_of(group: Group, path: Path) -> bool:
    """An output folder may hold older runs: a file from before the process is none of its own."""
    try:
        changed = path.stat().st_mtime
    except OSError:
        return False
    return group.started_at is None or changed >= group.started_at - SLACK_S


def _is_same(one: Path, other: Path) -> bool:
    """True for one file by two names, such as through `wandb/latest-run`."""
    if one.name != other.name:
        return False
    try:
        return one.samefile(other)
    except OSError:
        return False


def lives(writer: Writer) -> bool:
    """True while this very process runs."""
    return processes.is_alive(writer.pid, writer.start_time)


def named_writer_gone(path: Path, now: float) -> bool | None:
    """Tell whether the process in the name of an event file is gone; None when that is not known.

    TensorBoard names start, host and pid. They say something only on this host, within this boot, and of
    a file that rests and was written where it lies: containers and copied folders may have our host's name.
    """
    writer = named_writer(path.name)
    boot = processes.boot_time()
    if writer is None or boot is None or writer.host != host.hostname():
        return None
    if writer.created < boot or writer.pid == 0 or not _is_written_here(path, writer.host):
        return None
    started = processes.start_time(writer.pid)
    since = processes.started_at(started) if started is not None else None
    if since is not None and since <= writer.created + SLACK_S:
        return False
    try:
        rests = abs(now - path.stat().st_mtime) > _RESTING_S
    except OSError:
        return None
    return True if rests and not _is_inside_a_container(writer.pid) else None


def _is_written_here(path: Path, name: str) -> bool:
    """True when a host of our name must be this one: it is a container's own id, or no other writes there."""
    try:
        status = path.stat()
    except OSError:
        return False
    if status.st_ctime - status.st_mtime > SLACK_S:
        return False  # copied with its times, or moved
    return _CONTAINER_ID.fullmatch(name) is not None or is_of_here_alone(path)


def _is_inside_a_container(pid: int) -> bool:
    """True when a process of a container below this one calls itself `pid`: it may share our host's name."""
    return any(processes.inner_pid(process.pid) == pid for process in processes.all_processes())
