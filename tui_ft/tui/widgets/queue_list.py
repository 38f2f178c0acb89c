"""The runs that wait, one line each: place, name, method, likely time, and what it waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui_ft.tui.text import fit, gib
from tui_ft.tui.widgets.row_list import Cell, RowList
from tui_ft.tui.widgets.run_columns import fit_id, short_id
from tui_ft.watch.eta import duration_label

if TYPE_CHECKING:
    from tui_ft.runs.queueing.listing import QueueRow

_PLACE, _STATE, _METHOD, _NEEDS, _TAKES = 3, 11, 10, 6, 7
_MOST_NAME = 28
_WIDE = 76
"""Below so many columns method, memory and time are left to the lines under the list."""

MARKS = {"waiting": ("·", "muted"), "starting": ("▷", "live"), "held": ("‖", "warn")}
"""Shape and word first, colour second."""


class QueueList(RowList["QueueRow"]):
    """The order of the lines is the order in which they start."""

    def key_of(self, row: QueueRow) -> str:
        return row.id

    def empty_lines(self) -> list[str]:
        return [
            "Nothing waits.",
            "",
            "b on a preset or a run puts it behind what runs now: on the home screen, in the",
            "presets, on the last page of a new run. It starts by itself when its turn comes,",
            "with the app closed too.",
        ]

    def heading_cells(self, width: int) -> list[Cell]:
        name, is_wide, why = _columns(width - 1)
        place = f"{self.index + 1}/{len(self.rows)}" if self.rows else ""
        cells: list[Cell] = [(fit(f" Queue {place}", 1 + _PLACE + _STATE), "title")]
        if not self.rows:
            return cells
        middle = ""
        if is_wide:
            numbers = fit("GiB", _NEEDS, right=True) + fit("takes", _TAKES, right=True)
            middle = fit("method", _METHOD) + numbers + "  "
        return [*cells, (fit("name", name) + " " + middle + fit("waits for", why), "")]

    def row_cells(self, row: QueueRow, width: int) -> list[Cell]:
        name, is_wide, why = _columns(width)
        mark, look = MARKS[row.word]
        cells: list[Cell] = [
            (fit(str(row.place), _PLACE - 1, right=True) + " ", ""),
            (fit(f"{mark} {row.word}", _STATE), look),
            (fit_id(short_id(row.id), name) + " ", ""),
        ]
        if is_wide:
            seconds = row.forecast.seconds
            takes = "–" if seconds is None else duration_label(seconds)
            cells += [
                (fit(row.method, _METHOD), ""),
                (fit(gib(row.entry.needed_bytes), _NEEDS, right=True), ""),
                (fit(takes, _TAKES, right=True) + "  ", ""),
            ]
        return [*cells, (fit(row.why.removeprefix("the "), why), "warn" if row.word == "held" else "muted")]


def _columns(width: int) -> tuple[int, bool, int]:
    """The cells of the name, whether the numbers have room, and the cells of the reason."""
    is_wide = width >= _WIDE
    rest = width - _PLACE - _STATE - 1 - (_METHOD + _NEEDS + _TAKES + 2 if is_wide else 0)
    name = min(_MOST_NAME, max(rest * 3 // 5, 12))
    return name, is_wide, max(rest - name, 0)
