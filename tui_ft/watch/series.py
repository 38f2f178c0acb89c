"""One curve: values over steps, kept so that any stretch of it folds to its extremes in O(log n)."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from itertools import islice
from operator import le, lt
from typing import Any

from tui_ft.watch.curve import Curve
from tui_ft.watch.pyramid import Pyramid
from tui_ft.watch.steps import FirstSteps, StepBatch, Steps
from tui_ft.watch.values import BLOCK, Values

__all__ = ["LONG", "Curve", "Series"]

LONG = 65_536
"""From so many points on values are kept as float32: no chart shows more, and a million take 4 MB."""

MOST_INSERTED = 8
"""Of more stretches between old steps that come together the rest is woven in at once."""

_FLOAT32_HIGHEST = 3.4e38
_FLOAT32_LOWEST = 1.2e-38
"""Beyond these bounds a float32 is infinite, or has lost digits (IEEE 754)."""


class Series:
    """Values by step, in the order of steps; for a step that comes twice the last value wins.

    One thread adds while another reads: adding only appends, except where a restarted run writes steps
    again, which `rewrites` counts. A value that is not finite is kept; it takes no part in any minimum or
    maximum. A step that is not finite is no point. Of a long series `values` has float32 precision;
    `first`, `last` and the extent of the whole are exact, unless a restart put new steps between old ones.
    Curves of the same rows may share their `steps`.
    """

    def __init__(self, steps: Steps | None = None) -> None:
        self._steps = steps if steps is not None else Steps()
        self.values = Values()
        self.rewrites = 0
        self._steps.is_shared = steps is not None
        self._pyramid = Pyramid()
        self._nonfinite: array[Any] = array("q")
        self._first: tuple[float, float] | None = None
        self._last: tuple[float, float] | None = None
        self.stays_wide = False
        """True for a long series whose values float32 cannot hold, or that serves as an axis."""

    def __len__(self) -> int:
        return min(len(self._steps), len(self.values))

    @property
    def steps(self) -> Sequence[float]:
        """The step of each point."""
        steps, count = self._steps, len(self)
        return steps if len(steps) == count else FirstSteps(steps, count)

    @property
    def own_steps(self) -> Steps:
        """The column of steps, which curves that go further may share."""
        return self._steps

    @property
    def first(self) -> tuple[float, float] | None:
        """The point with the lowest step."""
        return self._first

    @property
    def last(self) -> tuple[float, float] | None:
        """The point that was written last: after a restart that is not the one with the highest step."""
        return self._last

    @property
    def nonfinite(self) -> int:
        """How many values are NaN or infinite."""
        return len(self._nonfinite)

    def add(self, step: float, value: float) -> None:
        """Take one point."""
        self.take(StepBatch((step,)), (value,))

    def extend(self, steps: Sequence[float], values: Sequence[float]) -> None:
        """Take many points, in the order in which they were written."""
        self.take(StepBatch(steps), values)

    def take(self, batch: StepBatch, values: Sequence[float], *, is_finite: bool | None = None) -> None:
        """Take many points whose steps were looked at before; quick where they go on upwards.

        `is_finite`: whether it is known that all values are (None: not known). Raises `ValueError` when
        there are not as many values as steps.
        """
        if len(values) != len(batch):
            raise ValueError(f"{len(batch)} steps and {len(values)} values")
        if batch.is_upwards and (not len(self) or batch.steps[0] > self._steps[len(self) - 1]):
            self._append(batch, values, is_finite or math.isfinite(sum(values)))
        elif len(batch):
            done = self._rewrite(batch, values) if batch.is_upwards else 0
            if done < len(batch):
                self._merge(batch.steps[done:], values[done:])

    def _append(self, batch: StepBatch, values: Sequence[float], is_finite: bool = False) -> None:
        count = len(self)
        if not is_finite:
            gaps = [count + at for at, value in enumerate(values) if not math.isfinite(value)]
            self._nonfinite.extend(gaps)
        if self._first is None:
            self._first = (float(batch.steps[0]), float(values[0]))
        self.values.extend(values)
        if len(self._steps) == count:
            self._steps.extend(batch)
        elif not self._steps.holds(batch, count):
            own = self._steps.copy(count)
            own.extend(batch)
            self._steps = own
        self._last = (float(batch.steps[-1]), float(values[-1]))

    # --- steps that were passed before -----------------------------------------------------------

    def _rewrite(self, batch: StepBatch, values: Sequence[float]) -> int:
        """Replace the values of steps that are all there, as a resumed run writes them; return how many."""
        at = self.index(batch.steps[0])
        count = min(len(self) - at, len(batch))
        if count < BLOCK or self._steps[at : at + count] != array("d", batch.steps[:count]):
            return 0
        new = [float(value) for value in values[:count]]
        self.rewrites += 1
        self._widen_for([value for value in new if math.isfinite(value)])
        mark, end = bisect_left(self._nonfinite, at), bisect_left(self._nonfinite, at + count)
        gaps = [at + place for place, value in enumerate(new) if not math.isfinite(value)]
        self._nonfinite[mark:end] = array("q", gaps)
        first = min(-(-at // BLOCK) * BLOCK, at + count)
        last = max((at + count) // BLOCK * BLOCK, first)
        for place in (*range(at, first), *range(last, at + count)):
            self._put(place, new[place - at])
        self.values.put_all(first, new[first - at : last - at])
        self._pyramid.replace_blocks(first, new[first - at : last - at])
        if at == 0:
            self._first = (float(batch.steps[0]), new[0])
        self._last = (float(batch.steps[count - 1]), new[-1])
        return count

    def _merge(self, steps: Sequence[float], values: Sequence[float]) -> None:
        """Take points of any order: what comes later in them wins."""
        known = {step: float(value) for step, value in zip(steps, values, strict=True) if math.isfinite(step)}
        if not known:
            return
        newest = next(step for step in reversed(steps) if math.isfinite(step))
        ordered = sorted(known)
        at = inserted = 0
        while at < len(ordered):
            place = self.index(ordered[at])
            if inserted == MOST_INSERTED and place < len(self):
                self._weave(place, {step: known[step] for step in ordered[at:]})
                break
            if place == len(self):
                self._append(StepBatch(ordered[at:]), [known[step] for step in ordered[at:]])
                break
            self.rewrites += 1
            if self._steps[place] == ordered[at]:
                self._replace(place, known[ordered[at]])
                at += 1
                continue
            end = bisect_left(ordered, self._steps[place], at)
            self._insert(place, ordered[at:end], [known[step] for step in ordered[at:end]])
            at, inserted = end, inserted + 1
        self._last = (float(newest), known[newest])

    def _replace(self, at: int, value: float) -> None:
        mark = bisect_left(self._nonfinite, at)
        is_marked = mark < len(self._nonfinite) and self._nonfinite[mark] == at
        if is_marked and math.isfinite(value):
            del self._nonfinite[mark]
        elif not is_marked and not math.isfinite(value):
            self._nonfinite.insert(mark, at)
        self._widen_for([value])
        self._put(at, value)
        if at == 0:
            self._first = (self._steps[0], value)

    def _put(self, at: int, value: float) -> None:
        before = self.values[at]
        self.values.put_all(at, [value])
        start = at // BLOCK * BLOCK
        block = self.values[start : start + BLOCK]
        self._pyramid.replace(at, before, value, block, self.values.is_rounded)

    def _insert(self, at: int, steps: list[float], values: list[float]) -> None:
        if self._steps.is_shared:
            self._steps = self._steps.copy(len(self))
        mark = bisect_left(self._nonfinite, at)
        gaps = [at + place for place, value in enumerate(values) if not math.isfinite(value)]
        after = [place + len(values) for place in self._nonfinite[mark:]]
        self._nonfinite = array("q", [*self._nonfinite[:mark], *gaps, *after])
        self._widen_for(values)
        self.values.insert(at, values)
        self._steps.insert(at, steps)
        self._pyramid.cut(at)
        if at == 0:
            self._first = (float(steps[0]), values[0])

    def _weave(self, place: int, known: dict[float, float]) -> None:
        """Put many steps between old ones from position `place` on in one go: each alone moves the rest."""
        self.rewrites += 1
        count = len(self)
        joined = dict(zip(self._steps[place:count], self.values[place:count], strict=True)) | known
        steps = sorted(joined)
        values = [joined[step] for step in steps]
        self._widen_for([value for value in known.values() if math.isfinite(value)])
        gaps = [place + at for at, value in enumerate(values) if not math.isfinite(value)]
        del self._nonfinite[bisect_left(self._nonfinite, place) :]
        self._nonfinite.extend(gaps)
        own = self._steps.copy(place)
        own.extend(StepBatch(steps))
        self._steps = own
        self.values.replace_from(place, values)
        self._pyramid.cut(place)
        if place == 0:
            self._first = (float(steps[0]), values[0])

    # --- the cache -------------------------------------------------------------------------------

    def parts(
        self,
    ) -> tuple[array[Any], ...]:
        """All its numbers: values, those after them, bounds of blocks, gaps, first and last point."""
        head, tail = self.values.parts()
        lows, highs = self._pyramid.lowest()
        ends = array("d", [*(self._first or (0.0, 0.0)), *(self._last or (0.0, 0.0))])
        return head, array("d", tail), lows, highs, self._nonfinite, ends

    @classmethod
    def of_parts(
        cls, steps: Steps, values: Values, lows: array[float], highs: array[float], gaps: array[Any],
        ends: Sequence[float], *, rewrites: int, stays_wide: bool,
    ) -> Series:  # fmt: skip
        """A series as the cache keeps it."""
        made = cls(steps)
        made.values, made.rewrites, made.stays_wide = values, rewrites, stays_wide
        made._nonfinite = array("q", gaps)
        made._pyramid = Pyramid(lows, highs)
        if len(values):
            made._first, made._last = (ends[0], ends[1]), (ends[2], ends[3])
        made.settle()
        return made

    # --- folding ---------------------------------------------------------------------------------

    def settle(self) -> None:
        """Fold what was added into the pyramid; called by the thread that adds, after each batch."""
        bounds = self._pyramid.settle(self.values, self.has_gap)
        if bounds is None:
            return
        folded = self._pyramid.folded
        if self.values.is_narrow and not _is_float32(bounds):
            self.values.widen()
            self.stays_wide = True
        self.values.settle(folded)
        if folded >= LONG and not self.values.is_narrow and not self.stays_wide:
            self._narrow()

    def _narrow(self) -> None:
        if not _is_float32(self.extent()) or _would_stand_still(self.values.parts()[0]):
            self.stays_wide = True
            return
        self.values.narrow()

    def _widen_for(self, values: list[float]) -> None:
        if self.values.is_narrow and not all(_is_float32((value, value)) for value in values):
            self.values.widen()
            self.stays_wide = True

    def has_gap(self, start: int, end: int) -> bool:
        """True when a value that is not finite is among the points `start` up to `end`."""
        at = bisect_left(self._nonfinite, start)
        return at < len(self._nonfinite) and self._nonfinite[at] < end

    def index(self, step: float) -> int:
        """The position of the first point at `step` or after it."""
        return self._steps.index(step, 0, len(self))

    def is_rising(self, start: int = 0) -> bool:
        """True when the values from `start` on are finite and never fall, but perhaps within a block."""
        start = max(start - 1, 0) // BLOCK * BLOCK
        return not self.has_gap(start, len(self)) and self._pyramid.is_rising(self.values, start)

    def extent(self, start: int = 0, end: int | None = None) -> tuple[float, float] | None:
        """Lowest and highest finite value of the points `start` up to `end`; None where there is none."""
        end = len(self) if end is None else min(end, len(self))
        low, high = self._pyramid.extent(self.values, start, end)
        return (low, high) if low <= high else None


def _is_float32(extent: tuple[float, float] | None) -> bool:
    """True when numbers within these bounds are float32 numbers, but for their digits."""
    if extent is None or extent[0] > extent[1]:
        return True
    highest = max(abs(extent[0]), abs(extent[1]))
    return highest == 0 or _FLOAT32_LOWEST <= highest <= _FLOAT32_HIGHEST


def _would_stand_still(values: array[float]) -> bool:
    """True for what rises throughout, as times do, but as float32 would take the same value twice.

    It may serve as an axis, on which every point has its place.
    """
    if not values[0] < values[-1] or not all(map(le, values, islice(values, 1, None))):
        return False
    narrow = array("f", values)
    rises = map(lt, values, islice(values, 1, None))
    return any(is_rise and low == high for is_rise, low, high in zip(rises, narrow, narrow[1:], strict=False))
