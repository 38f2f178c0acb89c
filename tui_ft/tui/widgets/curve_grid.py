"""The cells of a curve: from a series to braille dots, a column at a time."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tui_ft.watch.scales import Bounds
from tui_ft.watch.series import Curve

_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""Bit of a braille character by row and column of the dot."""

BRAILLE = [" ", *(chr(0x2800 + bits) for bits in range(1, 256))]


OUTSIDE = 10**9
"""A column that no chart has."""


@dataclass(frozen=True, kw_only=True)
class Frame:
    """Where a curve is drawn: so many cells, and the stretch of each axis that they stand for."""

    width: int
    height: int
    x: Bounds
    y: Bounds

    def column(self, step: float) -> int:
        """The column of dots of a step; the end of the axis is in the last one, what is no number in none."""
        place = (step - self.x.low) / self.x.span * self.width * 2 + 1e-9
        if not -1e9 < place < 1e9:
            return -1 if not place > 0 else OUTSIDE
        column = math.floor(place)
        return column - 1 if step == self.x.high else column

    def left_edge(self, column: int) -> float:
        """The step at which a column of dots begins."""
        return self.x.low + self.x.span * column / (self.width * 2)

    def row(self, value: float) -> int:
        """The row of dots of a value, from the top, kept inside."""
        rows = self.height * 4
        place = self.y.from_top(min(max(value, self.y.low), self.y.high)) * (rows - 1)
        return min(max(math.floor(place + 0.5), 0), rows - 1)


class CurveGrid:
    """The dots of one series in one frame; `update` draws again only what new points can have changed."""

    def __init__(self, frame: Frame, series: Curve) -> None:
        self.frame = frame
        self.series = series
        self.bits = [[0] * frame.width for _ in range(frame.height)]
        self.gaps: set[int] = set()
        self._seen = 0
        self._rewrites = series.rewrites

    def update(self) -> range:
        """Draw what is new; return the columns of cells that were drawn again."""
        count, seen = len(self.series), self._seen
        if self.series.rewrites != self._rewrites:
            self._rewrites, seen = self.series.rewrites, 0
        if count == seen:
            return range(0)
        first = self._cell_of(max(seen - 1, 0)) if seen else 0
        last = self._cell_of(count - 1) if seen else self.frame.width - 1
        self._seen = count
        cells = range(max(first, 0), min(last, self.frame.width - 1) + 1)
        start = self.series.index(self.frame.left_edge(cells.start * 2) - 1e-9)
        for cell in cells:
            start = self._draw_cell(cell, start)
        return cells

    def _cell_of(self, index: int) -> int:
        return self.frame.column(self.series.steps[index]) // 2

    def _draw_cell(self, cell: int, start: int) -> int:
        """Draw both columns of dots of a cell, points from `start` on; return where the next cell begins."""
        column_bits = [0] * self.frame.height
        self.gaps.discard(cell)
        for side in (0, 1):
            column = cell * 2 + side
            is_last = column == self.frame.width * 2 - 1
            end = self.series.index(self.frame.left_edge(column + 1) + (1e-9 if is_last else -1e-9))
            rows = self._rows_of(column, start, end)
            start = end
            if rows is None:
                continue
            for row in range(rows[0], rows[1] + 1):
                column_bits[row >> 2] |= _DOTS[row & 3][side]
        for line, bits in zip(self.bits, column_bits, strict=True):
            line[cell] = bits
        return start

    def _rows_of(self, column: int, start: int, end: int) -> tuple[int, int] | None:
        """Top and bottom row of dots of the points `start` up to `end`, joined to those beside them."""
        series, frame = self.series, self.frame
        values = []
        if start < end:
            if series.has_gap(start, end):
                self.gaps.add(column // 2)
            extent = series.extent(start, end)
            values = list(extent) if extent else []
        else:
            values += self._between(end, frame.left_edge(column + 1))
        values += self._between(start, frame.left_edge(column))
        if not values:
            return None
        return frame.row(max(values)), frame.row(min(values))

    def _between(self, index: int, step: float) -> list[float]:
        """The value on the line between the points `index` - 1 and `index`, where there is such a line."""
        series = self.series
        if not 0 < index < len(series):
            return []
        before, after = series.values[index - 1], series.values[index]
        if not (math.isfinite(before) and math.isfinite(after)):
            return []
        from_step, to_step = series.steps[index - 1], series.steps[index]
        if not to_step > from_step:  # time stood still
            return [before]
        part = (step - from_step) / (to_step - from_step)
        value = before + (after - before) * min(max(part, 0.0), 1.0)
        return [value if math.isfinite(value) else before]


def point_cells(frame: Frame, series: Curve) -> dict[tuple[int, int], float]:
    """The cells (row, column) in which single points lie, the last point of each column of cells."""
    cells: dict[tuple[int, int], float] = {}
    index, count = series.index(frame.x.low), len(series)
    while index < count:
        cell = frame.column(series.steps[index]) // 2
        if cell >= frame.width:
            break
        slack = 1e-9 if cell == frame.width - 1 else -1e-9
        end = max(series.index(frame.left_edge((cell + 1) * 2) + slack), index + 1)
        value = series.values[end - 1]
        if math.isfinite(value):
            cells[frame.row(value) >> 2, cell] = value
        index = end
    return cells
