"""Steps of printed dicts in a log without any bar: they are counted, and the log tells how far apart."""

from __future__ import annotations

import math

from tui_ft.watch.sources.dict_lines import DictRow

NICE = (
    1,
    2,
    4,
    5,
    8,
    10,
    16,
    20,
    25,
    32,
    40,
    50,
    64,
    100,
    128,
    200,
    250,
    256,
    300,
    400,
    500,
    512,
    1000,
    2000,
    5000,
)
"""Steps between two logs that people choose."""

_ROUNDED = 0.005
"""Half of the last decimal of an epoch, as trainers round it."""


class RowCount:
    """Counts rows of training; `wanted` is the number of steps between two that the log speaks for."""

    def __init__(self, interval: int) -> None:
        self.interval = interval
        self.total: int | None = None
        self.is_told = False
        self._rows = 0
        self._epoch: float | None = None
        self._low, self._high = 0.0, math.inf
        self._steps_an_epoch: float | None = None

    @property
    def wanted(self) -> int:
        if self.is_told or not self._rows or self._high == math.inf or self._low > self._high:
            return self.interval
        low, high = math.ceil(self._low - 1e-9), math.floor(self._high + 1e-9)
        if low == high and low > 0:
            return low
        nice = [steps for steps in NICE if self._low <= steps <= self._high]
        if self.interval in nice or self._low <= self.interval <= self._high:
            return self.interval
        return nice[0] if nice else max(low, 1)

    def knows_steps_an_epoch(self, steps: float) -> None:
        """The header tells how many steps an epoch has."""
        self._steps_an_epoch = steps

    def step_of(self, row: DictRow) -> int:
        """Count a row of training and return its step; an evaluation belongs to the row before it."""
        if not row.is_training:
            return self._rows * self.interval
        if row.epoch is not None and self._epoch is not None and row.epoch < self._epoch - _ROUNDED:
            self._rows = 0  # the log of another start follows
            self._low, self._high = 0.0, math.inf
        self._epoch = row.epoch if row.epoch is not None else self._epoch
        self._rows += 1
        if self._steps_an_epoch is not None and row.epoch is not None and math.isfinite(row.epoch):
            self._narrow(
                (row.epoch - _ROUNDED) * self._steps_an_epoch / self._rows,
                (row.epoch + _ROUNDED) * self._steps_an_epoch / self._rows,
            )
        return self._rows * self.interval

    def see_checkpoint(self, step: int) -> None:
        """A checkpoint was saved: its step lies between the last row of training and the next."""
        if self._rows:
            self._narrow(step / (self._rows + 1), step / self._rows)

    def see_summary(self, row: DictRow, total: int | None) -> None:
        """The summary tells the run's time and speed: so the number of its steps, unless `total` does."""
        if total is not None and self._rows:
            self._narrow(total / (self._rows + 1), total / self._rows)
            return
        seconds, speed = row.numbers.get("train_runtime"), row.numbers.get("train_steps_per_second")
        if not seconds or not speed or not self._rows or not math.isfinite(seconds * speed):
            return
        error = 0.0005 + speed * 0.0005
        self._narrow(
            seconds * max(speed - error, 0.0) / (self._rows + 1), seconds * (speed + error) / self._rows
        )

    def _narrow(self, low: float, high: float) -> None:
        low, high = max(low, self._low), min(high, self._high)
        if low <= high:
            self._low, self._high = low, high
