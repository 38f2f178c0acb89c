"""What a chart in SVG is made of, and where in it a point lies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tui_ft.watch.scales import Bounds
from tui_ft.watch.series import Curve

WIDTH, HEIGHT = 560, 300
"""One chart, in pixels; the document is a grid of them."""
LEFT, RIGHT, TOP, BOTTOM = 62, 14, 46, 34
DOT = 3.0
"""Radius of a single point; what lies on the edge is whole."""
GAP_INK = "#cf222e"


@dataclass(frozen=True, kw_only=True)
class DrawnLine:
    """One line of a chart. `is_faint`: the raw line behind its smoothed one; `is_dots`: single points."""

    name: str
    points: Curve
    color: str
    is_faint: bool = False
    is_dots: bool = False


@dataclass(frozen=True, kw_only=True)
class DrawnChart:
    """One chart: its lines within the bounds of both axes, levels across it, and marks under it.

    On a logarithmic `y` axis values of 0 or less are not drawn.
    """

    title: str
    x_name: str
    lines: tuple[DrawnLine, ...]
    x: Bounds
    y: Bounds
    x_label: Callable[[float], str]
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
    if chart.y.is_log and value <= 0:
        return None
    place = TOP + chart.y.from_top(value) * inner()[1]
    return min(max(place, -HEIGHT), 2.0 * HEIGHT)  # far outside is outside: no huge numbers in the file
