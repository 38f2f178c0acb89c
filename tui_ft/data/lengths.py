"""How long rows are: exact percentiles of streamed lengths in bounded memory, and the length to cut at."""

from __future__ import annotations

import math
from collections import Counter

from tui_ft.data.findings import Lengths, Unit

_EXACT = 16384
"""Lengths up to here are counted one by one, longer ones to within a thousandth."""

_BINS = 20
_STEP = 64


class LengthCounter:
    """Lengths of rows, in tokens or characters."""

    def __init__(self, unit: Unit) -> None:
        self.unit = unit
        self.rows = 0
        self._counts: Counter[int] = Counter()
        self._sum = 0
        self._max = 0

    def add(self, length: int) -> None:
        self.rows += 1
        self._sum += length
        if length > self._max:
            self._max = length
        self._counts[length if length <= _EXACT else _rounded(length)] += 1

    def lengths(self) -> Lengths | None:
        """None when there was no row."""
        if not self.rows:
            return None
        ordered = sorted(self._counts.items())
        p50, p95, p99 = self._percentiles(ordered, (0.5, 0.95, 0.99))
        return Lengths(
            unit=self.unit,
            p50=p50,
            p95=p95,
            p99=p99,
            max=self._max,
            mean=round(self._sum / self.rows, 1),
            histogram=self._histogram(ordered, max(p99, 1)),
        )

    def suggested(self) -> int | None:
        """The length to cut at: room for 99 of 100 rows, for all where that costs little; in steps of 64.

        One row alone never decides it, however few there are.
        """
        if not self.rows:
            return None
        share = min(0.99, (self.rows - 1) / self.rows) if self.rows > 1 else 1
        (usual,) = self._percentiles(sorted(self._counts.items()), (share,))
        wanted = self._max if self._max <= 1.5 * usual else usual
        return max(_STEP, math.ceil(wanted / _STEP) * _STEP)

    def _percentiles(self, ordered: list[tuple[int, int]], shares: tuple[float, ...]) -> list[int]:
        found, seen = [], 0
        wanted = iter(shares)
        share = next(wanted)
        for length, count in ordered:
            seen += count
            while seen >= share * self.rows:
                found.append(min(length, self._max))
                if (share := next(wanted, math.inf)) == math.inf:
                    return found
        return found

    def _histogram(self, ordered: list[tuple[int, int]], p99: int) -> list[tuple[int, int]]:
        """Bins of one round width up to the 99th percentile, and the rest in the last."""
        width = _round_width(min(p99 * 1.1, self._max) / _BINS)
        bins: Counter[int] = Counter()
        for length, count in ordered:
            bins[min(max(0, math.ceil(length / width) - 1), _BINS)] += count
        last = max(bins)
        bounds = [width * (i + 1) for i in range(last + 1)]
        if last == _BINS:
            bounds[-1] = max(self._max, bounds[-1])
        return [(bound, bins[i]) for i, bound in enumerate(bounds)]


def _rounded(length: int) -> int:
    step = 1 << max(0, length.bit_length() - 11)
    return (length + step - 1) // step * step


def _round_width(width: float) -> int:
    """The next of 1, 2, 5, 10, 20, 50 … that is not below `width`."""
    if width <= 1:
        return 1
    power = 10 ** math.floor(math.log10(width))
    return next(int(power * step) for step in (1, 2, 5, 10) if power * step >= width)
