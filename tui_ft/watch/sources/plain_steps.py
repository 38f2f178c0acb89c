"""Which step a plain line belongs to: the number it prints, one within its epoch, or its place in the log."""

from __future__ import annotations

from typing import Literal

from tui_ft.watch.sources.plain_lines import PlainRow
from tui_ft.watch.sources.plain_places import Place

StepRule = Literal["as_printed", "within_epoch", "counted"]

CONTEXT_LINES = 12
"""A line `Epoch: 3/30` counts for the next lines that name no place of their own, as far as this."""


class PlainSteps:
    """Finds the step of each line. `wanted` is the rule that the lines so far speak for.

    A number that starts again with every epoch counts within it; one that stays the same over many lines
    of training is no step at all, and then the lines are counted.
    """

    def __init__(self, rule: StepRule, *, are_bars: bool = False) -> None:
        """`epochs` becomes the most epochs that a line has named, 0 while none has.

        With `are_bars` a total beside an epoch is that of the run only once a later epoch has gone on
        behind the steps of the one before: most loops draw a bar for each epoch.
        """
        self.rule = rule
        self._are_bars = are_bars
        self.wanted: StepRule = rule
        self.total: int | None = None
        self.epochs = 0
        self.epoch: float | None = None
        self._goes_on = False
        self._first_epoch: float | None = None
        self._step: int | None = None
        self._counted = 0
        self._age = CONTEXT_LINES + 1
        self._has_trained_here = False

    def step_of(self, row: PlainRow) -> int | None:
        """Return the step of a line, None for one that has no place; `epoch` is then that of the line."""
        self._age += 1
        if row.place.is_known:
            self._look(row.place, is_training=row.is_training)
        elif self._step is None or not self._counts_here(row):
            return None
        if row.is_training:
            self._counted += 1
            self._has_trained_here = True
        return self._counted if self.rule == "counted" else self._step

    def _counts_here(self, row: PlainRow) -> bool:
        """A line without a place belongs to the last that had one; an evaluation from further on too."""
        return self._age <= CONTEXT_LINES or (row.has_loss and not row.is_training)

    def _look(self, place: Place, *, is_training: bool) -> None:
        """Follow the place that a line names, and see whether the rule still holds."""
        self._age = 0
        self.epochs = max(self.epochs, place.epochs or 0)
        if place.epoch is not None and self._first_epoch is None:
            self._first_epoch = place.epoch
        epoch = place.epoch if place.epoch is not None else self.epoch
        step = self._placed(place, epoch)
        is_same = step == self._step and epoch == self.epoch
        if place.step is not None and epoch != self.epoch is not None and step > (self._step or 0):
            self._goes_on = True
        if is_training and self._has_trained_here:
            if place.step is None and is_same:
                self._want("counted")
            elif place.step is not None and epoch != self.epoch and step < (self._step or 0):
                self._want("within_epoch" if place.per_epoch else "counted")
        if not is_same:
            self._has_trained_here = False
        self._step, self.epoch = step, epoch
        if is_training:
            self._has_trained_here = True

    def _placed(self, place: Place, epoch: float | None) -> int:
        if place.step is None:
            self.total = place.epochs or self.total
            return int(epoch or 0)
        first = self._first_epoch or 0.0
        if self.rule == "within_epoch" and place.per_epoch and epoch is not None:
            self.total = place.epochs * place.per_epoch if place.epochs else None
            return int(epoch - min(first, 1.0)) * place.per_epoch + place.step
        is_of_an_epoch = self._are_bars and place.per_epoch and place.epochs != 1
        self.total = None if is_of_an_epoch and not self._goes_on else place.total or self.total
        return place.step

    def _want(self, rule: StepRule) -> None:
        if self.wanted == self.rule and rule != self.rule and self.rule != "counted":
            self.wanted = rule
