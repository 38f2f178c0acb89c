"""What one chart shows, as plain values: its lines, its axes, and what is marked on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tui_ft.watch.panels import Level
from tui_ft.watch.scales import fine_step_label, fine_time_label, step_window, time_window
from tui_ft.watch.series import Curve

Cell = tuple[str, str]
"""A character and the kind that gives it its look."""

KINDS = (
    "title", "chosen", "axis", "line", "dim", "point", "gap", "level", "cursor", "mark", "alert",
    *(f"look{place}" for place in range(8)),
)  # fmt: skip
"""Kinds of cells; `look0` to `look7` are those of `watch.looks.LOOKS`."""


@dataclass(frozen=True, kw_only=True)
class AxisKind:
    """What an x axis counts: the length that holds a run, and the label of a value."""

    window: Callable[[float], float]
    label: Callable[[float, float], str]


COUNT = AxisKind(window=step_window, label=fine_step_label)
TIME = AxisKind(window=time_window, label=fine_time_label)


@dataclass(frozen=True, kw_only=True)
class Trace:
    """A line or, with `is_points`, single marks. Traces are drawn in order, the last on top.

    `name` is that of its line; a line and what it is smoothed to share it.

    `marker` stands on the line every few columns, or is the mark of each point. `is_front` hides what other
    lines have in the same cells; `is_thick` draws strokes as high as a cell, which no colour is needed
    to see among dots.
    """

    series: Curve
    name: str = ""
    kind: str = "line"
    marker: str = ""
    is_points: bool = False
    is_front: bool = False
    is_thick: bool = False


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A character under the x axis."""

    x: float
    character: str
    kind: str = "mark"


@dataclass(frozen=True, kw_only=True)
class Chart:
    """One chart. Of `titles`, the longest first, the one that fits whole is shown; `note` right of it.

    `window` is the stretch of the x axis that was zoomed to; else it holds everything and never goes beyond
    `whole`. `base` is a value that the y axis always holds, `ceiling` its fixed top.
    """

    titles: tuple[str, ...]
    traces: tuple[Trace, ...] = ()
    levels: tuple[Level, ...] = ()
    marks: tuple[Mark, ...] = ()
    axis: AxisKind = COUNT
    window: tuple[float, float] | None = None
    whole: float | None = None
    base: float | None = None
    ceiling: float | None = None
    is_log: bool = False
    cursor: float | None = None
    is_chosen: bool = False
    note: str = ""
    empty: str = "no values yet"
