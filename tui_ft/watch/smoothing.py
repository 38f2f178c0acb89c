"""A smoothed curve: TensorBoard's moving average, kept up with the series it is made of."""

from __future__ import annotations

import math
import time
from array import array
from collections.abc import Sequence

from tui_ft.watch.series import Curve, Series

PIECE = 4096
"""Points between two looks at the clock: about half a millisecond."""

_GONE = 1e-17
"""Below this the share of the beginning no longer changes a double near one."""


class Smoothed:
    """The debiased exponential moving average of a curve, by TensorBoard's definition.

    `weight` is how much of the average before goes into the next (0: none; below 1). A value that is not
    finite stays as it is and leaves the average alone. It is read as any curve; until `update` has caught
    up with its source it is a beginning of it. `update` is for one thread at a time.
    """

    def __init__(self, source: Curve, weight: float) -> None:
        self.source = source
        self.weight = min(max(weight, 0.0), 0.9999)
        self._seen_rewrites = source.rewrites
        self._restarts = 0
        self._begin()

    def _begin(self) -> None:
        self._smooth = Series()
        self._last = 0.0
        self._share = 1.0

    def update(self, budget_s: float = 0.02) -> bool:
        """Take what the source has more, for about `budget_s` seconds; True when nothing is left."""
        end = time.monotonic() + budget_s
        if self.source.rewrites != self._seen_rewrites:
            self._seen_rewrites = self.source.rewrites
            self._restarts += 1
            self._begin()
        while (start := len(self._smooth)) < (count := len(self.source)):
            stop = min(start + PIECE, count)
            values = self._smoothed(self.source.values[start:stop])
            self._smooth.extend(array("d", self.source.steps[start:stop]), values)
            if len(self._smooth) != stop:  # a restart wrote steps again just now
                self._seen_rewrites = -1
                return False
            self._smooth.settle()
            if time.monotonic() >= end:
                break
        return len(self._smooth) == len(self.source)

    def _smoothed(self, values: Sequence[float]) -> list[float]:
        weight, rest, last, share = self.weight, 1.0 - self.weight, self._last, self._share
        out = []
        for value in values:
            if value - value == 0.0:  # finite
                last = last * weight + rest * value
                if share > _GONE:
                    share *= weight
                    out.append(last / (1.0 - share))
                else:
                    out.append(last)
            else:
                out.append(value)
        self._last, self._share = last, share
        return out if math.isfinite(last) else self._overflown(out)

    def _overflown(self, out: list[float]) -> list[float]:
        """Begin anew after numbers so large that their average is none."""
        self._last, self._share = 0.0, 1.0
        return out

    # --- read as a curve -------------------------------------------------------------------------

    @property
    def steps(self) -> Sequence[float]:
        return self._smooth.steps

    @property
    def values(self) -> Sequence[float]:
        return self._smooth.values

    @property
    def rewrites(self) -> int:
        return self._restarts

    @property
    def first(self) -> tuple[float, float] | None:
        return self._smooth.first

    @property
    def last(self) -> tuple[float, float] | None:
        return self._smooth.last

    @property
    def nonfinite(self) -> int:
        return self._smooth.nonfinite

    def __len__(self) -> int:
        return len(self._smooth)

    def has_gap(self, start: int, end: int) -> bool:
        return self._smooth.has_gap(start, end)

    def index(self, step: float) -> int:
        return self._smooth.index(step)

    def extent(self, start: int = 0, end: int | None = None) -> tuple[float, float] | None:
        return self._smooth.extent(start, end)
