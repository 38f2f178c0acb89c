"""Who is who on the box: the user, the owners of processes, and which processes belong to runs of ours."""

from __future__ import annotations

import os
import pwd
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tui_ft.errors import TuiFtError
from tui_ft.runs import directory
from tui_ft.runs.records import ACTIVE
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
    found: dict[int, str] = {}
    if box.runs_root is None:
        return found
    for run in directory.list_directories(box.runs_root)[:_MOST_RUNS]:
        try:
            state = read_state(run)
        except TuiFtError:
            continue
        if state.status in ACTIVE:
            found |= {process.pid: run.id for process in state.processes}
    return found


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
