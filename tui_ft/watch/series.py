"""One curve: values over steps, kept so that any stretch of it folds to its extremes in O(log n)."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from itertools import islice
from operator import lt

BLOCK = 64
"""Values in a block of the lowest level of the pyramid, and blocks in a block of the level above."""


class Series:
    """Values by step, in the order of steps; for a step that comes twice the last value wins.

    One thread adds while another reads: adding only appends, except where a restarted run writes steps
    again, which `rewrites` counts. A value that is not finite is kept; it takes no part in any minimum or
    maximum.
    """

    def __init__(self) -> None:
        self.steps = array("d")
        self.values = array("d")
        self._nonfinite = array("q")
        self._lows: list[array[float]] = []
        self._highs: list[array[float]] = []
        self._newest = -1
        self.rewrites = 0

    def __len__(self) -> int:
        return min(len(self.steps), len(self.values))

    @property
    def first(self) -> tuple[float, float] | None:
        """The point with the lowest step."""
        return (self.steps[0], self.values[0]) if len(self) else None

    @property
    def last(self) -> tuple[float, float] | None:
        """The point that was written last: after a restart that is not the one with the highest step."""
        return (self.steps[self._newest], self.values[self._newest]) if len(self) else None

    @property
    def nonfinite(self) -> int:
        """How many values are NaN or infinite."""
        return len(self._nonfinite)

    def add(self, step: float, value: float) -> None:
        """Take one point."""
        if not self.steps or step > self.steps[-1]:
            if not math.isfinite(value):
                self._nonfinite.append(len(self.values))
            self._newest = len(self.values)
            self.values.append(value)
            self.steps.append(step)
        else:
            self._put_back(step, value)

    def extend(self, steps: Sequence[float], values: Sequence[float]) -> None:
        """Take many points; quick where their steps go on upwards."""
        is_upwards = all(map(lt, steps, islice(steps, 1, None))) and len(steps) > 0
        is_beyond = is_upwards and (not self.steps or steps[0] > self.steps[-1])
        if not is_beyond or not math.isfinite(sum(values)):
            for step, value in zip(steps, values, strict=True):
                self.add(step, value)
            return
        self.values.extend(values)
        self.steps.extend(steps)
        self._newest = len(self.steps) - 1

    def _put_back(self, step: float, value: float) -> None:
        """Take a point whose step was passed before: replace the value there, or put it in between."""
        self.rewrites += 1
        at = bisect_left(self.steps, step)
        is_new = self.steps[at] != step
        if is_new:
            self.values.insert(at, value)
            self.steps.insert(at, step)
        else:
            self.values[at] = value
        self._newest = at
        marks = [i + 1 if is_new and i >= at else i for i in self._nonfinite if is_new or i != at]
        if not math.isfinite(value):
            marks.append(at)
        self._nonfinite = array("q", sorted(marks))
        size = BLOCK
        for lows, highs in zip(self._lows, self._highs, strict=True):
            del lows[at // size :]
            del highs[at // size :]
            size *= BLOCK

    def settle(self) -> None:
        """Fold what was added into the pyramid; called by the thread that adds, after each batch."""
        if len(self) >= BLOCK:
            self._fold(0, self.values, self.values, True)
        level = 0
        while level < len(self._lows) and len(self._lows[level]) >= BLOCK:
            self._fold(level + 1, self._lows[level], self._highs[level], False)
            level += 1

    def _fold(self, level: int, lows: array[float], highs: array[float], is_values: bool) -> None:
        if level == len(self._lows):
            self._lows.append(array("d"))
            self._highs.append(array("d"))
        done, out_lows, out_highs = len(self._lows[level]), self._lows[level], self._highs[level]
        end = len(lows) // BLOCK * BLOCK
        has_gaps = is_values and self.has_gap(done * BLOCK, end)
        for start in range(done * BLOCK, end, BLOCK):
            part_lows, part_highs = lows[start : start + BLOCK], highs[start : start + BLOCK]
            if has_gaps and self.has_gap(start, start + BLOCK):
                part_lows = part_highs = array("d", filter(math.isfinite, part_lows))
            out_highs.append(max(part_highs, default=-math.inf))
            out_lows.append(min(part_lows, default=math.inf))

    def has_gap(self, start: int, end: int) -> bool:
        """True when a value that is not finite is among the points `start` up to `end`."""
        at = bisect_left(self._nonfinite, start)
        return at < len(self._nonfinite) and self._nonfinite[at] < end

    def index(self, step: float) -> int:
        """The position of the first point at `step` or after it."""
        return bisect_left(self.steps, step, 0, len(self))

    def extent(self, start: int = 0, end: int | None = None) -> tuple[float, float] | None:
        """Lowest and highest finite value of the points `start` up to `end`; None where there is none."""
        end = len(self) if end is None else min(end, len(self))
        low, high = self._extent(start, end, -1)
        return (low, high) if low <= high else None

    def _extent(self, start: int, end: int, level: int) -> tuple[float, float]:
        """Fold positions of a level (-1: the values), by the level above where that is whole."""
        lows, highs = (self._lows[level], self._highs[level]) if level >= 0 else (self.values, self.values)
        first, last = -(-start // BLOCK), end // BLOCK
        if level + 1 < len(self._lows):
            last = min(last, len(self._lows[level + 1]))
        if level + 1 >= len(self._lows) or last <= first:
            return _fold(lows[start:end], highs[start:end])
        low, high = self._extent(first, last, level + 1)
        for a, b in ((start, first * BLOCK), (last * BLOCK, end)):
            if a < b:
                part_low, part_high = _fold(lows[a:b], highs[a:b])
                low, high = min(low, part_low), max(high, part_high)
        return low, high


def _fold(lows: Sequence[float], highs: Sequence[float]) -> tuple[float, float]:
    if lows is not highs or not math.isfinite(sum(lows)):
        return (
            min((low for low in lows if math.isfinite(low)), default=math.inf),
            max((high for high in highs if math.isfinite(high)), default=-math.inf),
        )
    return min(lows, default=math.inf), max(highs, default=-math.inf)
