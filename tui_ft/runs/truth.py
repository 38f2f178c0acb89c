"""What a run is really doing: the state as written, checked against the processes that live."""

from __future__ import annotations

import os
import time
from typing import NamedTuple

from tui_ft.errors import TuiFtError
from tui_ft.hardware import host, processes
from tui_ft.runs import elsewhere, ending, lock
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.following import EventFollower, follow
from tui_ft.runs.records import (
    ACTIVE,
    ProcessRecord,
    StateRecord,
    Status,
)
from tui_ft.runs.state import read_state
from tui_ft.runs.trainer_process import ProcessEnd, trainer_arguments

UNSUPERVISED = "unsupervised"
"""The stable word for a trainer whose supervisor died; the next command adopts it."""

QUIET_S = 120.0
"""A trainer says that it lives every ten seconds; after this long without, it is called quiet."""

_LAUNCH_S = 10.0
"""How long a launch may take until the supervisor has written itself into the state, where no lock tells."""

_AHEAD_S = 5.0
"""A time that is further ahead than this is from before a clock was set back."""


class Truth(NamedTuple):
    """What a run is doing. `state` is None when state.json cannot be read; `reason` then says why.

    `updated_at` (unix seconds) is the last sign of life in any of its files.
    """

    state: StateRecord | None
    status: Status
    reason: str | None
    updated_at: float | None


def read_truth(run: RunDirectory, now: float | None = None) -> Truth:
    """Return what `run` is doing at `now` (unix seconds). Never raises for what the files hold."""
    now = time.time() if now is None else now
    try:
        state = read_state(run)
    except TuiFtError as error:
        return Truth(None, "unknown", error.message, updated_at(run))
    return judge(run, state, now)


def judge(run: RunDirectory, state: StateRecord, now: float) -> Truth:
    """Like `read_truth`, for a state that has been read."""
    seen = updated_at(run)
    if state.status not in ACTIVE:
        return Truth(state, state.status, state.reason, seen)
    if not is_here(state):
        return Truth(state, *elsewhere.judge(run, state, now, seen), seen)
    supervisor = _living(state, is_supervisor=True)
    if supervisor is not None:
        return _supervised(run, state, supervisor, now, seen)
    trainer = living_trainer(run, state)
    if trainer is not None:
        return _suspended_trainer(state, trainer, seen) or Truth(
            state, _really_running(run, state), UNSUPERVISED, seen
        )
    if not _was_taken(state) and _is_being_launched(run, state, now):
        return Truth(state, state.status, state.reason, seen)
    return _without_processes(run, state, seen)


def is_here(state: StateRecord) -> bool:
    """True when the pids in `state` mean something here: the same boot and the same pid namespace."""
    place = host.here()
    return (state.boot_id, state.pid_namespace) == (place.boot_id, place.pid_namespace)


def was_on_earlier_boot(state: StateRecord) -> bool:
    """True when the run was on this machine, which was started again since: it surely is over."""
    place = host.here()
    return bool(state.boot_id) and state.host == place.host and state.boot_id != place.boot_id


def supervisor_lives(state: StateRecord) -> bool:
    """True when the recorded supervisor runs; ask only when `is_here`."""
    return _living(state, is_supervisor=True) is not None


def _living(state: StateRecord, *, is_supervisor: bool) -> ProcessRecord | None:
    for process in state.processes:
        if (process.role == "supervisor") is is_supervisor and processes.is_alive(
            process.pid, process.start_time
        ):
            return process
    return None


def living_trainer(run: RunDirectory, state: StateRecord) -> ProcessRecord | None:
    """Return the trainer of this run that lives here, recorded or not.

    A supervisor that is killed between starting the trainer and recording it leaves one that only its
    command line, or its lock on the events, gives away.
    """
    recorded = _living(state, is_supervisor=False)
    if recorded is not None:
        return recorded
    if not is_here(state):
        return None
    has_record = any(process.role != "supervisor" for process in state.processes)
    if has_record and not lock.is_locked(run.events):
        return None
    for pid in processes.find_by_arguments(trainer_arguments(run, state.attempt)):
        started = processes.start_time(pid)
        if started is not None:
            return ProcessRecord(role="trainer", pid=pid, start_time=started)
    return None


def updated_at(run: RunDirectory) -> float | None:
    """Return the newest change among the files that a living run writes (unix seconds)."""
    times = [_changed(path) for path in (run.metrics, run.events, run.state)]
    return max((time for time in times if time is not None), default=None)


def _changed(path: os.PathLike[str]) -> float | None:
    try:
        return os.stat(path).st_mtime  # noqa: PTH116 - asked a thousand times a second
    except OSError:
        return None


def _supervised(
    run: RunDirectory, state: StateRecord, supervisor: ProcessRecord, now: float, seen: float | None
) -> Truth:
    trainer = _living(state, is_supervisor=False)
    if trainer is not None:
        suspended = _suspended_trainer(state, trainer, seen)
        if suspended is not None:
            return suspended
    if processes.is_suspended(supervisor.pid, supervisor.start_time):
        return _with_suspended_supervisor(run, state, supervisor, seen)
    beat = _last_beat(run, state, now)
    if beat is not None and now - beat > QUIET_S and follow(run, state.attempt).end is None:
        return Truth(
            state, "quiet", f"no sign of life from the trainer for {elsewhere.age(now - beat)}", seen
        )
    return Truth(state, state.status, state.reason, seen)


def _last_beat(run: RunDirectory, state: StateRecord, now: float) -> float | None:
    """The newest sign of life, but for future ones: a clock that was set back must not hide a silence."""
    times = (_changed(run.events), _changed(run.metrics), state.started_at)
    return max((time for time in times if time is not None and time < now + _AHEAD_S), default=None)


def _suspended_trainer(state: StateRecord, trainer: ProcessRecord, seen: float | None) -> Truth | None:
    if not processes.is_suspended(trainer.pid, trainer.start_time):
        return None
    return Truth(
        state,
        "quiet",
        f"its trainer, process {trainer.pid}, is suspended: `kill -CONT {trainer.pid}` lets it go on",
        seen,
    )


def _with_suspended_supervisor(
    run: RunDirectory, state: StateRecord, supervisor: ProcessRecord, seen: float | None
) -> Truth:
    """It writes nothing now, neither what the trainer does nor how it ended."""
    wake = f"its supervisor, process {supervisor.pid}, is suspended: `kill -CONT {supervisor.pid}`"
    if living_trainer(run, state) is not None:
        return Truth(state, _really_running(run, state), f"{wake} lets it watch again", seen)
    follower = follow(run, state.attempt)
    if follower.end is not None:
        return _by_last_word(state, follower, seen)
    if follower.phase is None:
        return Truth(state, state.status, f"{wake} lets it begin", seen)
    return Truth(state, "lost", f"the trainer is gone, and {wake} lets it write down how it ended", seen)


def _really_running(run: RunDirectory, state: StateRecord) -> Status:
    """The state stopped at the supervisor's death; the events went on."""
    if state.status == "stopping":
        return "stopping"
    follower = follow(run, state.attempt)
    return follower.status if follower.phase is not None else state.status


def _was_taken(state: StateRecord) -> bool:
    return any(process.role == "supervisor" for process in state.processes)


def _is_being_launched(run: RunDirectory, state: StateRecord, now: float) -> bool:
    """Whoever launches holds the lock until the supervisor does. Where nobody can tell, the time must."""
    is_held = lock.is_held(run.lock)
    return abs(now - (state.started_at or 0.0)) < _LAUNCH_S if is_held is None else is_held


def _without_processes(run: RunDirectory, state: StateRecord, seen: float | None) -> Truth:
    """Nobody lives. A trainer that said its last word unwatched has ended; else the run is lost."""
    follower = follow(run, state.attempt)
    if follower.end is not None:
        return _by_last_word(state, follower, seen)
    if not _was_taken(state):
        return Truth(state, "lost", "its start was cut off", seen)
    saved = follower.saved_step
    left = f"the newest checkpoint is of step {saved}" if saved is not None else "it saved no checkpoint"
    return Truth(state, "lost", f"supervisor and trainer are gone; {left}", seen)


def _by_last_word(state: StateRecord, follower: EventFollower, seen: float | None) -> Truth:
    asked = (state.stop_requested_by or follower.stopped_by) is not None
    status, record = ending.judge(ending.Seen(process=ProcessEnd(), end=follower.end, stop_asked=asked))
    return Truth(state, status, record.message, seen)
