"""All curves of a run in one table, filled by rows, by columns, or a whole curve at a time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby, pairwise
from typing import Any

from tui_ft.watch.log import clean_line
from tui_ft.watch.series import LONG, Series
from tui_ft.watch.sources.columns import Batches, Column, Part, known_part, last_known, numbers_of
from tui_ft.watch.steps import StepBatch, Steps

NOT_SERIES = frozenset({"schema", "step", "time", "epoch"})

MOST_SERIES = 2_000
MOST_MARKS = 1_000
LONGEST_NAME = 120
_NOT_TRAINING = ("eval_", "test_")


class MetricTable:
    """All series of a run by name, and where its steps went back.

    `times` holds the unix time of each training step: of the rows with a `loss` or, in a run that logs
    none, of all that belong to no evaluation. `back_steps` are the steps at which those went back,
    the first of the `restarts` in number.
    `is_cut`: there were more names than anybody looks at, and the last ones were left out.
    """

    def __init__(self) -> None:
        self.series: dict[str, Series] = {}
        self.times = Series()
        self.step: int | None = None
        self.epoch: float | None = None
        self.time: float | None = None
        self.back_steps: list[float] = []
        self.restarts = 0
        self._clock = ""
        self._trained: float | None = None
        self._fresh: dict[int, Steps] = {}
        self._touched: dict[str, Series] = {}
        self._shown: dict[str, str] = {}
        self.is_cut = False

    def add(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Take rows in the order of the file: `step`, perhaps `time` and `epoch`, and the metrics."""
        for keys, group in groupby(rows, key=tuple):
            alike = list(group)
            columns = {key: [row[key] for row in alike] for key in keys}
            self.add_columns(columns.pop("step"), columns)

    def add_columns(self, steps: Sequence[float], columns: Mapping[str, Sequence[Any]]) -> None:
        """Take rows as columns of the same length; a row that has no value in a column has None there."""
        self.add_numbers(steps, {name: numbers_of(column) for name, column in columns.items()})

    def add_numbers(self, steps: Sequence[float], columns: Mapping[str, Column]) -> None:
        """The same for columns that hold floats and None only."""
        if not steps:
            return
        batches = Batches(steps)
        times, epochs = columns.get("time"), columns.get("epoch")
        self.time = last_known(times, self.time)
        self.epoch = last_known(epochs, self.epoch)
        self._fresh = {}
        metrics = {name: column for name, column in columns.items() if name not in NOT_SERIES}
        trained = self._trained
        if self._follow_rows(batches, metrics, times):
            self._step_back(steps, metrics.get("loss"), trained)
        else:
            self._step_up(batches.whole)
        for name, column in metrics.items():
            self._take(name, batches.of(column))
        self._settle()

    def extend(
        self,
        name: str,
        steps: Sequence[float],
        values: Sequence[float],
        times: Sequence[float] | None = None,
    ) -> None:
        """Take many points of one series, in the order of the file, with the unix times of the points."""
        for start in range(0, len(steps), LONG):
            part = slice(start, start + LONG)
            batch = StepBatch(steps[part])
            self._fresh = {}
            clock = "loss" if name == "loss" else name if not name.startswith(_NOT_TRAINING) else ""
            is_clock = self._is_clock(clock)
            if is_clock and self._follow(batch, times[part] if times is not None else None):
                self.step = _whole(batch.steps[-1], self.step)
            elif is_clock or not self.restarts:  # else it may be from before the restart
                self._step_up(batch)
            self._take(name, Part(batch, values[part], None))
            if times is not None and len(times[part]):
                self.time = times[part][-1]
            self._settle()

    def named_series(self) -> dict[str, Series]:
        """The series that have at least one point."""
        return {name: series for name, series in self.series.items() if len(series)}

    def clock(self) -> tuple[str, float | None]:
        """What training steps are told by, and the last of them: for the cache."""
        return self._clock, self._trained

    def set_clock(self, clock: str, trained: float | None) -> None:
        """Go on from what was kept."""
        self._clock, self._trained = clock, trained

    # --- the steps of training -------------------------------------------------------------------

    def _follow_rows(self, batches: Batches, columns: Mapping[str, Column], times: Column | None) -> bool:
        """Follow those rows that are of training; True when their steps went back."""
        losses = columns.get("loss")
        is_evaluation = any(name.startswith(_NOT_TRAINING) for name in columns)
        clock = "loss" if losses is not None else "" if is_evaluation or not columns else "rows"
        if not self._is_clock(clock):
            return False
        batch = batches.of(losses).batch if losses is not None else batches.whole
        if times is not None and losses is not None and batch is not batches.whole:
            pairs = zip(times, losses, strict=True)
            times = [time for time, loss in pairs if loss is not None]
        return self._follow(batch, times)

    def _is_clock(self, clock: str) -> bool:
        """Whether steps of this kind are those of training; a loss replaces what was taken for it before."""
        if clock == "loss" and self._clock != "loss":
            self._clock, self._trained = "loss", None
            self.times, self.back_steps, self.restarts = Series(), [], 0
        elif clock and not self._clock:
            self._clock = clock
        return bool(clock) and clock == self._clock

    def _follow(self, batch: StepBatch, times: Column | None) -> bool:
        """Follow steps of training; True when they went back."""
        if not len(batch):
            return False
        restarts = self.restarts
        if not batch.is_upwards or (self._trained is not None and batch.steps[0] < self._trained):
            before = [batch.steps[0] if self._trained is None else self._trained, *batch.steps]
            back = [float(step) for last, step in pairwise(before) if step < last]
            self.restarts += len(back)
            self.back_steps += back[: MOST_MARKS - len(self.back_steps)]
        self._trained = batch.steps[-1]
        if times is not None:
            part = known_part(batch, times) or Batches(batch.steps).of(times)
            if not len(self.times) and len(part.batch):
                self.times = Series(self._share(part.batch))
            self.times.take(part.batch, part.values, is_finite=part.is_finite)
        return self.restarts > restarts

    def _step_up(self, batch: StepBatch) -> None:
        """The run is at the highest step that anything has, as long as its training goes on upwards."""
        known = batch.steps[-1:] if batch.is_upwards else batch.steps
        highest = max((step for step in known if math.isfinite(step)), default=None)
        if highest is not None and (self.step is None or highest > self.step):
            self.step = _whole(highest, self.step)

    def _step_back(self, steps: Sequence[float], losses: Column | None, trained: float | None) -> None:
        """The same row by row where training went back: then the run is where it went on."""
        for place, step in enumerate(steps):
            is_training = losses is None or losses[place] is not None
            is_back = is_training and trained is not None and step < trained
            if is_back or self.step is None or step > self.step:
                self.step = _whole(step, self.step)
            trained = step if is_training else trained

    # --- the curves ------------------------------------------------------------------------------

    def _take(self, name: str, part: Part) -> None:
        if not len(part.batch):
            return
        shown = self._shown.get(name) or self._name(name)
        if shown not in self.series:
            if len(self.series) >= MOST_SERIES:
                self.is_cut = True
                return
            self.series[shown] = Series(self._share(part.batch))
        series = self.series[shown]
        series.take(part.batch, part.values, is_finite=part.is_finite)
        self._touched[shown] = series

    def _name(self, name: str) -> str:
        """The name as it is shown: text of others', so without control characters and not without end."""
        shown = clean_line(name)[:LONGEST_NAME] or "?"
        if len(self._shown) < MOST_SERIES:
            self._shown[name] = shown
        return shown

    def _share(self, batch: StepBatch) -> Steps:
        """The steps of curves that begin together: kept once."""
        return self._fresh.setdefault(id(batch), Steps())

    def _settle(self) -> None:
        for series in (*self._touched.values(), self.times):
            series.settle()
        self._touched.clear()


def _whole(step: float, before: int | None) -> int | None:
    return int(step) if math.isfinite(step) else before
