"""Who is who on the box: the user, the owners of processes, and which processes belong to runs of ours."""

from __future__ import annotations

import grp
import os
import pwd
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tui_ft.errors import TuiFtError
from tui_ft.runs import directory
from tui_ft.runs.records import ACTIVE, StateRecord
from tui_ft.runs.state import read_state

if TYPE_CHECKING:
    from tui_ft.doctor.box import Box

_MOST_RUNS = 50


def user_name(user: int) -> str:
    """The name of a user id; "" where it has none, as in many containers."""
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return ""


def device_group(path: Path) -> str:
    """The group that may use a device; "" where there is none but root's, into which nobody is put."""
    try:
        about = path.stat()
        name = grp.getgrgid(about.st_gid).gr_name
    except (OSError, KeyError):
        return ""
    return name if about.st_gid != 0 and about.st_mode & 0o060 == 0o060 else ""


def lives(box: Box, pid: int) -> bool:
    """True when a process of that number is seen from here."""
    return box.exists(f"/proc/{pid}")


def owner_of(box: Box, pid: int) -> str:
    """The user of a process; "" when it is gone."""
    try:
        user = box.at(f"/proc/{pid}").stat().st_uid
    except OSError:
        return ""
    return user_name(user) or str(user)


def own_processes(box: Box) -> dict[int, str]:
    """The processes of runs that say they are going on, by pid: the run's id."""
    return {process.pid: run for run, state in _going(box) for process in state.processes}


def own_gpus(box: Box) -> dict[str, str]:
    """The GPUs of those runs, by UUID: in a container a GPU's processes may have others' pids."""
    return {gpu: run for run, state in _going(box) for gpu in state.gpus}


def _going(box: Box) -> Iterator[tuple[str, StateRecord]]:
    if box.runs_root is None or box.place(box.runs_root).is_dead:
        return
    for run in directory.list_directories(box.runs_root)[:_MOST_RUNS]:
        try:
            state = read_state(run)
        except TuiFtError:
            continue
        if state.status in ACTIVE:
            yield run.id, state


def file_skew(folder: Path, now: float) -> float | None:
    """How far a folder's file server is ahead, in seconds, by a file that is gone again at once."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"\0")
            file.flush()
            os.fsync(file.fileno())
            return os.fstat(file.fileno()).st_mtime - now
    except OSError:
        return None
