"""The steps of a curve, which cost nothing while evenly spaced and may be shared."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from itertools import islice
from operator import lt
from typing import overload

_EXACT_WHOLE = 2.0**53
"""Up to here whole numbers are exact in a double, and so is counting by them."""


class StepBatch:
    """Steps that arrive together, looked at once for all the curves that share them.

    `is_upwards`: finite and each above the one before; `stride`: the distance of evenly spaced whole
    numbers, 0 for all others.
    """

    __slots__ = ("is_upwards", "steps", "stride")

    def __init__(self, steps: Sequence[float]) -> None:
        self.steps = steps
        self.stride = _stride(steps)
        self.is_upwards = self.stride > 0 or (
            len(steps) > 0
            and all(map(lt, steps, islice(steps, 1, None)))
            and math.isfinite(steps[0])
            and math.isfinite(steps[-1])
        )

    def __len__(self) -> int:
        return len(self.steps)

    def column(self) -> array[float]:
        """The steps as numbers of a column."""
        return self.steps if isinstance(self.steps, array) else array("d", self.steps)


def _stride(steps: Sequence[float]) -> int:
    """The distance of evenly spaced whole numbers that rise; 1 for a single one, 0 for all others."""
    count = len(steps)
    if not count or not -_EXACT_WHOLE < steps[0] <= steps[-1] < _EXACT_WHOLE or steps[0] % 1:
        return 0
    if count == 1:
        return 1
    first, last, stride = int(steps[0]), steps[-1], steps[1] - steps[0]
    if not 0 < stride <= last - first or stride % 1 or first + stride * (count - 1) != last:
        return 0
    even = range(first, first + int(stride) * count, int(stride))
    is_even = array("d", even) == steps if isinstance(steps, array) else list(even) == list(steps)
    return int(stride) if is_even else 0


class Steps(Sequence[float]):
    """Ascending steps. Evenly spaced whole numbers are a start and a stride, all else is a column.

    Several curves may share one (`is_shared`): each knows how many of its steps are its own. One thread
    adds.
    """

    __slots__ = ("_count", "_listed", "_start", "_stride", "is_shared")

    def __init__(self, listed: Sequence[float] = ()) -> None:
        self._start = 0
        self._stride = 0
        self._count = 0
        self._listed: array[float] | None = None
        self.is_shared = False
        if len(listed):
            self.extend(StepBatch(listed))

    def __len__(self) -> int:
        listed = self._listed
        return self._count if listed is None else len(listed)

    @overload
    def __getitem__(self, at: int) -> float: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[float]: ...
    def __getitem__(self, at: int | slice) -> float | Sequence[float]:
        listed = self._listed
        if listed is not None:
            return listed[at]
        even = range(self._start, self._start + self._count * (self._stride or 1), self._stride or 1)
        return float(even[at]) if isinstance(at, int) else array("d", even[at])

    @property
    def stride(self) -> int:
        """The distance of two steps where it is always the same whole number, else 0."""
        return self._stride if self._listed is None else 0

    def extend(self, batch: StepBatch) -> None:
        """Take upward steps, all of them beyond the last one here."""
        if self._listed is None and self._goes_on(batch):
            if not self._count:
                self._start = int(batch.steps[0])
            if self._count == 1:
                self._stride = int(batch.steps[0]) - self._start
            if len(batch) > 1:
                self._stride = batch.stride
            self._count += len(batch)
            return
        self._list().extend(batch.column())

    def _goes_on(self, batch: StepBatch) -> bool:
        if not batch.stride:
            return False
        stride = batch.stride if len(batch) > 1 else self._stride
        if not self._count:
            return True
        gap = batch.steps[0] - (self._start + (self._count - 1) * self._stride)
        if self._count == 1:
            return gap == stride or (len(batch) == 1 and gap < _EXACT_WHOLE)
        return gap == self._stride == stride

    def _list(self) -> array[float]:
        """Give up on even spacing."""
        if self._listed is None:
            self._listed = array("d", self[:])
        return self._listed

    def insert(self, at: int, steps: Sequence[float]) -> None:
        """Put steps in at a position; no other curve may share them."""
        self._list()[at:at] = array("d", steps)

    def holds(self, batch: StepBatch, at: int) -> bool:
        """True when the steps from position `at` on are those of the batch, as far as it goes."""
        if self._listed is None and batch.stride and len(batch) > 1 and self._count >= at + len(batch):
            return batch.stride == self._stride and self[at] == batch.steps[0]
        return self[at : at + len(batch)] == batch.column()

    def copy(self, count: int) -> Steps:
        """The first `count` steps, for a curve that goes on otherwise than those it shared them with."""
        copied = Steps()
        if self._listed is not None:
            copied._listed = self._listed[:count]
        else:
            copied._start, copied._stride, copied._count = self._start, self._stride, count
        return copied

    def parts(self) -> tuple[int, int, int, array[float] | None]:
        """Start, stride and count, and the column where there is one: for the cache."""
        return self._start, self._stride, len(self), self._listed

    @classmethod
    def of_parts(cls, start: int, stride: int, count: int, listed: array[float] | None) -> Steps:
        """Steps as the cache keeps them; several curves may have them."""
        made = cls()
        made._start, made._stride, made._count, made._listed = start, stride, count, listed
        made.is_shared = True
        return made

    def index(self, step: float, start: int = 0, stop: int | None = None) -> int:
        """The position of the first step at `step` or after it, between `start` and `stop`."""
        stop = len(self) if stop is None else stop
        listed = self._listed
        if listed is not None:
            return bisect_left(listed, step, start, min(stop, len(listed)))
        if self._stride and math.isfinite(step):
            at = math.ceil((step - self._start) / self._stride)
            at += self._start + at * self._stride < step  # what the division rounded away
            return min(max(at, start), stop)
        return bisect_left(self, step, start, stop)


class FirstSteps(Sequence[float]):
    """The first so many of steps that go on: those of a curve that has ended, or is not as far yet."""

    __slots__ = ("_count", "_steps")

    def __init__(self, steps: Steps, count: int) -> None:
        self._steps = steps
        self._count = count

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, at: int) -> float: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[float]: ...
    def __getitem__(self, at: int | slice) -> float | Sequence[float]:
        if isinstance(at, slice):
            start, stop, step = at.indices(self._count)
            return self._steps[start : max(stop, 0) : step] if stop >= 0 else self._steps[start::step]
        if not -self._count <= at < self._count:
            raise IndexError(at)
        return self._steps[at % self._count]
