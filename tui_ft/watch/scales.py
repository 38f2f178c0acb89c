"""Axes of a chart: round bounds and windows that depend on the data alone and change seldom.

They are functions of the extremes only, never of what was drawn before, so that a chart that followed a
run live and one that was opened afterwards are the same, cell for cell.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_WINDOWS = (1.0, 1.25, 1.6, 2.0, 2.5, 3.2, 4.0, 5.0, 6.4, 8.0, 10.0)
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_SMALL_WINDOWS = (4.0, 5.0, 8.0)
"""Lengths below ten that fall in whole parts."""
_MOST_INNER = 4
"""Labels of a logarithmic axis between its ends."""
_FINEST = 1e-9
"""The shortest stretch of an axis, as a share of the numbers on it: a thousandth of it is still a number."""
_GREATEST, _SMALLEST = 1e300, 1e-300
"""Beyond these the arithmetic of axes itself would leave the range of floats."""
_DAY_S = 86_400.0
_TIME_WINDOWS_S = (
    20.0, 40.0, 60.0, 120.0, 240.0, 360.0, 600.0, 1_200.0, 2_400.0,
    3_600.0, 7_200.0, 14_400.0, 28_800.0, 43_200.0, _DAY_S,
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """A stretch of an axis; `step` is the distance between its labels.

    With `is_log` equal ratios are equally long: `low` is above zero then, and what is not stands at it.
    """

    low: float
    high: float
    step: float
    is_log: bool = False

    @property
    def span(self) -> float:
        return self.high - self.low

    def from_top(self, value: float) -> float:
        """How far a value within the bounds is from the top, as a share of the whole."""
        if self.is_log:
            top = math.log(self.high)
            return (top - math.log(max(value, self.low))) / (top - math.log(self.low))
        return (self.high - value) / self.span

    def ticks(self) -> list[float]:
        """The values to be labelled, from low to high."""
        if self.is_log:
            return _log_ticks(self.low, self.high)
        count = round(self.span / self.step)
        return [*(self.low + self.step * i for i in range(count)), self.high]


def step_window(length: float) -> float:
    """The smallest round length (1, 1.25, 1.6, 2 … times a power of ten) that holds `length`, 4 at least."""
    length = min(length, _GREATEST)
    small = next((window for window in _SMALL_WINDOWS if window >= length), None)
    if small is not None:
        return small
    length = max(length, 10.0)
    power = 10.0 ** math.floor(math.log10(length))
    return next(step * power for step in (*_WINDOWS, 100.0) if step * power >= length * (1 - 1e-12))


def time_window(length_s: float) -> float:
    """The smallest round length of time in seconds that holds `length_s`: minutes, hours, days."""
    for window in _TIME_WINDOWS_S:
        if window >= length_s:
            return window
    return step_window(length_s / _DAY_S) * _DAY_S


def x_bounds(
    first: float,
    last: float,
    whole: float | None = None,
    window: Callable[[float], float] = step_window,
    parts: Sequence[int] = (4, 5, 2, 3),
) -> Bounds:
    """The window of an x axis for points from `first` to `last`; it never goes beyond `whole`.

    It grows in round steps, so that from one step to the next old columns keep their cells. It is
    labelled in as many of `parts` equal parts as give whole numbers, the first that does.
    """
    low = 0.0 if first <= window(last) / 4 else first
    high = low + max(window(last - low), abs(low) * _FINEST)
    if whole is not None and whole >= last and whole > low:
        high = min(high, whole)
    span = high - low
    part = next((part for part in parts if (span / part).is_integer()), 1)
    return Bounds(low=low, high=high, step=span / part)


def window_bounds(low: float, high: float, parts: Sequence[int] = (4, 5, 2)) -> Bounds:
    """The bounds of a stretch that was zoomed to, labelled in so many parts as give whole numbers."""
    high = max(high, low + abs(low) * _FINEST)
    span = high - low
    part = next((part for part in parts if (span / part).is_integer()), parts[0])
    return Bounds(low=low, high=high, step=span / part)


def y_bounds(low: float, high: float) -> Bounds:
    """Round bounds around `low` and `high`.

    They are multiples of a step that is coarse against the span, so that they move only when an extreme
    crosses one.
    """
    low, high = (min(max(value, -_GREATEST), _GREATEST) for value in (low, high))
    # what is flat stands in a stretch whose labels differ
    least = 1e-3 if high - low > abs(high) * 1e-6 else 0.1
    span = max(high - low, abs(high) * least, abs(low) * least)
    if span < _SMALLEST:
        return Bounds(low=low - 1, high=high + 1, step=1.0)
    rough = span / 3
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(round_step * power for round_step in _STEPS if round_step * power >= rough * (1 - 1e-9))
    bottom = math.floor(low / step + 1e-9)
    top = max(math.ceil(high / step - 1e-9), bottom + 1)
    return Bounds(low=bottom * step, high=top * step, step=step)


def log_bounds(low: float, high: float) -> Bounds | None:
    """Bounds of a logarithmic axis around `low` and `high`; None where no value is above zero.

    They are 1, 2 or 5 times a power of ten. Values at or below zero have no place on it: four decades are
    shown then, and what is lower stands at the bottom.
    """
    if high < _SMALLEST:
        return None
    high = min(high, _GREATEST)
    low = min(low, high) if low > 0 else high * 1e-4
    bottom, top = _round_below(max(low, _SMALLEST)), _round_above(high)
    if bottom >= top * (1 - 1e-12):
        bottom, top = (
            (bottom, _round_above(bottom * 1.5)) if bottom < 1.0 else (_round_below(bottom / 1.5), top)
        )
    return Bounds(low=bottom, high=top, step=top - bottom, is_log=True)


def _round_below(value: float) -> float:
    power = 10.0 ** math.floor(math.log10(value))
    return next((step * power for step in (5.0, 2.0) if step * power <= value * (1 + 1e-9)), power)


def _round_above(value: float) -> float:
    power = 10.0 ** math.floor(math.log10(value))
    return next(
        (step * power for step in (1.0, 2.0, 5.0) if step * power >= value * (1 - 1e-9)), 10.0 * power
    )


def _log_ticks(low: float, high: float) -> list[float]:
    """The powers of ten between the bounds, with 2 and 5 times them, or some only, as there is room."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    inner = [factor * 10.0**power for power in range(first, last) for factor in (1.0, 2.0, 5.0)]
    inner = [tick for tick in inner if low * 1.01 < tick < high * 0.99]
    if not inner and last - first <= 1:
        fine = [float(f"{low * (high / low) ** share:.2g}") for share in (1 / 3, 2 / 3)]
        inner = [tick for tick in dict.fromkeys(fine) if low * 1.01 < tick < high * 0.99]
    if len(inner) > _MOST_INNER:
        stride = -(-(last - first) // (_MOST_INNER + 1))
        decades = [10.0**power for power in range(first + stride, last, stride)]
        inner = [tick for tick in decades if low * 1.01 < tick < high * 0.99]
    return [low, *inner, high]


def fixed_bounds(top: float) -> Bounds:
    """Bounds from nothing to a value that is given, such as the memory there is."""
    return Bounds(low=0.0, high=top, step=top / 2)


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


def steady_label(value: float) -> str:
    """Return a number with always four digits, so that it does not change its length all the time."""
    if not math.isfinite(value) or value == 0:
        return number_label(value)
    if 1e-3 <= abs(value) < 1e5:
        return f"{value:#.4g}".removesuffix(".")
    return f"{value:.2e}".replace("e-0", "e-").replace("e+0", "e").replace("e+", "e")


def step_label(value: float) -> str:
    """Return a step count for an axis: 950, 12.5k, 1.2M."""
    for limit, name in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if value >= limit:
            return f"{value / (limit if limit != 1e4 else 1e3):.4g}{name}"
    return f"{value:.4g}"


def fine_step_label(value: float, spacing: float) -> str:
    """Return a count for an axis whose labels are `spacing` apart: with the digits that tell them apart."""
    text = step_label(value)
    if value < 1e4 or spacing >= 10 ** (math.floor(math.log10(value)) - 3):
        return text
    return f"{value:.0f}"


def fine_time_label(seconds: float, spacing: float) -> str:
    """Return a time for an axis whose labels are `spacing` seconds apart: 1h02m, 12m05s, 2d03h."""
    text = time_label(seconds)
    if seconds < 60 or (spacing >= seconds / 20 and not ("." in text and len(text) > 4)):
        return text
    whole = round(seconds)
    days, hours = divmod(whole // 3600, 24)
    minutes, rest = whole // 60 % 60, whole % 60
    if days and spacing >= 3600:
        return f"{days}d{hours:02d}h"
    if whole >= 3600:
        return (
            f"{whole // 3600}h{minutes:02d}m"
            if spacing >= 60
            else f"{whole // 3600}h{minutes:02d}:{rest:02d}"
        )
    return f"{minutes}m{rest:02d}s"


def time_label(seconds: float) -> str:
    """Return a length of time for an axis: 0, 45s, 12m, 1.5h, 2d."""
    if seconds <= 0:
        return "0"
    for limit, unit, name in ((172_800.0, 86_400.0, "d"), (5_400.0, 3_600.0, "h"), (90.0, 60.0, "m")):
        if seconds >= limit:
            return f"{seconds / unit:.3g}{name}"
    return f"{seconds:.3g}s"
