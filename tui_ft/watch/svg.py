"""Charts as one SVG document: what is seen on the screen, for a report or a picture."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape

from tui_ft.watch.log import clean_line
from tui_ft.watch.scales import number_label
from tui_ft.watch.svg_chart import BOTTOM, DOT, HEIGHT, LEFT, RIGHT, TOP, WIDTH, DrawnChart, inner, x_of, y_of
from tui_ft.watch.svg_lines import curve, dots

HEAD = 52
INK, MUTED, GRID, PAPER = "#1f2328", "#59636e", "#e3e7eb", "#ffffff"
FONT = "'tui-ft charts', 'DejaVu Sans', Verdana, sans-serif"


def document(charts: Sequence[DrawnChart], title: str, subtitle: str = "", columns: int = 2) -> str:
    """Return an SVG document of all charts; it loads nothing and runs nothing."""
    columns = max(1, min(columns, len(charts)))
    rows = math.ceil(len(charts) / columns) if charts else 0
    width, height = max(columns, 1) * WIDTH, HEAD + rows * HEIGHT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="{FONT}" font-size="12">',
        f"<title>{_text(title)}</title>",
        f'<rect width="{width}" height="{height}" fill="{PAPER}"/>',
        _label(16, 24, title, size=16, weight="bold"),
        _label(16, 42, subtitle, color=MUTED),
    ]
    for place, chart in enumerate(charts):
        x, y = place % columns * WIDTH, HEAD + place // columns * HEIGHT
        parts += [f'<g transform="translate({x} {y})">', *_chart(chart, f"clip{place}"), "</g>"]
    return "\n".join([*parts, "</svg>"]) + "\n"


# --- one chart ---------------------------------------------------------------------------------------


def _chart(chart: DrawnChart, clip: str) -> Iterator[str]:
    yield _label(16, 18, chart.title, size=13, weight="bold")
    yield from _legend(chart)
    yield from _axes(chart)
    width, height = (side + 2 * DOT for side in inner())
    inside = f'<rect x="{LEFT - DOT:g}" y="{TOP - DOT:g}" width="{width:g}" height="{height:g}"/>'
    yield f'<clipPath id="{clip}">{inside}</clipPath>'
    yield f'<g clip-path="url(#{clip})" fill="none" stroke-linejoin="round" stroke-linecap="round">'
    for line in chart.lines:
        yield from dots(chart, line) if line.is_dots else curve(chart, line)
    yield "</g>"


def _axes(chart: DrawnChart) -> Iterator[str]:
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    for tick in chart.y.ticks():
        y = TOP + chart.y.from_top(tick) * inner()[1]
        label = number_label(tick)
        yield _line(LEFT, y, right, y, GRID)
        yield _label(LEFT - 6, y + 4, label, color=MUTED, anchor="end", size=11)
    for tick in chart.x.ticks():
        x = x_of(chart, tick)
        yield _line(x, bottom, x, bottom + 4, MUTED)
        yield _label(x, bottom + 16, chart.x_label(tick), color=MUTED, anchor="middle", size=11)
    yield _line(LEFT, bottom, right, bottom, MUTED)
    yield _label(right, bottom + 29, chart.x_name, color=MUTED, anchor="end", size=11)
    for value, name in chart.levels:
        level = y_of(chart, value)
        if level is not None and TOP <= level <= bottom:
            yield _line(LEFT, level, right, level, MUTED, dash="5 4")
            yield _label(right - 4, level - 4, name, color=MUTED, anchor="end", size=10)
    for value, name in chart.marks:
        x = x_of(chart, value)
        if LEFT <= x <= right:
            yield _line(x, TOP, x, bottom, MUTED, dash="2 4")
            yield _label(x, TOP - 3, name, color=MUTED, anchor="middle", size=10)


def _legend(chart: DrawnChart) -> Iterator[str]:
    named = [line for line in chart.lines if not line.is_faint]
    if len(named) < 2:
        return
    x = 16.0
    for line in named:
        name = clean_line(line.name)
        if x + 18 + 6.6 * len(name) > WIDTH - RIGHT and x > 16:
            yield _label(x, 34, "…", color=MUTED, size=11)
            return
        yield (
            f'<circle cx="{x + 5:.1f}" cy="30" r="3.5" fill="{line.color}"/>'
            if line.is_dots
            else _line(x, 30, x + 11, 30, line.color, width=2.2)
        )
        yield _label(x + 16, 34, name, color=INK, size=11)
        x += 28 + 6.6 * len(name)


# --- pieces ------------------------------------------------------------------------------------------


def _text(text: str) -> str:
    return escape(clean_line(text))


def _label(
    x: float,
    y: float,
    text: str,
    *,
    color: str = INK,
    size: int = 12,
    weight: str = "normal",
    anchor: str = "start",
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{color}" font-size="{size}" font-weight="{weight}" '
        f'text-anchor="{anchor}">{_text(text)}</text>'
    )


def _line(
    x1: float, y1: float, x2: float, y2: float, color: str, *, dash: str = "", width: float = 1.0
) -> str:
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{color}" '
        f'stroke-width="{width}"{dashes}/>'
    )
