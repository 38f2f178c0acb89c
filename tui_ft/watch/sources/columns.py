"""Columns of rows: the points that each has, and the steps of those, looked at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from tui_ft.runs.records import number
from tui_ft.watch.steps import StepBatch

Column = Sequence[float | None]
"""One value a row; None where the row has none."""


def known_number(value: object) -> float | None:
    """A metric's value as a float; None for what is none. A whole number beyond floats is infinite."""
    try:
        return number(value)
    except OverflowError:
        return math.inf if isinstance(value, int) and value > 0 else -math.inf


class Batches:
    """The steps of some rows, looked at once for each set of rows that have a value."""

    def __init__(self, steps: Sequence[float]) -> None:
        self.whole = StepBatch(steps)
        self._parts: dict[tuple[int, ...], StepBatch] = {}

    def of(self, column: Column) -> Part:
        """What a column has: values and their steps."""
        part = known_part(self.whole, column)
        if part is not None:
            return part
        empty = tuple([at for at, value in enumerate(column) if value is None])
        if empty not in self._parts:
            kept = zip(self.whole.steps, column, strict=True)
            self._parts[empty] = StepBatch([step for step, value in kept if value is not None])
        return Part(self._parts[empty], [value for value in column if value is not None], None)


def known_part(batch: StepBatch, column: Column) -> Part | None:
    """All points of a column; None when a value is missing among them."""
    try:
        total = sum(column)  # type: ignore[arg-type]  # the quickest way to find a None
    except TypeError:
        return None
    return Part(batch, column, math.isfinite(total))  # type: ignore[arg-type]  # no None in it


class Part(NamedTuple):
    """Points of one series; `is_finite` None where it is not known whether all values are."""

    batch: StepBatch
    values: Sequence[float]
    is_finite: bool | None


def numbers_of(column: Sequence[Any]) -> Column:
    if set(map(type, column)) <= {float}:
        return column
    return [known_number(value) for value in column]


def last_known(column: Column | None, before: float | None) -> float | None:
    if column is None:
        return before
    return next((value for value in reversed(column) if value is not None), before)
