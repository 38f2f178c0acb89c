"""Asking something of a run that is going: stop, save, pause, continue, another learning rate."""

from __future__ import annotations

import math
import os
import signal
import time

from tui_ft.errors import TuiFtError
from tui_ft.hardware import processes
from tui_ft.runs.adopting import adopt_if_orphan
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.following import follow
from tui_ft.runs.handles import handle
from tui_ft.runs.records import ENDED, RequestName, RequestRecord, StateRecord, Status
from tui_ft.runs.requests import put_request, read_requests, remove_request
from tui_ft.runs.truth import UNSUPERVISED, Truth, is_here, read_truth

_OPPOSITE: dict[RequestName, RequestName] = {"pause": "continue", "continue": "pause"}


def request(
    run: RunDirectory,
    name: RequestName,
    by: str,
    value: float | None = None,
    now: bool = False,
    text: str | None = None,
) -> Status:
    """Put a request to `run` and return its status right after; the run carries it out in its own time.

    `stop` saves a checkpoint and ends; with `now` it is killed. `save`, `pause`, `continue` and
    `learning_rate` (which takes `value`) act at the next step edge. A run without a supervisor is given
    one first. `by` is written into the state, for the question who stopped it.

    Raises `TuiFtError` with exit code 1 for a run that is over or cannot do what is asked.
    """
    truth = read_truth(run)
    _require_open(run, truth)
    if name == "learning_rate" and (value is None or not math.isfinite(value) or value <= 0):
        raise TuiFtError(f"{value} is no learning rate.", "Give a number above 0, such as 1e-4.")
    if truth.reason == UNSUPERVISED:
        adopt_if_orphan(run)
    if name == "continue":
        _require_paused(run, truth)
    record = RequestRecord(request=name, time=time.time(), by=by, value=value, now=now, text=text)
    try:
        _put(run, record)
    except OSError as error:
        if name == "stop" and _stop_by_signal(run, now):  # a full disk must not keep a run going
            return "stopping"
        raise TuiFtError(
            f"{run.id} cannot be asked: {os.strerror(error.errno or 0)} in {run.control}.",
            "The run directory must be yours and writable.",
        ) from error
    after = read_truth(run)
    if after.status in ENDED:  # it ended while we asked: nobody would ever read the request
        remove_request(run, name)
        if name == "stop":
            return after.status
        _require_open(run, after)
    if after.state is not None and is_here(after.state):
        # wake it, for else it looks once a second; SIGCONT harms nobody, should the pid be reused
        _signal_supervisor(after.state, signal.SIGCONT)
    return "stopping" if name == "stop" else after.status


def _require_open(run: RunDirectory, truth: Truth) -> None:
    """Refuse what has no one to carry it out."""
    if truth.status == "queued":
        raise TuiFtError(
            f"{run.id} waits in the queue: it has not begun.",
            f"`tui-ft queue remove {run.id}` takes it out; in the app: Q.",
            exit_code=1,
        )
    if truth.status in ENDED:
        raise TuiFtError(
            f"{run.id} is over: it has {_ended(truth.status)}.",
            f"`tui-ft resume {handle(run)}` or `tui-ft restart {handle(run)}` goes on."
            if truth.status != "finished"
            else f"`tui-ft restart {handle(run)}` runs the same spec again.",
            exit_code=1,
        )
    if truth.status == "lost":
        raise TuiFtError(
            f"{run.id} does not run any more: {truth.reason}.",
            f"`tui-ft resume {handle(run)}` goes on from its newest checkpoint.",
            exit_code=1,
        )
    if truth.state is None:
        raise TuiFtError(
            truth.reason or f"{run.path} is not a run.", "See `tui-ft ls` for the runs there are."
        )
    if truth.status == "unknown":
        raise TuiFtError(
            f"{run.id} cannot be reached from here: {truth.reason}.",
            "Ask on the machine on which it runs.",
            exit_code=1,
        )


def _require_paused(run: RunDirectory, truth: Truth) -> None:
    """By the events: the state is up to a second behind them. A pause that waits can be taken back."""
    state = truth.state
    is_paused = truth.status == "paused" or (
        state is not None and follow(run, state.attempt).status == "paused"
    )
    if not is_paused and "pause" not in read_requests(run):
        raise TuiFtError(
            f"{run.id} is not paused: it is {truth.status}.",
            f"`tui-ft pause {run.id}` makes it wait.",
            exit_code=1,
        )


def _ended(status: Status) -> str:
    return {"finished": "finished", "stopped": "been stopped", "failed": "failed"}[status]


def _put(run: RunDirectory, record: RequestRecord) -> None:
    opposite = _OPPOSITE.get(record.request)
    if opposite is not None:
        remove_request(run, opposite)
    put_request(run, record)


def _stop_by_signal(run: RunDirectory, now: bool) -> bool:
    """Stop without a file; True when there was a supervisor to take it. See `Supervisor.listen`."""
    state = read_truth(run).state
    return (
        state is not None
        and is_here(state)
        and _signal_supervisor(state, signal.SIGQUIT if now else signal.SIGINT)
    )


def _signal_supervisor(state: StateRecord, number: signal.Signals) -> bool:
    for process in state.processes:
        if process.role == "supervisor" and processes.is_alive(process.pid, process.start_time):
            try:
                os.kill(process.pid, number)
            except (ProcessLookupError, PermissionError):
                return False  # it ended just now, or is another user's
            return True
    return False
