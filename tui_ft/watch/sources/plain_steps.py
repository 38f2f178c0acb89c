"""Which step a plain line belongs to: the number it prints, one within its epoch, or its place in the log."""

from __future__ import annotations

from typing import Literal

from tui_ft.watch.sources.plain_lines import PlainRow

StepRule = Literal["as_printed", "within_epoch", "counted"]

CONTEXT_LINES = 12
"""A line `Epoch: 3/30` counts for the next lines that name no place of their own, as far as this."""


class PlainSteps:
    """Finds the step of each line. `wanted` is the rule that the lines so far speak for.

    A number that starts again with every epoch counts within it; one that stays the same over many lines
    of training is no step at all, and then the lines are counted.
    """

    def __init__(self, rule: StepRule) -> None:
        self.rule = rule
        self.wanted: StepRule = rule
        self.total: int | None = None
        self._first_epoch: float | None = None
        self._step: int | None = None
        self._epoch: float | None = None
        self._counted = 0
        self._age = CONTEXT_LINES + 1
        self._is_trained_here = False

    def step_of(self, row: PlainRow) -> int | None:
        """Return the step of a line, None for one that has no place; the row gets the epoch it belongs to."""
        self._age += 1
        is_placed = row.step is not None or row.epoch is not None
        if is_placed:
            self._look(row)
        elif self._age > CONTEXT_LINES or not row.numbers:
            if not row.has_loss or self._step is None or row.is_training:
                return None
        if row.epoch is None:
            row.epoch = self._epoch
        if row.is_training:
            self._counted += 1
            self._is_trained_here = True
        return max(self._counted, 0) if self.rule == "counted" else self._step

    def _look(self, row: PlainRow) -> None:
        """Follow the place that a line names, and see whether the rule still holds."""
        self._age = 0
        if row.epoch is not None and self._first_epoch is None:
            self._first_epoch = row.epoch
        epoch = row.epoch if row.epoch is not None else self._epoch
        step = self._placed(row, epoch)
        is_same = step == self._step and epoch == self._epoch
        if row.is_training and self._is_trained_here:
            if row.step is None and is_same:
                self._want("counted")
            elif (
                row.step is not None and epoch != self._epoch and self._step is not None and step < self._step
            ):
                self._want("within_epoch" if row.per_epoch else "counted")
        if not is_same:
            self._is_trained_here = False
        self._step, self._epoch = step, epoch

    def _placed(self, row: PlainRow, epoch: float | None) -> int:
        if row.step is None:
            self.total = row.epochs or self.total
            return int(epoch or 0)
        first = self._first_epoch or 0.0
        if self.rule == "within_epoch" and row.per_epoch and epoch is not None:
            self.total = row.epochs * row.per_epoch if row.epochs else None
            return int(epoch - min(first, 1.0)) * row.per_epoch + row.step
        self.total = row.total or self.total
        return row.step

    def _want(self, rule: StepRule) -> None:
        if self.wanted == self.rule and rule != self.rule and self.rule != "counted":
            self.wanted = rule
