"""What is usual for a series: its median and its 95th percentile, as far as the run has come."""

from __future__ import annotations

import math
from weakref import WeakKeyDictionary

from tui_ft.watch.series import Curve

FEWEST = 20
"""Points before anything can be called usual."""

SAMPLED = 512
"""Values that the percentiles are taken of, spread evenly over the run."""

_KNOWN: WeakKeyDictionary[Curve, tuple[tuple[int, int], tuple[float, float] | None]] = WeakKeyDictionary()
"""Of each series its count and rewrites when it was last looked at, and what was found."""


def usual_values(series: Curve) -> tuple[float, float] | None:
    """Return median and 95th percentile of the finite values; None while there are too few.

    They are those of the first points up to a round count, so that they depend on the data alone and move
    now and then only, and of an even sample, so that a long run costs no more than a short one.
    """
    count = _round_count(len(series))
    if count < FEWEST:
        return None
    state = (count, series.rewrites)
    known = _KNOWN.get(series)
    if known is None or known[0] != state:
        known = _KNOWN[series] = (state, _percentiles(series, count))
    return known[1]


def _percentiles(series: Curve, count: int) -> tuple[float, float] | None:
    stride = max(count // SAMPLED, 1)
    values = sorted(
        value for index in range(0, count, stride) if math.isfinite(value := series.values[index])
    )
    if len(values) < FEWEST:
        return None
    return values[len(values) // 2], values[min(int(len(values) * 0.95), len(values) - 1)]


def _round_count(count: int) -> int:
    """`count` cut to its first two digits."""
    unit: int = 10 ** max(len(str(count)) - 2, 0)
    return count // unit * unit
