"""The lines of a chart in SVG: between the gaps of a series, and no finer than the picture shows."""

from __future__ import annotations

import math
from collections.abc import Iterator

from tui_ft.watch.series import Curve
from tui_ft.watch.svg_chart import DOT, GAP_INK, LEFT, TOP, DrawnChart, DrawnLine, inner, x_of, y_of


def curve(chart: DrawnChart, line: DrawnLine) -> Iterator[str]:
    width, faint = (1.0, ' stroke-opacity="0.35"') if line.is_faint else (1.8, "")
    for stretch in _stretches(chart, line.points):
        if len(stretch) == 1:
            (x, y), radius = stretch[0], 1.4
            yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{line.color}"{faint}/>'
            continue
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in stretch)
        yield f'<path d="M{path}" stroke="{line.color}" stroke-width="{width}"{faint}/>'
    yield from _gaps(chart, line)


def _stretches(chart: DrawnChart, points: Curve) -> Iterator[list[tuple[float, float]]]:
    """The line between its gaps; of more points than pixels, the extremes of each half pixel."""
    first, last = points.index(chart.x.low), points.index(math.nextafter(chart.x.high, math.inf))
    first, last = max(first - 1, 0), min(last + 1, len(points))
    columns = 2 * inner()[0]
    found: list[tuple[float, float]] = []
    for at, value in (
        _folded(chart, points, first, last)
        if last - first > 2 * columns
        else ((points.steps[i], points.values[i]) for i in range(first, last))
    ):
        y = y_of(chart, value) if math.isfinite(value) else None
        if y is not None:
            found.append((x_of(chart, at), y))
        elif found:
            yield found
            found = []
    if found:
        yield found


def _folded(chart: DrawnChart, points: Curve, first: int, last: int) -> Iterator[tuple[float, float]]:
    """Lowest and highest value of each half pixel, by the pyramid: the work does not grow with the run."""
    columns = 2 * inner()[0]
    begin = first
    for column in range(1, columns + 1):
        at = chart.x.low + chart.x.span * column / columns
        end = last if column == columns else min(points.index(at), last)
        if end <= begin:
            continue
        middle = chart.x.low + chart.x.span * (column - 0.5) / columns
        extent = points.extent(begin, end)
        if extent is not None:
            yield middle, points.values[begin] if math.isfinite(points.values[begin]) else extent[0]
            yield middle, extent[0]
            yield middle, extent[1]
        if extent is None or points.has_gap(begin, end):
            yield middle, math.nan
        begin = end


def _gaps(chart: DrawnChart, line: DrawnLine) -> Iterator[str]:
    """A × at the top where values are not finite: a gap alone could be taken for missing data."""
    points, columns, begin = line.points, inner()[0] // 4, 0
    for column in range(1, columns + 1):
        end = points.index(chart.x.low + chart.x.span * column / columns) if column < columns else len(points)
        if end > begin and points.has_gap(begin, end):
            x = LEFT + (column - 0.5) * 4
            yield f'<path d="M{x - 3:.1f} {TOP + 2}l6 6m0 -6l-6 6" stroke="{GAP_INK}" stroke-width="1.6"/>'
        begin = max(begin, end)


def dots(chart: DrawnChart, line: DrawnLine) -> Iterator[str]:
    first = line.points.index(chart.x.low)
    last = line.points.index(math.nextafter(chart.x.high, math.inf))
    stride = max(1, (last - first) // inner()[0])
    for i in range(first, last, stride):
        value = line.points.values[i]
        y = y_of(chart, value) if math.isfinite(value) else None
        if y is not None:
            x = x_of(chart, line.points.steps[i])
            yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{DOT:g}" fill="{line.color}"/>'
