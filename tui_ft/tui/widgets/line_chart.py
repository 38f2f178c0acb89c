"""LineChart: a curve in braille that repaints only the cells that new points changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from tui_ft.tui.text import fit
from tui_ft.tui.widgets.curve_grid import BRAILLE, CurveGrid, Frame, point_cells
from tui_ft.watch.scales import (
    fixed_bounds,
    number_label,
    step_label,
    step_window,
    time_label,
    time_window,
    x_bounds,
    y_bounds,
)
from tui_ft.watch.series import Series

GUTTER = 8
"""Columns left of the curve: seven for a label, one for the axis."""

Cell = tuple[str, str]
"""A character and the kind that gives it its look."""


@dataclass(frozen=True, kw_only=True)
class Curve:
    """What a chart shows. The line is `series`; `points` are single marks on the same axes.

    `whole` is the x that the axis never goes beyond, `base` a value the y axis always holds, `ceiling`
    its fixed top. A mark under the axis stands at each x of `restarts`.
    """

    series: Series
    points: Series | None = None
    whole: float | None = None
    base: float | None = None
    ceiling: float | None = None
    restarts: tuple[float, ...] = ()


class LineChart(Widget):
    """A title, the curve with its y labels, and the x axis under it.

    Of several `titles`, the longest first, the one that fits whole at this width is shown.

    A column with a value that is not finite is a gap with a × at its top. `show` is the only way in; the
    chart reads no series at any other time, except to draw itself at a new size.
    """

    DEFAULT_CSS = """
    LineChart {
        height: 1fr;
        width: 1fr;
        & > .line-chart--title { text-style: bold; }
        & > .line-chart--axis { color: $text-muted; }
        & > .line-chart--line { color: $text-primary; }
        & > .line-chart--point { color: $text-warning; text-style: bold; }
        & > .line-chart--gap { color: $text-error; text-style: bold; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "line-chart--title",
        "line-chart--axis",
        "line-chart--line",
        "line-chart--point",
        "line-chart--gap",
    }

    def __init__(
        self,
        *titles: str,
        is_over_time: bool = False,
        empty: str = "no values yet",
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self._titles = titles
        self._x_label = time_label if is_over_time else step_label
        self._x_window = time_window if is_over_time else step_window
        self._empty = empty
        self._curve: Curve | None = None
        self._grid: CurveGrid | None = None
        self._rows: list[list[Cell]] = []
        self._overlay: dict[tuple[int, int], Cell] = {}

    @property
    def cells(self) -> list[str]:
        """The rows as text: title, curve, x axis."""
        return ["".join(character for character, _ in row) for row in self._rows]

    def set_title(self, *titles: str) -> None:
        """Change the line above the curve: the first of `titles` that fits whole stands there."""
        if titles != self._titles:
            self._titles = titles
            self._replace_row(0, self._title_row())

    def show(self, curve: Curve) -> None:
        """Draw `curve`; only cells that changed are painted."""
        self._curve = curve
        self._draw()

    def on_resize(self, event: events.Resize) -> None:
        self._grid = None
        self._draw()

    # --- drawing ---------------------------------------------------------------------------------

    def _frame(self, curve: Curve) -> Frame | None:
        width, height = self.size.width - GUTTER, self.size.height - 2
        first, last, extent = curve.series.first, curve.series.last, self._extent(curve)
        if width < 4 or height < 2 or first is None or last is None or extent is None:
            return None
        count = len(curve.series)
        parts = (4, 5, 2, 3) if width >= 44 else (2, 3)
        x = x_bounds(first[0], curve.series.steps[count - 1], curve.whole, self._x_window, parts)
        has_ceiling = curve.ceiling is not None and curve.ceiling >= extent[1] and extent[0] >= 0
        y = fixed_bounds(curve.ceiling) if curve.ceiling is not None and has_ceiling else y_bounds(*extent)
        return Frame(width=width, height=height, x=x, y=y)

    @staticmethod
    def _extent(curve: Curve) -> tuple[float, float] | None:
        extents = [curve.series.extent(), curve.points.extent() if curve.points is not None else None]
        known = [value for extent in extents if extent is not None for value in extent]
        if not known:
            return None
        if curve.base is not None:
            known.append(curve.base)
        return min(known), max(known)

    def _draw(self) -> None:
        frame = self._frame(self._curve) if self._curve is not None else None
        if self._curve is None or frame is None:
            self._grid = None
            self._replace([self._title_row(), *self._empty_rows()])
            return
        if self._grid is None or self._grid.frame != frame or self._grid.series is not self._curve.series:
            self._grid = CurveGrid(frame, self._curve.series)
            self._overlay = {}
            self._grid.update()
            self._draw_overlay(self._grid, self._curve)
            rows = [self._curve_row(self._grid, y) for y in range(frame.height)]
            self._replace([self._title_row(), *rows, self._axis_row(frame, self._curve)])
            return
        self._draw_changes(self._grid, self._curve)

    def _draw_changes(self, grid: CurveGrid, curve: Curve) -> None:
        before = self._overlay
        changed = set(grid.update())
        self._draw_overlay(grid, curve)
        differing = before.items() ^ self._overlay.items()
        changed |= {column for (_, column), _ in differing}
        if changed:
            first, last = min(changed), max(changed)
            for y in range(grid.frame.height):
                row = list(self._rows[y + 1])
                row[GUTTER + first : GUTTER + last + 1] = self._curve_cells(grid, y, first, last + 1)
                self._replace_row(y + 1, row)
        self._replace_row(grid.frame.height + 1, self._axis_row(grid.frame, curve))

    def _draw_overlay(self, grid: CurveGrid, curve: Curve) -> None:
        overlay: dict[tuple[int, int], Cell] = {}
        if curve.points is not None:
            overlay = dict.fromkeys(point_cells(grid.frame, curve.points), ("●", "point"))
        overlay.update({(0, column): ("×", "gap") for column in grid.gaps})
        self._overlay = overlay

    def _curve_cells(self, grid: CurveGrid, y: int, start: int, end: int) -> list[Cell]:
        bits, overlay = grid.bits[y], self._overlay
        return [overlay.get((y, x)) or (BRAILLE[bits[x]], "line") for x in range(start, end)]

    def _curve_row(self, grid: CurveGrid, y: int) -> list[Cell]:
        label = self._y_labels(grid.frame).get(y, "")
        gutter = [(character, "axis") for character in label.rjust(GUTTER - 1) + "│"]
        return [*gutter, *self._curve_cells(grid, y, 0, grid.frame.width)]

    @staticmethod
    def _y_labels(frame: Frame) -> dict[int, str]:
        """The labels by row: one for each tick, or only the outer two where there is no room."""
        ticks = frame.y.ticks()
        rows = {frame.row(tick) >> 2: number_label(tick, GUTTER - 1) for tick in ticks}
        if len(rows) < len(ticks) or (frame.height - 1) / max(len(ticks) - 1, 1) < 1.5:
            ticks = [ticks[0], ticks[-1]]
        return {frame.row(tick) >> 2: number_label(tick, GUTTER - 1) for tick in ticks}

    def _axis_row(self, frame: Frame, curve: Curve) -> list[Cell]:
        text = [" "] * (GUTTER + frame.width)
        for tick in frame.x.ticks():
            label = self._x_label(tick)
            at = GUTTER + frame.column(tick) // 2
            at = min(at - (len(label) // 2 if tick > frame.x.low else 0), len(text) - len(label))
            text[at : at + len(label)] = label
        for restart in curve.restarts:
            cell = frame.column(restart) // 2
            if 0 <= cell < frame.width:
                text[GUTTER + cell] = "▲"
        return [(character, "point" if character == "▲" else "axis") for character in text]

    def _title_row(self) -> list[Cell]:
        width = self.size.width
        title = next((title for title in self._titles if cell_len(title) < width), self._titles[-1])
        return [(character, "title") for character in fit(" " + title, width)]

    def _empty_rows(self) -> list[list[Cell]]:
        width, height = self.size.width, max(self.size.height - 1, 0)
        rows: list[list[Cell]] = [[(" ", "axis")] * width for _ in range(height)]
        if height:
            text = "" if self._curve is not None and self._curve.series.extent() else self._empty
            rows[height // 2] = [(character, "axis") for character in fit(text.center(width), width)]
        return rows

    # --- painting --------------------------------------------------------------------------------

    def _replace(self, rows: list[list[Cell]]) -> None:
        if len(rows) != len(self._rows):
            self._rows = rows
            self.refresh()
            return
        for y, row in enumerate(rows):
            self._replace_row(y, row)

    def _replace_row(self, y: int, row: list[Cell]) -> None:
        if y >= len(self._rows) or self._rows[y] == row:
            return
        old, self._rows[y] = self._rows[y], row
        if len(old) != len(row):
            self.refresh(Region(0, y, max(self.size.width, 1), 1))
            return
        changed = [x for x, (before, after) in enumerate(zip(old, row, strict=True)) if before != after]
        self.refresh(Region(changed[0], y, changed[-1] - changed[0] + 1, 1))

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        if y >= len(self._rows):
            return Strip.blank(width, self.rich_style)
        segments: list[Segment] = []
        run, kind = "", ""
        for character, next_kind in self._rows[y]:
            if next_kind != kind and run:
                segments.append(Segment(run, self.get_component_rich_style(f"line-chart--{kind}")))
                run = ""
            run, kind = run + character, next_kind
        if run:
            segments.append(Segment(run, self.get_component_rich_style(f"line-chart--{kind}")))
        return Strip(segments).adjust_cell_length(width, self.rich_style)
