"""What a run is really doing: the state as written, checked against the processes that live."""

from __future__ import annotations

import os
import time
from typing import NamedTuple

import msgspec

from tui_ft.errors import TuiFtError
from tui_ft.hardware import host, processes
from tui_ft.runs import ending, lock
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.following import follow
from tui_ft.runs.records import (
    ACTIVE,
    ProcessRecord,
    StateRecord,
    Status,
    complete_lines,
    decode_hardware,
)
from tui_ft.runs.state import read_state
from tui_ft.runs.trainer_process import ProcessEnd, trainer_arguments

UNSUPERVISED = "unsupervised"
"""The stable word for a trainer whose supervisor died; the next command adopts it."""

QUIET_S = 120.0
"""A trainer says that it lives every ten seconds; after this long without, it is called quiet."""

FRESH_S = 180.0
"""A run elsewhere counts as running while its last hardware row is younger: they come once a minute."""

_TAIL_BYTES = 1 << 16
"""Room for several hardware rows, even of a box with many GPUs."""

_LAUNCH_S = 10.0
"""How long a launch may take until the supervisor has written itself into the state."""


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
        return _elsewhere(run, state, now, seen)
    if supervisor_lives(state):
        return _supervised(run, state, now, seen)
    if living_trainer(run, state) is not None:
        return Truth(state, _really_running(run, state), UNSUPERVISED, seen)
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
    return any(
        processes.is_alive(process.pid, process.start_time)
        for process in state.processes
        if process.role == "supervisor"
    )


def living_trainer(run: RunDirectory, state: StateRecord) -> ProcessRecord | None:
    """Return the trainer of this run that lives here, recorded or not.

    A supervisor that is killed between starting the trainer and recording it leaves one that only its
    command line, or its lock on the events, gives away.
    """
    recorded = [process for process in state.processes if process.role != "supervisor"]
    for process in recorded:
        if processes.is_alive(process.pid, process.start_time):
            return process
    if not is_here(state):
        return None
    if recorded and not lock.is_locked(run.events):
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


def _supervised(run: RunDirectory, state: StateRecord, now: float, seen: float | None) -> Truth:
    beat = max(_changed(run.events) or 0.0, _changed(run.metrics) or 0.0, state.started_at or 0.0)
    if beat and now - beat > QUIET_S:
        return Truth(state, "quiet", f"no sign of life from the trainer for {_age(now - beat)}", seen)
    return Truth(state, state.status, state.reason, seen)


def _elsewhere(run: RunDirectory, state: StateRecord, now: float, seen: float | None) -> Truth:
    """A shared disk, a copy, or a boot that is over: the age of the last hardware row decides."""
    changed = _last_hardware_time(run)
    where = f"on {state.host}" if state.host else "on another machine"
    if changed is not None and now - changed < FRESH_S:
        return Truth(state, state.status, state.reason or where, seen)
    if state.host == host.hostname():
        where = f"before the last start of {state.host}"
    last = changed if changed is not None else seen
    when = f"last seen {_age(now - last)} ago" if last is not None else "last seen"
    return Truth(state, "unknown", f"{when}, {where}", seen)


def _last_hardware_time(run: RunDirectory) -> float | None:
    """The time in the last row, not the file's: a copy is young, what it tells is not."""
    try:
        descriptor = os.open(run.hardware, os.O_RDONLY | os.O_CLOEXEC)
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


def _really_running(run: RunDirectory, state: StateRecord) -> Status:
    """The state stopped at the supervisor's death; the events went on."""
    if state.status == "stopping":
        return "stopping"
    follower = follow(run, state.attempt)
    return follower.status if follower.phase is not None else state.status


def _was_taken(state: StateRecord) -> bool:
    return any(process.role == "supervisor" for process in state.processes)


def _is_being_launched(run: RunDirectory, state: StateRecord, now: float) -> bool:
    return now - (state.started_at or 0.0) < _LAUNCH_S or lock.is_locked(run.lock)


def _without_processes(run: RunDirectory, state: StateRecord, seen: float | None) -> Truth:
    """Nobody lives. A trainer that said its last word unwatched has ended; else the run is lost."""
    follower = follow(run, state.attempt)
    if follower.end is not None:
        asked = state.stop_requested_by is not None
        status, record = ending.judge(ending.Seen(process=ProcessEnd(), end=follower.end, stop_asked=asked))
        return Truth(state, status, record.message, seen)
    if not _was_taken(state):
        return Truth(state, "lost", "its start was cut off", seen)
    saved = follower.saved_step
    left = f"the newest checkpoint is of step {saved}" if saved is not None else "it saved no checkpoint"
    return Truth(state, "lost", f"supervisor and trainer are gone; {left}", seen)


def _age(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if seconds < 172_800 else f"{seconds / 86_400:.0f} days"
