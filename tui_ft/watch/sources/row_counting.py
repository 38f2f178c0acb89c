"""Steps of printed dicts in a log without any bar: they are counted, and the log tells how far apart."""

from __future__ import annotations

import math

from tui_ft.watch.sources.dict_lines import DictRow
from tui_ft.watch.sources.epoch_ratio import rounding

NICE = (1, 2, 4, 5, 8, 10, 16, 20, 25, 32, 40, 50, 64, 100, 128, 200, 250, 256, 300, 400, 500, 512, 1000,
        2000, 5000)  # fmt: skip
"""Steps between two logs that people choose."""

FEWEST_ROWS = 4
SUREST = 0.3
"""A number that is known this well is rounded to a whole one."""


class RowCount:
    """Counts rows of training; `wanted` is the number of steps between two that the log speaks for.

    `first` is what the first row counts as: 1; 0 where the very first step is logged, too; more where the
    log begins with a resumed run. `wanted_first` is what the epochs of the rows speak for.
    """

    def __init__(self, interval: int, first: int = 1) -> None:
        self.interval = interval
        self.wanted_first = self.first = first
        self.total: int | None = None
        self.is_told = False
        self._rows = 0
        self._epochs: list[tuple[float, float]] = []
        self._last: tuple[int, float | None] = (0, None)
        self._gap: float | None = None
        self._low, self._high = 0.0, math.inf
        self._steps_an_epoch: float | None = None

    @property
    def wanted(self) -> int:
        if self.is_told or not self._rows or self._high == math.inf or self._low > self._high:
            return self.interval
        low, high = math.ceil(self._low - 1e-9), math.floor(self._high + 1e-9)
        if low == high and low > 0:
            return low
        if self._low <= self.interval <= self._high:
            return self.interval
        nice = [steps for steps in NICE if self._low <= steps <= self._high]
        return nice[0] if nice else max(low, 1)

    def knows_steps_an_epoch(self, steps: float) -> None:
        """The header tells how many steps an epoch has."""
        self._steps_an_epoch = steps

    def step_of(self, row: DictRow) -> int:
        """Count a row of training and return its step; an evaluation lies where its epoch says."""
        step, epoch = self._last
        if not row.is_training:
            if row.epoch and epoch and row.epoch > epoch + 2 * rounding(row):
                return max(round(row.epoch * step / epoch), step)
            return step
        if row.epoch is not None and epoch is not None and row.epoch < epoch - rounding(row):
            self._begin_again(row.epoch)
        self._rows += 1
        self._learn(row)
        index = self._index()
        step = index * self.interval if index else 1
        self._last = (step, row.epoch if row.epoch is not None else epoch)
        return step

    def _index(self) -> int:
        return self.first + self._rows - 1

    def _begin_again(self, epoch: float) -> None:
        """The log of another start follows: from the beginning, or from where its epoch says."""
        self._rows, self._epochs = 0, []
        self.first = max(round(epoch / self._gap), 1) if self._gap else 1
        self.wanted_first = self.first
        self._low, self._high = 0.0, math.inf

    def _learn(self, row: DictRow) -> None:
        if row.epoch is None or not math.isfinite(row.epoch):
            return
        slack = rounding(row)
        if self._steps_an_epoch is not None and self._index() > 0:
            low, high = (row.epoch + sign * slack for sign in (-1, 1))
            self._narrow(
                low * self._steps_an_epoch / self._index(), high * self._steps_an_epoch / self._index()
            )
        self._epochs = [*self._epochs[:2], (row.epoch, slack)]
        if self._rows < FEWEST_ROWS or len(self._epochs) < 3:
            return
        (first, first_slack), (second, second_slack), (last, last_slack) = self._epochs
        gap = (last - second) / (self._rows - 2)
        error = (second_slack + last_slack) / (self._rows - 2)
        if gap <= 0.0 or self._rows > 512:
            return
        self._gap = gap
        index = first / gap
        if (first_slack + index * error) / gap > SUREST:
            return
        if index < 1.0 - SUREST:
            self.wanted_first = 0
            self._narrow(
                (gap - error) / (first + first_slack), (gap + error) / max(first - first_slack, 1e-9)
            )
        else:
            self.wanted_first = max(round(index), 1)

    def see_checkpoint(self, step: int) -> None:
        """A checkpoint was saved: its step lies between the last row of training and the next."""
        if self._index() > 0:
            self._narrow(step / (self._index() + 1), step / self._index())

    def see_summary(self, row: DictRow, total: int | None) -> None:
        """The summary tells the run's time and speed: so the number of its steps, unless `total` does."""
        if not self._rows or self._index() < 1:
            return
        if total is not None:
            self._narrow(total / (self._index() + 1), total / self._index())
            return
        seconds, speed = row.numbers.get("train_runtime"), row.numbers.get("train_steps_per_second")
        if self.first > 1 or not seconds or not speed or not math.isfinite(seconds * speed):
            return
        error = 0.0005 + speed * 0.0005
        self._narrow(
            seconds * max(speed - error, 0.0) / (self._index() + 1), seconds * (speed + error) / self._index()
        )

    def _narrow(self, low: float, high: float) -> None:
        low, high = max(low, self._low), min(high, self._high)
        if low <= high:
            self._low, self._high = low, high
