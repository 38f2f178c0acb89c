"""The queue as it is shown: each run with its name, what it waits for, and how long it is likely to take."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import median

from tui_ft.errors import TuiFtError
from tui_ft.runs.directory import RunDirectory, list_directories, without_date
from tui_ft.runs.money.bill import bill_of
from tui_ft.runs.money.prices import Amount, amount
from tui_ft.runs.queueing.nudging import is_being_advanced
from tui_ft.runs.queueing.queue import current
from tui_ft.runs.queueing.queue_file import QueueDocument, QueueEntry
from tui_ft.runs.queueing.sight import look
from tui_ft.runs.records import StateRecord, Status
from tui_ft.runs.state import read_state
from tui_ft.spec import toml
from tui_ft.spec.resolve import resolve
from tui_ft.spec.run_spec import RunSpec

MOST_LOOKED_AT = 30
"""So many finished runs of the same model and method are compared with one that waits."""


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """How long a run took that differs in nothing that counts for that; None where there was none."""

    seconds: float | None = None
    cost: Amount | None = None
    like: str = ""


@dataclass(frozen=True, kw_only=True)
class QueueRow:
    """One run that waits; `place` is counted from 1. `why` is what it waits for, or why it is held.

    `is_under_way`: a process is at work on the queue, so what is said to be starting is being started.
    """

    place: int
    entry: QueueEntry
    path: Path
    model: str = ""
    method: str = ""
    why: str = ""
    is_under_way: bool = False
    forecast: Forecast = Forecast()

    @property
    def id(self) -> str:
        return self.entry.id

    @property
    def word(self) -> str:
        """`waiting`, `starting` or `held`."""
        is_cut_off = self.entry.state == "starting" and not self.is_under_way
        return "waiting" if is_cut_off else self.entry.state


@dataclass(frozen=True, kw_only=True)
class Going:
    """A run that holds this machine now; `left_s` is what it still takes, None when not known yet."""

    id: str
    status: Status
    left_s: float | None = None


@dataclass(frozen=True, kw_only=True)
class QueueListing:
    """Everything that is shown of a queue."""

    is_held: bool
    rows: tuple[QueueRow, ...]
    going: tuple[Going, ...] = ()


def read_listing(root: Path, now: float | None = None) -> QueueListing:
    """Read the queue of `root` and what it waits for. Raises `TuiFtError` where it cannot be read."""
    now = time.time() if now is None else now
    sight = look(root, now)
    document = current(root, sight)
    going = tuple(
        Going(id=run.id, status=truth.status, left_s=bill_of(run, now).left_s) for run, truth in sight.going
    )
    forecaster = _Forecaster(root, now) if document.entries else None
    is_under_way = _is_under_way(root)
    rows = []
    for place, entry in enumerate(document.entries, 1):
        run = RunDirectory(root.resolve() / entry.id)
        state = _state(run)
        rows.append(
            QueueRow(
                place=place,
                entry=entry,
                path=run.path,
                model=state.model if state else "",
                method=state.method if state else "",
                why=_why(document, entry, going),
                is_under_way=is_under_way,
                forecast=forecaster.of(run, state) if forecaster and state else Forecast(),
            )
        )
    return QueueListing(is_held=document.held, rows=tuple(rows), going=going)


def _why(document: QueueDocument, entry: QueueEntry, going: Sequence[Going]) -> str:
    """Why it does not run yet; only of the first one more is known than that others come before it."""
    if entry.state == "held":
        return entry.reason
    if document.held:
        return "the queue is held"
    free = [place for place, other in enumerate(document.entries, 1) if other.state != "held"]
    turn = free.index(document.entries.index(entry) + 1)
    if turn:
        return f"after number {free[turn - 1]}"
    if entry.state == "starting":
        return "it is being started"
    if not entry.reason and going and not entry.beside:
        return f"behind {without_date(going[0].id)}"
    return entry.reason or "about to start"


def _is_under_way(root: Path) -> bool:
    try:
        return is_being_advanced(root)
    except OSError:
        return False


def _state(run: RunDirectory) -> StateRecord | None:
    try:
        return read_state(run)
    except TuiFtError:
        return None


class _Forecaster:
    """Compares specs that wait with those of runs that finished here; each is read once."""

    def __init__(self, root: Path, now: float) -> None:
        self._root = root
        self._now = now
        self._finished: dict[tuple[str, str], list[tuple[RunDirectory, StateRecord]]] | None = None
        self._works: dict[str, object] = {}

    def of(self, run: RunDirectory, state: StateRecord) -> Forecast:
        try:
            wanted = _work(toml.load(run.spec))
        except TuiFtError:
            return Forecast()
        took, like = [], ""
        for other, its_state in islice(self._like(state), MOST_LOOKED_AT):
            if (seconds := _seconds(its_state)) is not None and self._work_of(other) == wanted:
                took.append(seconds)
                like = like or other.id
        if not took:
            return Forecast()
        seconds = median(took)
        bill = bill_of(RunDirectory(self._root.resolve() / like), self._now)
        cost = amount(bill.rate, seconds, bill.gpus) if bill.rate is not None else None
        return Forecast(seconds=seconds, cost=cost, like=like)

    def _like(self, state: StateRecord) -> list[tuple[RunDirectory, StateRecord]]:
        if self._finished is None:
            self._finished = {}
            for run in list_directories(self._root):
                other = _state(run)
                if other is not None and other.status == "finished":
                    self._finished.setdefault((other.model, other.method), []).append((run, other))
        return self._finished.get((state.model, state.method), [])

    def _work_of(self, run: RunDirectory) -> object:
        if run.id not in self._works:
            try:
                self._works[run.id] = _work(toml.load(run.spec))
            except TuiFtError:
                self._works[run.id] = None
        return self._works[run.id]


def _seconds(state: StateRecord) -> float | None:
    """How long a run held its machine that went through in one attempt."""
    if state.attempt != 1 or state.started_at is None or state.ended_at is None:
        return None
    return max(state.ended_at - state.started_at, 0.0)


def _work(spec: RunSpec) -> object:
    """What of a spec decides how long it takes: all but learning rate, seeds and words for people."""
    full = resolve(spec)
    training = full.training
    return (
        full.model, full.data, full.method, full.objective, full.evaluation, full.hardware, training.epochs,
        training.max_steps, training.batch_size, training.gradient_accumulation, training.optimizer,
        training.gradient_checkpointing, training.precision,
    )  # fmt: skip
