"""The charts of a report, each an SVG of its own: the panels that matter, drawn without a screen."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

from tui_ft.runs.directory import slug
from tui_ft.watch.looks import LOOKS
from tui_ft.watch.panel_names import is_bookkeeping
from tui_ft.watch.panels import Line, Panel, panels_of
from tui_ft.watch.reading import Reading
from tui_ft.watch.scales import (
    Bounds,
    fine_step_label,
    fine_time_label,
    fixed_bounds,
    time_window,
    x_bounds,
    y_bounds,
)
from tui_ft.watch.svg import document
from tui_ft.watch.svg_chart import DrawnChart, DrawnLine

WANTED = ("loss", "grad_norm", "learning_rate", "tokens_per_s", "memory", "gpu_utilization")
MOST_CHARTS = 12
"""A run of others may log hundreds of series: the first are drawn, all are in the table."""
_OF_LEARNING = ("rewards", "evaluation")
GREATEST = 1e250
"""No axis goes beyond: its arithmetic would leave the range of floats."""


class ReportChart(NamedTuple):
    """One chart: the end of its file's name, what it shows, and the document."""

    name: str
    title: str
    svg: str


def charts_of(reading: Reading, title: str) -> Iterator[ReportChart]:
    """Draw the panels of a run that have values."""
    panels = [panel for panel in panels_of(reading) if panel.has_values]
    chosen = [panel for panel in panels if panel.is_default or panel.key in WANTED]
    chosen += [
        panel
        for panel in panels
        if panel not in chosen and panel.group in _OF_LEARNING and not is_bookkeeping(panel.key)
    ]
    names: set[str] = set()
    for panel in chosen[:MOST_CHARTS]:
        drawn = drawn_panel(panel, reading)
        if drawn is None:
            continue
        name = slug(panel.key)
        if name in names:
            continue
        names.add(name)
        yield ReportChart(name, drawn.title, document([drawn], title, columns=1))


def drawn_panel(panel: Panel, reading: Reading) -> DrawnChart | None:
    """A panel as a chart over steps, those of the box over time; None without a finite value."""
    is_time = panel.axis == "hardware"
    lines = [line for line in panel.lines if len(line.series)]
    extents = [extent for line in lines if (extent := line.series.extent()) is not None]
    if not extents:
        return None
    x = _x(lines, reading, is_time=is_time)
    if x is None:
        return None
    return DrawnChart(
        title="Memory, GiB" if panel.key == "memory" else panel.titles[0],
        x_name="time" if is_time else "step",
        lines=tuple(_line(line, place, len(lines)) for place, line in enumerate(lines)),
        x=x,
        y=_y(panel, extents),
        x_label=lambda value: fine_time_label(value, x.step) if is_time else fine_step_label(value, x.step),
        levels=tuple((level.value, level.name) for level in panel.levels),
        marks=() if is_time else tuple((step, "resumed") for step in reading.restart_steps),
    )


def _x(lines: list[Line], reading: Reading, *, is_time: bool) -> Bounds | None:
    first = min(line.series.steps[0] for line in lines)
    last = max(line.series.steps[-1] for line in lines)
    if not (-GREATEST < first <= last < GREATEST):
        return None
    if is_time:
        return x_bounds(first, last, None, time_window)
    return x_bounds(first, last, float(reading.total_steps) if reading.total_steps else None)


def _y(panel: Panel, extents: list[tuple[float, float]]) -> Bounds:
    low, high = min(low for low, _ in extents), max(high for _, high in extents)
    held = [level.value for level in panel.levels if level.is_held and math.isfinite(level.value)]
    low, high = min([low, *held]), max([high, *held])
    if panel.base is not None:
        low, high = min(low, panel.base), max(high, panel.base)
    if panel.ceiling is not None and panel.ceiling >= high and low >= 0 and panel.ceiling > 0:
        return fixed_bounds(panel.ceiling)
    return y_bounds(low, high)


def _line(line: Line, place: int, count: int) -> DrawnLine:
    look = line.look if line.look is not None else (1 if line.is_points else 0)
    return DrawnLine(
        name=line.name or f"line {place + 1} of {count}",
        points=line.series,
        color=LOOKS[look % len(LOOKS)].color,
        is_dots=line.is_points,
    )
