"""What a run has cost and will cost: the time that it holds its machine by what an hour of that costs."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.money.bands import Band, band_of
from tui_ft.runs.money.outlay import Outlay, total
from tui_ft.runs.money.prices import Amount, Rate, amount, rate_here
from tui_ft.runs.money.spells import Spell, Spells
from tui_ft.runs.recent_steps import LEAST_STEPS, RecentSteps
from tui_ft.runs.records import ENDED, StateRecord, Status, decode_prediction
from tui_ft.runs.small_file import read_small
from tui_ft.runs.truth import Truth, read_truth

_MOST_METERS = 32
GOING: frozenset[Status] = frozenset({"starting", "running", "paused", "stopping", "quiet"})
"""While it is one of these a run holds its machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """The money of one run. None is "not known"; `problem` then says what would tell.

    `seconds` is how long it has held its machine over all attempts, pauses too, and `spent` what that cost,
    each attempt at the price of its own GPUs; `rate`, `gpu` and `gpus` are the newest's. `left_s`
    is how long the steps that are left take at the measured pace (`pace_s` a step, evaluations and saves in
    it), None before `LEAST_STEPS` steps. `budget` is in the currency of the settings; `best_step` is that of
    the checkpoint with the lowest evaluation loss.
    """

    rate: Rate | None
    gpu: str | None
    gpus: int
    seconds: float
    spent: Amount | None = None
    left_s: float | None = None
    pace_s: float | None = None
    steps_per_epoch: float | None = None
    budget: float | None = None
    attempts: int = 0
    step: int | None = None
    total_steps: int | None = None
    best_step: int | None = None
    band: Band | None = None
    status: Status = "unknown"
    problem: str = ""

    @property
    def currency(self) -> str:
        """The sign before an amount."""
        return self.rate.currency if self.rate is not None else "$"

    @property
    def hours(self) -> float:
        """Hours of the machine so far."""
        return self.seconds / 3600

    @property
    def to_finish(self) -> Amount | None:
        """What the steps that are left cost."""
        return self._cost(self.left_s)

    @property
    def in_all(self) -> Amount | None:
        """What it will have cost at its end."""
        left = self.to_finish
        if self.spent is None or left is None:
            return None
        return total((self.spent, left), self.spent.currency)

    @property
    def per_epoch(self) -> Amount | None:
        """What one pass over the data costs."""
        if self.pace_s is None or self.steps_per_epoch is None:
            return None
        return self._cost(self.pace_s * self.steps_per_epoch)

    @property
    def per_thousand_steps(self) -> Amount | None:
        """What a thousand optimizer steps cost."""
        return self._cost(None if self.pace_s is None else self.pace_s * 1000)

    @property
    def per_hour(self) -> Amount | None:
        """What an hour of all its GPUs costs."""
        return self._cost(3600.0)

    @property
    def since_best(self) -> Amount | None:
        """What the steps since the best evaluation cost."""
        if self.best_step is None or self.step is None or self.pace_s is None:
            return None
        return self._cost(max(self.step - self.best_step, 0) * self.pace_s)

    @property
    def budget_left_s(self) -> float | None:
        """How long it may still go on for its budget, at the highest rate; None without one."""
        most = self.per_hour
        if self.budget is None or self.spent is None or most is None or most.high <= 0:
            return None
        return (self.budget - self.spent.high) / most.high * 3600

    def _cost(self, seconds: float | None) -> Amount | None:
        if self.rate is None or seconds is None:
            return None
        return amount(self.rate, seconds, self.gpus)


class Meter:
    """Makes the bill of one run again and again, reading only what is new."""

    def __init__(self, run: RunDirectory) -> None:
        self._run = run
        self._spells = Spells(run)
        self._rows = RecentSteps(run.metrics)
        self._outlay = Outlay(run)
        self._parameters: int | None = None

    def bill(self, now: float, truth: Truth | None = None) -> Bill:
        """Return the bill at `now` (unix seconds). Never raises for what the files hold."""
        known = read_truth(self._run, now) if truth is None else truth
        state = known.state
        if state is None:
            return Bill(rate=None, gpu=None, gpus=1, seconds=0.0, problem=known.reason or "it has no state")
        self._rows.read()
        held = self._spells.held(state, _until(known, state, now))
        gpu = self._outlay.gpu(state.attempt)
        gpus = max(len(state.gpus), 1)
        rate, problem = rate_here(gpu)
        pace = self._pace(state)
        return Bill(
            rate=rate,
            gpu=gpu,
            gpus=gpus,
            seconds=sum(held.values()),
            spent=self._outlay.spent(held, rate, gpus) if rate is not None else None,
            left_s=self._left(known.status, state, pace),
            pace_s=pace,
            steps_per_epoch=self._rows.steps_per_epoch,
            budget=_sound(state.budget),
            attempts=state.attempt,
            step=self._rows.step,
            total_steps=state.total_steps,
            best_step=self._spells.best[1] if self._spells.best is not None else None,
            band=self._band(state),
            status=known.status,
            problem=problem,
        )

    def _band(self, state: StateRecord) -> Band | None:
        """By what was foreseen of the first attempt; that does not change."""
        if self._parameters is None:
            try:
                foreseen = decode_prediction(read_small(self._run.attempt(1).prediction))
            except (OSError, msgspec.DecodeError):
                return None
            self._parameters = foreseen.parameters or 0
        return band_of(self._parameters, state.method)

    def _pace(self, state: StateRecord) -> float | None:
        """Seconds a step: that of the steps alone, and each one's share of all that came in between."""
        spells = self._spells.read()
        spell = spells.get(state.attempt)
        if spell is None or self._done(spell) < LEAST_STEPS:
            spell = spells.get(state.attempt - 1)
        if spell is None or self._done(spell) < LEAST_STEPS:
            return None
        return self._rows.pace(spell.beside_s / self._done(spell))

    def _done(self, spell: Spell) -> int:
        return (self._rows.step or 0) - spell.first_step

    def _left(self, status: Status, state: StateRecord, pace: float | None) -> float | None:
        if status == "finished":
            return 0.0
        step, total = self._rows.step, state.total_steps
        if pace is None or step is None or total is None or total < step:
            return None
        return (total - step) * pace


def _sound(budget: float | None) -> float | None:
    """A budget as it can be; whatever else stands in a damaged state is none."""
    return budget if budget is not None and 0 < budget < float("inf") else None


def _until(truth: Truth, state: StateRecord, now: float) -> float:
    """Up to when the newest attempt held its machine."""
    if truth.status in GOING:
        return now
    if state.status in ENDED and state.ended_at is not None:
        return state.ended_at
    if truth.status == "queued" or state.started_at is None:
        return state.started_at or now
    return min(truth.updated_at or now, now)


_meters: OrderedDict[Path, Meter] = OrderedDict()
_mutex = threading.Lock()


def bill_of(run: RunDirectory, now: float) -> Bill:
    """Return the bill of `run` at `now` (unix seconds). Asked again, it reads only what is new."""
    with _mutex:
        meter = _meters.setdefault(run.path, Meter(run))
        _meters.move_to_end(run.path)
        while len(_meters) > _MOST_METERS:
            _meters.popitem(last=False)
        return meter.bill(now)
