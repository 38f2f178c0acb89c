"""Where a chart is drawn: its axes from what it shows, and the rows of text around the curve."""

from __future__ import annotations

from collections.abc import Iterator

from rich.cells import cell_len, get_character_cell_size

from tui_ft.tui.text import fit
from tui_ft.tui.widgets.chart import Cell, Chart
from tui_ft.tui.widgets.curve_grid import Frame
from tui_ft.watch.scales import (
    Bounds,
    fixed_bounds,
    log_bounds,
    number_label,
    window_bounds,
    x_bounds,
    y_bounds,
)
from tui_ft.watch.series import Curve

GUTTER = 8
"""Columns left of the curve: seven for a label, one for the axis."""

MARKED_HEIGHT = 9
"""From this height on the marks under the axis have a row of their own."""

GREATEST = 1e250
"""No axis goes beyond: its arithmetic would leave the range of floats."""

LEAST_WIDTH, LEAST_HEIGHT = GUTTER + 4, 4


def has_mark_row(chart: Chart, height: int) -> bool:
    """True when the marks stand in a row of their own, not between the labels of the axis."""
    return bool(chart.marks) and height >= MARKED_HEIGHT


def frame_of(chart: Chart, width: int, height: int) -> Frame | None:
    """The stretch of each axis that `width` by `height` cells stand for; None without values or room."""
    shown = [trace.series for trace in chart.traces if len(trace.series)]
    if width < LEAST_WIDTH or height < LEAST_HEIGHT or not shown:
        return None
    extent = _extent(chart, shown)
    if extent is None:
        return None
    rows = height - 2 - has_mark_row(chart, height)
    x, y = _x_bounds(chart, shown, width - GUTTER), _y_bounds(chart, *extent)
    return Frame(width=width - GUTTER, height=rows, x=x, y=y) if x is not None else None


def _x_bounds(chart: Chart, shown: list[Curve], width: int) -> Bounds | None:
    """None for an axis of others' times or counts that are no numbers."""
    parts = (4, 5, 2, 3) if width >= 44 else (2, 3)
    if chart.window is not None:
        return window_bounds(*chart.window, parts=(4, 5, 2) if width >= 44 else (2, 5, 1))
    first = min(series.steps[0] for series in shown)
    last = max(series.steps[-1] for series in shown)
    if not (-GREATEST < first <= last < GREATEST):
        return None
    return x_bounds(first, last, chart.whole, chart.axis.window, parts)


def _extent(chart: Chart, shown: list[Curve]) -> tuple[float, float] | None:
    """Lowest and highest value in sight, with those that the axis must reach."""
    known: list[float] = []
    for series in shown:
        if chart.window is None:
            extent = series.extent()
        else:
            low, high = (series.index(edge) for edge in chart.window)
            extent = series.extent(max(low - 1, 0), high + 1)
        known += extent or ()
    if not known:
        return None
    known += [level.value for level in chart.levels if level.is_held]
    if chart.base is not None and chart.window is None and not chart.is_log:
        known.append(chart.base)
    return min(known), max(known)


def _y_bounds(chart: Chart, low: float, high: float) -> Bounds:
    if chart.is_log and (bounds := log_bounds(low, high)) is not None:
        return bounds
    if chart.ceiling is not None and chart.ceiling >= high and low >= 0 and chart.ceiling > 0:
        return fixed_bounds(chart.ceiling)
    return y_bounds(low, high)


# --- rows --------------------------------------------------------------------------------------------


def title_row(chart: Chart, width: int) -> list[Cell]:
    """The first row: a title and, where there is room, the note."""
    mark = "▸" if chart.is_chosen else " "
    title = next((title for title in chart.titles if cell_len(title) < width), chart.titles[-1])
    kind = "chosen" if chart.is_chosen else "title"
    room = width - cell_len(title) - 3
    note = chart.note
    while note and cell_len(note) > room:  # what stands first is what matters most
        note = note.rpartition(" · ")[0]
    if note:
        start = fit(mark + title, width - cell_len(note) - 1)
        return [*_cells(start, kind), *_cells(note + " ", "axis")]
    return _cells(fit(mark + title, width), kind)


def _cells(text: str, kind: str) -> list[Cell]:
    """One cell a column: others' names may hold characters of two columns, or of none."""
    cells: list[Cell] = []
    for character in text:
        columns = get_character_cell_size(character)
        if columns or not cells:
            cells += [(character, kind), *[("", kind)] * (columns - 1)]
        else:
            at = next((place for place in range(len(cells) - 1, -1, -1) if cells[place][0]), 0)
            cells[at] = (cells[at][0] + character, kind)
    return cells


def empty_rows(chart: Chart | None, width: int, height: int) -> list[list[Cell]]:
    """What stands below the title while there is nothing to draw, or no room for it."""
    rows: list[list[Cell]] = [[(" ", "axis")] * width for _ in range(height)]
    if height and chart is not None:
        has_values = any(trace.series.extent() for trace in chart.traces)
        text = "" if has_values else chart.empty
        rows[height // 2] = [(character, "axis") for character in fit(text.center(width), width)]
    return rows


def y_labels(frame: Frame) -> dict[int, str]:
    """The labels by row: one for each tick, or only the outer two where there is no room."""
    ticks = frame.y.ticks()
    if frame.y.is_log:
        return _log_labels(frame, ticks)
    rows = {frame.row(tick) >> 2: number_label(tick, GUTTER - 1) for tick in ticks}
    if len(rows) < len(ticks) or (frame.height - 1) / max(len(ticks) - 1, 1) < 1.5:
        ticks = [ticks[0], ticks[-1]]
    return {frame.row(tick) >> 2: number_label(tick, GUTTER - 1) for tick in ticks}


def _log_labels(frame: Frame, ticks: list[float]) -> dict[int, str]:
    """The outer labels, and of the others those that leave a row free to the next."""
    labels = {frame.row(tick) >> 2: number_label(tick, GUTTER - 1) for tick in (ticks[0], ticks[-1])}
    for tick in ticks[1:-1]:
        row = frame.row(tick) >> 2
        if all(abs(row - other) > 1 for other in labels):
            labels[row] = number_label(tick, GUTTER - 1)
    return labels


def under_rows(chart: Chart, frame: Frame, height: int) -> tuple[list[list[Cell]], dict[int, Cell]]:
    """The rows under the curve: marks where they have a row, and the labels of the x axis.

    With them the marks, by column of the curve, that a label leaves no room for: they stand over it.
    """
    labels = _label_row(chart, frame)
    if has_mark_row(chart, height):
        marks: list[Cell] = [(" ", "axis")] * len(labels)
        for column, cell in _marked_cells(chart, frame):
            marks[GUTTER + column] = cell
        return [marks, labels], {}
    alerts = [(column, cell) for column, cell in _marked_cells(chart, frame) if cell[1] == "alert"]
    is_free = [character == " " for character, _ in labels]
    lifted = {column: cell for column, cell in alerts if not is_free[GUTTER + column]}
    for column, cell in alerts:
        if column not in lifted:
            labels[GUTTER + column] = cell
    return [labels], lifted


def _label_row(chart: Chart, frame: Frame) -> list[Cell]:
    """The labels of the x axis: the cursor's, then those of its ends, then what there is room for."""
    row: list[Cell] = [(" ", "axis")] * (GUTTER + frame.width)
    ticks = frame.x.ticks()
    labels = [(tick, chart.axis.label(tick, frame.x.step), "axis") for tick in (ticks[0], ticks[-1])]
    labels += [(tick, chart.axis.label(tick, frame.x.step), "axis") for tick in ticks[1:-1]]
    if chart.cursor is not None and 0 <= frame.column(chart.cursor) // 2 < frame.width:
        labels.insert(0, (chart.cursor, chart.axis.label(chart.cursor, 1.0), "cursor"))
    is_first = True
    for place, label, kind in labels:
        at = GUTTER + frame.column(place) // 2 - (len(label) // 2 if place != ticks[0] else 0)
        at = min(at, len(row) - len(label))
        if at < 0:  # longer than the whole row
            continue
        around = row[max(at - 1, 0) : at + len(label) + 1]
        if is_first or all(character == " " for character, _ in around):
            row[at : at + len(label)] = [(character, kind) for character in label]
            is_first = False
    return row


def _marked_cells(chart: Chart, frame: Frame) -> Iterator[tuple[int, Cell]]:
    """The column of each mark that is within the axis, and what stands there."""
    for mark in chart.marks:
        column = frame.column(mark.x) // 2
        if 0 <= column < frame.width:
            yield column, (mark.character, mark.kind)
