"""Means, medians and noise of a stream of numbers, at a constant cost a number."""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections import deque


class Smoothed:
    """An exponential mean over about `rows` numbers, right from the first on, and the noise between them.

    `noise` is the standard deviation of a single number, from the differences of neighbours (von Neumann:
    a trend does not count as noise).
    """

    def __init__(self, rows: float) -> None:
        self._alpha = min(2.0 / (rows + 1.0), 1.0)
        self._weight = 0.0
        self._sum = 0.0
        self._squares = 0.0
        self._square_weight = 0.0
        self._last: float | None = None
        self.count = 0

    def add(self, value: float) -> float:
        """Take a finite number; return the mean."""
        keep = 1.0 - self._alpha
        self._sum = keep * self._sum + self._alpha * value
        self._weight = keep * self._weight + self._alpha
        if self._last is not None:
            apart = value - self._last
            self._squares = keep * self._squares + self._alpha * (apart * apart) / 2.0
            self._square_weight = keep * self._square_weight + self._alpha
        self._last = value
        self.count += 1
        return self.mean

    @property
    def mean(self) -> float:
        return self._sum / self._weight if self._weight else math.nan

    @property
    def noise(self) -> float:
        return math.sqrt(self._squares / self._square_weight) if self._square_weight else 0.0

    @property
    def mean_noise(self) -> float:
        """The standard deviation of the mean itself, once as many numbers came as it runs over."""
        return self.noise * math.sqrt(self._alpha / (2.0 - self._alpha))


class Window:
    """The last `size` numbers, with their median."""

    def __init__(self, size: int) -> None:
        self._size = max(size, 1)
        self._values: deque[float] = deque()
        self._sorted: list[float] = []

    def __len__(self) -> int:
        return len(self._values)

    def add(self, value: float) -> None:
        if len(self._values) == self._size:
            del self._sorted[bisect_left(self._sorted, self._values.popleft())]
        self._values.append(value)
        insort(self._sorted, value)

    @property
    def median(self) -> float:
        """NaN while it is empty."""
        count = len(self._sorted)
        if not count:
            return math.nan
        middle = count // 2
        return self._sorted[middle] if count % 2 else (self._sorted[middle - 1] + self._sorted[middle]) / 2.0

    @property
    def mean(self) -> float:
        return sum(self._values) / len(self._values) if self._values else math.nan
