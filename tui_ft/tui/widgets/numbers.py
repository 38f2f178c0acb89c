"""The numbers of a run: each in a place of its own, so that only the digits that changed are sent."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from tui_ft.tui.run_numbers import Number, NumberPlaces
from tui_ft.tui.text import fit
from tui_ft.tui.widgets.lines import Line, Lines, Piece
from tui_ft.watch.reading import Reading

ROWS = 2
COLUMNS = 5
NARROW = 75
FEW_COLUMNS, NARROWEST = 3, 14
"""Below this width there are only so many columns, each so wide: the last are left out, none is cut."""
WIDE_COLUMN = 22
"""From this width of a column on, names are written out."""
_VALUE = 9
"""Cells that a value and the blanks around it take at least."""


class Numbers(Lines):
    """Two lines of numbers; one while there are few."""

    DEFAULT_CSS = "Numbers { height: 2; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._places = NumberPlaces()

    def show(self, reading: Reading, seen_pace: float | None = None) -> None:
        lines = number_lines(self._places.of(reading, seen_pace), self.size.width)
        height = max(len(lines), 1)
        if self.styles.height is None or self.styles.height.value != height:
            self.styles.height = height
        self.set_lines(lines)


def number_lines(numbers: Sequence[Number], width: int) -> list[Line]:
    """Lay numbers out in columns of equal width."""
    columns = COLUMNS if width >= NARROW else min(max(width // NARROWEST, 1), FEW_COLUMNS)
    column = max(width // columns, 1)
    shown = numbers[: columns * ROWS]
    return [
        tuple(piece for number in shown[start : start + columns] for piece in _pieces(number, column))
        for start in range(0, len(shown), columns)
    ]


def _pieces(number: Number, column: int) -> list[Piece]:
    name = number.short
    if column >= WIDE_COLUMN:
        most = column - _VALUE - 3
        if cell_len(number.name) <= most:
            name = number.name
        elif "…" in name:  # a short name that is cut is cut later where there is more room
            name = fit(number.name, most)
    room = max(column - cell_len(name) - 3, 0)
    return [
        (f" {name} ", "muted"),
        (fit(number.fitting(room), room), "bad" if number.is_bad else "strong"),
        (" ", ""),
    ]
