"""A chart as rows of cells, of which only those that new points changed are drawn again."""

from __future__ import annotations

from textual.geometry import Region

from tui_ft.tui.widgets.chart import AxisKind, Cell, Chart, Mark, Trace
from tui_ft.tui.widgets.curve_grid import BRAILLE, CurveGrid, Frame, point_cells
from tui_ft.tui.widgets.plot_frame import GUTTER, empty_rows, frame_of, title_row, under_rows, y_labels

MARKER_EVERY = 12
"""Columns from one marker on a line to the next."""

Overlay = dict[tuple[int, int], Cell]


class Plot:
    """Keeps what a chart looks like. `draw` says which cells differ from before.

    What it shows depends on the chart alone, never on what was drawn before.
    """

    def __init__(self) -> None:
        self.rows: list[list[Cell]] = []
        self.frame: Frame | None = None
        self._grids: list[CurveGrid] = []
        self._traces: tuple[Trace, ...] = ()
        self._overlay: Overlay = {}
        self._marks: tuple[Mark, ...] | None = None
        self._marked: tuple[Frame, int, AxisKind, float | None] | None = None
        self._under_rows: list[list[Cell]] = []
        self._lifted: dict[int, Cell] = {}

    @property
    def cells(self) -> list[str]:
        """The rows as text: title, curve, marks, x axis."""
        return ["".join(character for character, _ in row) for row in self.rows]

    def draw(self, chart: Chart, width: int, height: int) -> list[Region]:
        """Draw `chart` in so many cells; return the stretches of rows that changed."""
        if height < 1 or width < 1:
            self.rows, self.frame = [], None
            return []
        frame = frame_of(chart, width, height)
        lines = tuple(trace for trace in chart.traces if not trace.is_points)
        is_same = frame is not None and frame == self.frame and self._looks_like(lines)
        rows = [title_row(chart, width)]
        if frame is None:
            self.frame, self._grids = None, []
            rows += empty_rows(chart, width, height - 1)
            return self._replace(rows)
        if not is_same:
            self._grids = [CurveGrid(frame, trace.series) for trace in lines]
            self._overlay = {}
        self.frame, self._traces = frame, lines
        changed = {column for grid in self._grids for column in grid.update()}
        under = self._under(chart, frame, height)
        before, self._overlay = self._overlay, self._overlay_of(chart, frame)
        if is_same:
            changed |= {column for (_, column), _ in before.items() ^ self._overlay.items()}
            rows += [self._changed_row(y, changed) for y in range(frame.height)]
        else:
            rows += [self._whole_row(frame, y) for y in range(frame.height)]
        return self._replace([*rows, *under])

    def _under(self, chart: Chart, frame: Frame, height: int) -> list[list[Cell]]:
        """The rows under the curve; the same as before while marks and axis are. `_lifted` go with them."""
        if self._marks is not chart.marks or self._marked != (frame, height, chart.axis, chart.cursor):
            self._marks, self._marked = chart.marks, (frame, height, chart.axis, chart.cursor)
            self._under_rows, self._lifted = under_rows(chart, frame, height)
        return self._under_rows

    def _looks_like(self, lines: tuple[Trace, ...]) -> bool:
        known = self._traces
        return len(lines) == len(known) and all(
            new.series is old.series and (new.kind, new.is_thick) == (old.kind, old.is_thick)
            for new, old in zip(lines, known, strict=True)
        )

    # --- cells -----------------------------------------------------------------------------------

    def _whole_row(self, frame: Frame, y: int) -> list[Cell]:
        label = y_labels(frame).get(y, "")
        gutter = [(character, "axis") for character in label.rjust(GUTTER - 1) + "│"]
        return [*gutter, *(self._cell(y, x) for x in range(frame.width))]

    def _changed_row(self, y: int, columns: set[int]) -> list[Cell]:
        if not columns:
            return self.rows[y + 1]
        row = list(self.rows[y + 1])
        for column in columns:
            row[GUTTER + column] = self._cell(y, column)
        return row

    def _cell(self, y: int, x: int) -> Cell:
        return self._overlay.get((y, x)) or self._curve_cell(y, x)

    def _curve_cell(self, y: int, x: int) -> Cell:
        bits, kind = 0, "line"
        for grid, trace in zip(self._grids, self._traces, strict=True):
            own = grid.bits[y][x]
            if own and not trace.is_thick:
                bits = own if trace.is_front else bits | own
                kind = trace.kind
        return BRAILLE[bits], kind

    # --- what lies over the curve ------------------------------------------------------------------

    def _overlay_of(self, chart: Chart, frame: Frame) -> Overlay:
        overlay: Overlay = {}
        for level in chart.levels:
            if frame.y.low <= level.value <= frame.y.high:
                self._add_level(overlay, frame, level.value, level.name)
        for place, (grid, trace) in enumerate(zip(self._grids, self._traces, strict=True)):
            if trace.is_thick:
                self._add_strokes(overlay, grid, trace)
            if trace.marker:
                self._add_markers(overlay, grid, trace, place)
        for trace in chart.traces:
            if trace.is_points:
                cells = point_cells(frame, trace.series)
                overlay.update(dict.fromkeys(cells, (trace.marker or "●", trace.kind)))
        for grid in self._grids:
            overlay.update({(0, column): ("×", "gap") for column in grid.gaps})
        overlay.update({(frame.height - 1, column): cell for column, cell in self._lifted.items()})
        if chart.cursor is not None:
            self._add_cursor(overlay, frame, chart.cursor)
        return overlay

    def _add_level(self, overlay: Overlay, frame: Frame, value: float, name: str) -> None:
        y = frame.row(value) >> 2
        free = [self._is_free(overlay, y, x) for x in range(frame.width)]
        for x in range(frame.width):  # not between the peaks of noise: that says nothing, and costs bytes
            if all(free[max(x - 1, 0) : x + 2]):
                overlay[y, x] = ("┈", "level")
        length = len(name)
        if length + 4 > frame.width or frame.height < 4:
            return
        for row in (y, y - 1, y + 1):
            for start in (frame.width - length - 1, 1, (frame.width - length) // 2):
                columns = range(start, start + length)
                if 0 <= row < frame.height and all(
                    self._is_free(overlay, row, x) or overlay.get((row, x)) == ("┈", "level") for x in columns
                ):
                    overlay.update(
                        {(row, x): (letter, "level") for x, letter in zip(columns, name, strict=True)}
                    )
                    return

    def _is_free(self, overlay: Overlay, y: int, x: int) -> bool:
        return (y, x) not in overlay and self._curve_cell(y, x)[0] == " "

    @staticmethod
    def _column_rows(grid: CurveGrid, x: int) -> list[int]:
        return [y for y in range(grid.frame.height) if grid.bits[y][x]]

    def _add_strokes(self, overlay: Overlay, grid: CurveGrid, trace: Trace) -> None:
        """A stroke a column; where the line is steep it is thinner than a block."""
        for x in range(grid.frame.width):
            rows = self._column_rows(grid, x)
            stroke = "━" if len(rows) == 1 else "┃"
            overlay.update({(y, x): (stroke, trace.kind) for y in rows})

    def _add_markers(self, overlay: Overlay, grid: CurveGrid, trace: Trace, place: int) -> None:
        """Stand on the line every few columns; lines beside each other at columns of their own."""
        start = (place * 5 + 2) % MARKER_EVERY
        columns = range(start, grid.frame.width, MARKER_EVERY)
        found = [(x, rows) for x in columns if (rows := self._column_rows(grid, x))]
        if not found:  # a line so short that it has no such column
            every = ((x, self._column_rows(grid, x)) for x in range(grid.frame.width))
            found = [(x, rows) for x, rows in every if rows][-1:]
        for x, rows in found:
            overlay[rows[len(rows) // 2], x] = (trace.marker, trace.kind)

    def _add_cursor(self, overlay: Overlay, frame: Frame, at: float) -> None:
        column = frame.column(at) // 2
        if not 0 <= column < frame.width:
            return
        for y in range(frame.height):
            character = (overlay.get((y, column)) or self._curve_cell(y, column))[0]
            overlay[y, column] = (character if character not in (" ", "┈") else "│", "cursor")

    # --- what changed --------------------------------------------------------------------------------

    def _replace(self, rows: list[list[Cell]]) -> list[Region]:
        old, self.rows = self.rows, rows
        width = len(rows[0])
        if len(old) != len(rows) or len(old[0]) != width:
            return [Region(0, 0, width, len(rows))]
        changed = []
        for y, (before, after) in enumerate(zip(old, rows, strict=True)):
            if before == after:
                continue
            if len(before) != len(after):
                changed.append(Region(0, y, width, 1))
                continue
            columns = [x for x, (one, other) in enumerate(zip(before, after, strict=True)) if one != other]
            changed.append(Region(columns[0], y, columns[-1] - columns[0] + 1, 1))
        return changed
