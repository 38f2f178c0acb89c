"""Axes of a chart: round bounds and windows that depend on the data alone and change seldom.

They are functions of the extremes only, never of what was drawn before, so that a chart that followed a
run live and one that was opened afterwards are the same, cell for cell.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

_WINDOWS = (1.0, 1.25, 1.6, 2.0, 2.5, 3.2, 4.0, 5.0, 6.4, 8.0, 10.0)
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_SMALLEST_WINDOW = 10.0


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """A stretch of an axis."""

    low: float
    high: float

    @property
    def span(self) -> float:
        return self.high - self.low


def window(length: float) -> float:
    """The smallest round length (1, 1.25, 1.6, 2 … times a power of ten) that holds `length`, 10 at least."""
    length = max(length, _SMALLEST_WINDOW)
    power = 10.0 ** math.floor(math.log10(length))
    return next(step * power for step in (*_WINDOWS, 100.0) if step * power >= length * (1 - 1e-12))


def x_bounds(first: float, last: float, whole: float | None = None) -> Bounds:
    """The window of an x axis that begins at `first` and has come to `last`; never longer than `whole`.

    It grows in round steps, so that from one step to the next old columns keep their cells.
    """
    length = window(last - first + 1)
    if whole is not None and whole >= last:
        length = min(length, max(whole - first + 1, 1.0))
    return Bounds(low=first, high=first + length)


def y_bounds(low: float, high: float, at_least: float = 0.0) -> Bounds:
    """Round bounds around `low` and `high`, wide enough that the curve can move before they change.

    The bounds are multiples of a step that is coarse against the span: they move only when an extreme
    crosses one. `at_least` is the smallest span worth drawing.
    """
    span = max(high - low, at_least, abs(high) * 1e-3, abs(low) * 1e-3)
    if span <= 0:
        return Bounds(low=low - 1, high=high + 1)
    rough = span / 3
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(round_step * power for round_step in _STEPS if round_step * power >= rough * (1 - 1e-9))
    bottom = math.floor(low / step + 1e-9) * step
    top = math.ceil(high / step - 1e-9) * step
    if top <= bottom:
        top = bottom + step
    return Bounds(low=bottom, high=top)


def number_label(value: float, width: int = 7) -> str:
    """Return a number for an axis or a title in at most `width` characters."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Inf" if value > 0 else "-Inf"
    if value == 0:
        return "0"
    size = abs(value)
    for digits in range(4, 0, -1):
        text = f"{value:.{digits}g}" if 1e-3 <= size < 1e5 else f"{value:.{digits - 1}e}"
        text = text.replace("e-0", "e-").replace("e+0", "e").replace("e+", "e")
        if len(text) <= width:
            return text
    return f"{value:.0e}"[:width]


def step_label(value: float) -> str:
    """Return a step count for an axis: 950, 12.5k, 1.2M."""
    for limit, name in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if value >= limit:
            return f"{value / (limit if limit != 1e4 else 1e3):.4g}{name}"
    return f"{value:.4g}"


def time_label(seconds: float) -> str:
    """Return a length of time for an axis: 0, 45s, 12m, 1.5h, 2d."""
    if seconds <= 0:
        return "0"
    for limit, unit, name in ((172_800.0, 86_400.0, "d"), (5_400.0, 3_600.0, "h"), (90.0, 60.0, "m")):
        if seconds >= limit:
            return f"{seconds / unit:.3g}{name}"
    return f"{seconds:.3g}s"
