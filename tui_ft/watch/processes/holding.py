"""Whether it is certain that nobody writes a file any more, of those that their writer keeps open."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from tui_ft.hardware import host, processes
from tui_ft.watch.processes.gpu_owners import INITIAL_NAMESPACE

_ELSEWHERE = ("nfs", "cifs", "smb", "fuse", "9p", "lustre", "ceph", "gluster", "beegfs", "virtiofs", "gpfs",
              "vboxsf", "afs", "orangefs", "prl_fs", "vmhgfs")  # fmt: skip
"""File systems that other machines may write to."""


def nobody_holds(paths: Iterable[Path]) -> bool:
    """Tell whether no process at all has one of these files open for writing; False where that is not sure.

    Sure is it only of a file system of this machine alone, whose every possible writer is seen from here:
    on the box itself, or in the container's own root. A log and a `.wandb` file are kept open as long as
    their run lives; a file that is opened for each line says nothing. Reads what all processes have open:
    tens of milliseconds, for a worker. Never raises.
    """
    wanted = {os.path.realpath(path) for path in paths}
    owners = {_sure_owner(path) for path in wanted}
    if not wanted or None in owners:
        return False
    for process in processes.all_processes():
        files = processes.open_files(process.pid)
        if any(file.is_written and file.target in wanted for file in files):
            return False
        if not files and process.user in owners and _is_closed(process.pid):
            return False
    return True


def is_of_here_alone(path: Path | str) -> bool:
    """True for a file on a file system that no other machine and no container that is not seen writes to."""
    try:
        status, root = os.stat(path), os.stat("/")  # noqa: PTH116 - a name as the kernel gives it
    except OSError:
        return False
    is_seen = status.st_dev == root.st_dev or host.pid_namespace() == INITIAL_NAMESPACE
    return is_seen and _is_local(status.st_dev)


def _sure_owner(path: str) -> int | None:
    """The user whose processes alone may write the file; None where others, or other machines, may."""
    if not is_of_here_alone(path):
        return None
    try:
        status = os.stat(path)  # noqa: PTH116 - a name as the kernel gives it
    except OSError:
        return None
    if status.st_mode & 0o022 and os.geteuid() != 0:
        return None  # others may write it, and what they have open is not shown to us
    return status.st_uid


def _is_local(device: int) -> bool:
    number = f"{os.major(device)}:{os.minor(device)}"
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as mounts:
            kinds = {
                line.partition(" - ")[2].split(" ", 1)[0]
                for line in mounts
                if line.split(" ", 3)[2] == number
            }
    except (OSError, IndexError):
        return False
    return bool(kinds) and not any(kind.startswith(_ELSEWHERE) for kind in kinds)


def _is_closed(pid: int) -> bool:
    """True when what `pid` has open may not be looked at, while it lives."""
    try:
        os.listdir(f"/proc/{pid}/fd")
    except PermissionError:
        return True
    except OSError:  # it ended
        return False
    return False
