"""Giving a run whose supervisor died a new one, or writing down the end that nobody saw."""

from __future__ import annotations

import time
from pathlib import Path

from tui_ft.errors import TuiFtError
from tui_ft.runs import lock as locks
from tui_ft.runs.after import owed
from tui_ft.runs.directory import RunDirectory, list_directories
from tui_ft.runs.ending import Seen, judge
from tui_ft.runs.following import follow
from tui_ft.runs.records import ACTIVE, ENDED, StateRecord
from tui_ft.runs.requests import clear_requests
from tui_ft.runs.spawn import start_supervisor
from tui_ft.runs.state import StateFile, read_state
from tui_ft.runs.trainer_process import ProcessEnd
from tui_ft.runs.truth import is_here, living_trainer, supervisor_lives


def adopt_orphans(runs_root: Path) -> list[RunDirectory]:
    """Adopt every run under `runs_root` that needs it, and return those; for any command to call.

    A run that cannot be adopted stays as it is: the next command tries again.
    """
    return [run for run in list_directories(runs_root) if adopt_if_orphan(run)]


def adopt_if_orphan(run: RunDirectory) -> bool:
    """Adopt `run` if its supervisor died; True when that was done. Never raises.

    Of one that has ended what was to follow is begun again, if it was cut off.
    """
    try:
        state = read_state(run)
        if state.status in ENDED:
            _see_to_what_follows(run, state)
            return False
        if not _is_orphan(state) or not _can_be_helped(run, state):
            return False
        lock = locks.acquire(run, patience_s=0.0)
    except TuiFtError:
        return False  # no run, or somebody is at it
    try:
        return _adopt(run, lock)
    except (TuiFtError, OSError):
        return False  # no memory or no disk for a process: `unsupervised` stays its status
    finally:
        lock.close()


def _see_to_what_follows(run: RunDirectory, state: StateRecord) -> None:
    """Only here and on this boot: elsewhere it is not known whether somebody is at it, and after a restart
    of the machine whoever restarted it has their hands on it.
    """
    if not owed.is_owed(run, state.attempt) or not is_here(state) or locks.is_locked(run.lock):
        return
    from tui_ft.runs.after import telling

    telling.follow_up(run, state.attempt, is_late=True)


def _is_orphan(state: StateRecord) -> bool:
    """A supervisor was recorded here and is dead. A launch that is under way has recorded none yet."""
    has_been_taken = any(process.role == "supervisor" for process in state.processes)
    return state.status in ACTIVE and has_been_taken and is_here(state) and not supervisor_lives(state)


def _can_be_helped(run: RunDirectory, state: StateRecord) -> bool:
    """A lost run has neither a trainer nor a last word: there is nothing to adopt, and no file is touched."""
    return living_trainer(run, state) is not None or follow(run, state.attempt).end is not None


def _adopt(run: RunDirectory, lock: locks.Lock) -> bool:
    state = read_state(run)  # again, now that nobody else writes it
    if not _is_orphan(state):
        return False
    if living_trainer(run, state) is not None:
        start_supervisor(run, state.attempt, lock, adopt=True)
        return True
    return _settle(run, state)


def _settle(run: RunDirectory, state: StateRecord) -> bool:
    """Write the end down that the trainer announced while nobody listened. Without a last word the run is
    lost: that is derived by every reader and never written.
    """
    follower = follow(run, state.attempt)
    if follower.end is None:
        return False
    from tui_ft.runs.after import telling  # who only looks never gets here

    telling.owe(run, state.attempt)
    asked_by = state.stop_requested_by or follower.stopped_by
    asked = asked_by is not None
    status, record = judge(Seen(process=ProcessEnd(), end=follower.end, stop_asked=asked))
    file = StateFile(run, state)
    file.update(
        status=status,
        reason=None,
        exit=record,
        stop_requested_by=asked_by,
        ended_at=follower.end.time or time.time(),
        total_steps=follower.total_steps or state.total_steps,
    )
    clear_requests(run)
    telling.follow_up(run, state.attempt, is_late=True)
    return file.is_written
