"""What a chart in SVG is made of, and where in it a point lies."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from tui_ft.watch.scales import Bounds

WIDTH, HEIGHT = 560, 300
"""One chart, in pixels; the document is a grid of them."""
LEFT, RIGHT, TOP, BOTTOM = 62, 14, 46, 34
GAP_INK = "#cf222e"


class Points(Protocol):
    """What a line is drawn from: `watch.series.Series`, or anything that reads like it."""

    @property
    def steps(self) -> Sequence[float]: ...
    @property
    def values(self) -> Sequence[float]: ...
    def __len__(self) -> int: ...
    def index(self, step: float) -> int: ...
    def extent(self, start: int = 0, end: int | None = None) -> tuple[float, float] | None: ...
    def has_gap(self, start: int, end: int) -> bool: ...


@dataclass(frozen=True, kw_only=True)
class DrawnLine:
    """One line of a chart. `is_faint`: the raw line behind its smoothed one; `is_dots`: single points."""

    name: str
    points: Points
    color: str
    is_faint: bool = False
    is_dots: bool = False


@dataclass(frozen=True, kw_only=True)
class DrawnChart:
    """One chart: its lines within the bounds of both axes, levels across it, and marks under it.

    With `is_log` the bounds of `y` are decades (their logarithm to base 10), and values of 0 or less are
    not drawn.
    """

    title: str
    x_name: str
    lines: tuple[DrawnLine, ...]
    x: Bounds
    y: Bounds
    x_label: Callable[[float], str]
    is_log: bool = False
    levels: tuple[tuple[float, str], ...] = ()
    marks: tuple[tuple[float, str], ...] = ()


def inner() -> tuple[int, int]:
    """Width and height of the space within the axes, in pixels."""
    return WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM


def x_of(chart: DrawnChart, value: float) -> float:
    """The place of a step on the x axis, in pixels."""
    return LEFT + (value - chart.x.low) / chart.x.span * inner()[0]


def y_of(chart: DrawnChart, value: float) -> float | None:
    """The height of a value; None for one that has no place on the axis."""
    if chart.is_log:
        if value <= 0:
            return None
        value = math.log10(value)
    place = TOP + (chart.y.high - value) / chart.y.span * inner()[1]
    return min(max(place, -HEIGHT), 2.0 * HEIGHT)  # far outside is outside: no huge numbers in the file
