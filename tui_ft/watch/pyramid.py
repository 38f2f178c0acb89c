"""Lowest and highest value of every block of a column, of every block of blocks, and so on."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Sequence
from operator import le

from tui_ft.watch.values import BLOCK

HasGap = Callable[[int, int], bool]
"""True when a value that is not finite stands in a stretch of positions."""


class Pyramid:
    """Bounds by block. The lowest level is exact, in float64, whatever the column itself keeps."""

    def __init__(self, lows: array[float] | None = None, highs: array[float] | None = None) -> None:
        """Begin empty, or with a lowest level that was kept."""
        self.lows: list[array[float]] = [lows] if lows else []
        self.highs: list[array[float]] = [highs] if highs else []
        self._stale: set[int] = set()

    @property
    def folded(self) -> int:
        """How many values the lowest level holds."""
        return len(self.lows[0]) * BLOCK if self.lows else 0

    def lowest(self) -> tuple[array[float], array[float]]:
        """The lowest level."""
        return (self.lows[0], self.highs[0]) if self.lows else (array("d"), array("d"))

    def cut(self, at: int) -> None:
        """Forget every block from the one of position `at` on: positions moved."""
        self._stale = {block for block in self._stale if block < at // BLOCK}
        for lows, highs in zip(self.lows, self.highs, strict=True):
            at //= BLOCK
            del lows[at:]
            del highs[at:]

    def replace(self, at: int, before: float, after: float, block: Sequence[float], is_rounded: bool) -> None:
        """Take a new value at a position, where the column held `before`; `block` is its block as it is now.

        A bound that it may have been is looked for again: exact, but where a column that is or was float32
        (`is_rounded`) knows no more than that.
        """
        number = at // BLOCK
        if not self.lows or number >= len(self.lows[0]):
            return
        low, high = self.lows[0][number], self.highs[0][number]
        held_low, held_high = array("f", (low, high)) if is_rounded else (low, high)
        if before in (low, high, held_low, held_high):
            held_after = block[at % BLOCK]
            finite = [value for value in block if math.isfinite(value)]
            lowest, highest = min(finite, default=math.inf), max(finite, default=-math.inf)
            low = low if lowest in (low, held_low) and lowest != held_after else lowest
            high = high if highest in (high, held_high) and highest != held_after else highest
            # the new value is there as the column holds it: it counts as what it really is
            low = after if low == held_after else low
            high = after if high == held_after else high
        if math.isfinite(after):
            low, high = min(low, after), max(high, after)
        self.lows[0][number], self.highs[0][number] = low, high
        self._stale.add(number // BLOCK)

    def replace_blocks(self, at: int, values: Sequence[float]) -> None:
        """Take new values for whole blocks, from position `at` on."""
        for start in range(0, len(values), BLOCK):
            number = (at + start) // BLOCK
            if not self.lows or number >= len(self.lows[0]):
                return
            finite = [value for value in values[start : start + BLOCK] if math.isfinite(value)]
            self.lows[0][number] = min(finite, default=math.inf)
            self.highs[0][number] = max(finite, default=-math.inf)
            self._stale.add(number // BLOCK)

    def settle(self, values: Sequence[float], has_gap: HasGap) -> tuple[float, float] | None:
        """Fold what was added since the last time; return its bounds, None when no block became whole."""
        if self._stale:
            self._refresh()
        bounds = self._fold_values(values, has_gap)
        level = 0
        while level < len(self.lows) and len(self.lows[level]) >= BLOCK:
            self._fold_level(level + 1)
            level += 1
        return bounds

    def _fold_values(self, values: Sequence[float], has_gap: HasGap) -> tuple[float, float] | None:
        begin, end = self.folded, len(values) // BLOCK * BLOCK
        if begin >= end:
            return None
        lows, highs = self._level(0)
        fresh = values[begin:end]
        fresh = fresh if isinstance(fresh, list) else list(fresh)
        blocks = [fresh[at : at + BLOCK] for at in range(0, end - begin, BLOCK)]
        if has_gap(begin, end):
            blocks = [[value for value in block if math.isfinite(value)] for block in blocks]
        for block in blocks:
            block.sort()  # of so few floats quicker than min and max
        new_highs = [block[-1] if block else -math.inf for block in blocks]
        new_lows = [block[0] if block else math.inf for block in blocks]
        highs.extend(new_highs)
        lows.extend(new_lows)
        return min(new_lows), max(new_highs)

    def _fold_level(self, level: int) -> None:
        lows, highs = self._level(level)
        below_lows, below_highs = self.lows[level - 1], self.highs[level - 1]
        for start in range(len(lows) * BLOCK, len(below_lows) // BLOCK * BLOCK, BLOCK):
            highs.append(max(below_highs[start : start + BLOCK]))
            lows.append(min(below_lows[start : start + BLOCK]))

    def _level(self, level: int) -> tuple[array[float], array[float]]:
        if level == len(self.lows):
            self.highs.append(array("d"))
            self.lows.append(array("d"))
        return self.lows[level], self.highs[level]

    def _refresh(self) -> None:
        """Fold again the upper blocks above values that were replaced."""
        stale, self._stale = self._stale, set()
        for level in range(1, len(self.lows)):
            for block in stale:
                if block < len(self.lows[level]):
                    part = slice(block * BLOCK, (block + 1) * BLOCK)
                    self.lows[level][block] = min(self.lows[level - 1][part])
                    self.highs[level][block] = max(self.highs[level - 1][part])
            stale = {block // BLOCK for block in stale}

    def is_rising(self, values: Sequence[float], start: int) -> bool:
        """True when no block from position `start` on begins below the one before, nor a loose value."""
        if not self.lows:
            loose = values[start:]
            return all(map(le, loose, loose[1:]))
        lows, highs = self.lows[0], self.highs[0]
        first, count = min(start // BLOCK, len(lows)), len(lows)
        loose = [*highs[count - 1 : count], *values[max(count * BLOCK, start) :]]
        return all(map(le, highs[first:count], lows[first + 1 : count])) and all(map(le, loose, loose[1:]))

    def extent(self, values: Sequence[float], start: int, end: int, level: int = -1) -> tuple[float, float]:
        """Bounds of the positions `start` up to `end` of a level (-1: the values); inf, -inf for none."""
        lows, highs = (self.lows[level], self.highs[level]) if level >= 0 else (values, values)
        first, last = -(-start // BLOCK), end // BLOCK
        if level + 1 < len(self.lows):
            last = min(last, len(self.lows[level + 1]))
        if level + 1 >= len(self.lows) or last <= first:
            return _bounds(lows[start:end], highs[start:end] if highs is not lows else None)
        low, high = self.extent(values, first, last, level + 1)
        for a, b in ((start, first * BLOCK), (last * BLOCK, end)):
            if a < b:
                part_low, part_high = _bounds(lows[a:b], highs[a:b] if highs is not lows else None)
                low, high = min(low, part_low), max(high, part_high)
        return low, high


def _bounds(lows: Sequence[float], highs: Sequence[float] | None) -> tuple[float, float]:
    """The lowest of `lows` and the highest of `highs` (None: the same numbers) that are finite."""
    if not math.isfinite(sum(lows)):
        finite = [low for low in lows if math.isfinite(low)]
        others = finite if highs is None else [high for high in highs if math.isfinite(high)]
        return min(finite, default=math.inf), max(others, default=-math.inf)
    highest = max(lows if highs is None else highs, default=-math.inf)
    return min(lows, default=math.inf), highest
