"""The shadow of the screen: what the terminal shows, cell by cell, and what to write where it differs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from operator import itemgetter

from rich.cells import get_character_cell_size
from rich.color import ColorSystem
from rich.style import Style
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.geometry import Size
from textual.strip import Strip

from tui_ft.tui.pen import Pen

GAP_BYTES = 5
"""Unchanged cells of up to so many bytes are cheaper to write again than to jump over."""

Cell = tuple[str, Style | None]
UNKNOWN: Cell = ("\x00", None)
"""A cell of which it is not known what the terminal shows: it equals nothing."""


def strips_of(update: ChopsUpdate | LayoutUpdate) -> Iterator[tuple[int, int, Strip]]:
    """Yield (x, y, strip) of everything that `update` would paint."""
    if isinstance(update, LayoutUpdate):
        for y, strips in enumerate(update.strips, update.region.y):
            x = update.region.x
            for strip in strips:
                yield x, y, strip
                x += strip.cell_length
        return
    for y, x1, x2 in update.spans:
        for end, (x, chop) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
            if chop is not None and x < x2 and end > x1:
                yield x, y, chop


class ScreenImage:
    """What the terminal shows, cell by cell, and the encoding of what differs from it."""

    def __init__(
        self,
        size: Size,
        color_system: ColorSystem = ColorSystem.TRUECOLOR,
        translate: Callable[[str], str] | None = None,
    ) -> None:
        self.size = size
        self._pen = Pen(color_system)
        self._translate = translate
        self._rows: list[list[Cell]] = [[UNKNOWN] * size.width for _ in range(size.height)]
        self._drawn: list[dict[int, Strip]] = [{} for _ in range(size.height)]
        self._out: list[str] = []
        self._cursor = -1

    def encode(self, strips: Iterable[tuple[int, int, Strip]]) -> str:
        """Return what to write so that the terminal shows `strips`; empty when it already does."""
        self._out = []
        self._pen.style = None
        row = -1
        for x, y, strip in strips:
            if not 0 <= y < self.size.height or x >= self.size.width:
                continue
            if y != row:
                row, self._cursor = y, -1
            drawn = self._drawn[y]
            if drawn.get(x) is strip:
                continue
            self._forget_overlapped(drawn, x, x + strip.cell_length)
            drawn[x] = strip
            self._encode_strip(x, y, strip)
        if not self._out:
            return ""
        return "\x1b[m" + "".join(self._out) + "\x1b[m"

    @staticmethod
    def _forget_overlapped(drawn: dict[int, Strip], start: int, end: int) -> None:
        for x in [x for x, strip in drawn.items() if x < end and x + strip.cell_length > start]:
            del drawn[x]

    def _encode_strip(self, x: int, y: int, strip: Strip) -> None:
        cells, is_plain = self._cells(strip)
        row = self._rows[y]
        del cells[max(self.size.width - x, 0) :]
        if is_plain and cells and row[x : x + len(cells)].count(UNKNOWN) == len(cells):
            self._put_new(x, y, row, cells)
        elif is_plain:
            for x_cell, cell in enumerate(cells, x):
                if row[x_cell] != cell:
                    self._put(x_cell, y, row, cell)
        elif row[x : x + len(cells)] != cells:
            self._put_whole(x, y, row, cells)

    def _cells(self, strip: Strip) -> tuple[list[Cell], bool]:
        """The cells of a strip, and whether each is one character of one column."""
        cells: list[Cell] = []
        is_plain = True
        for text, style, control in strip:
            if control:
                continue
            shown = self._translate(text) if self._translate else text
            blank = self._pen.blank(style)
            if shown.isascii():
                cells += [(character, blank if character == " " else style) for character in shown]
                continue
            for character in shown:
                width = get_character_cell_size(character)
                if width == 1:
                    cells.append((character, blank if character == " " else style))
                    continue
                is_plain = False
                if width == 0 and cells:
                    # a combining mark belongs to the last cell that holds a character
                    at = next((i for i in range(len(cells) - 1, -1, -1) if cells[i][0]), 0)
                    cells[at] = (cells[at][0] + character, cells[at][1])
                elif width == 2:
                    cells += [(character, style), ("", style)]
        return cells, is_plain

    def _put(self, x: int, y: int, row: list[Cell], cell: Cell) -> None:
        character, style = cell
        if row[x][0] == "" and x > 0:
            row[x - 1] = UNKNOWN  # half of a wide character is overwritten: terminals clear the other
        self._move(x, y, row)
        self._out.append(self._pen.take(style))
        self._out.append(character)
        row[x] = cell
        self._cursor = x + 1

    def _put_new(self, x: int, y: int, row: list[Cell], cells: list[Cell]) -> None:
        """Write one-column cells where nothing is known to stand: a whole stretch of a style at once."""
        self._put(x, y, row, cells[0])
        row[x : x + len(cells)] = cells
        self._cursor = x + len(cells)
        for style, stretch in groupby(cells[1:], key=itemgetter(1)):
            self._out.append(self._pen.take(style))
            self._out.append("".join(map(itemgetter(0), stretch)))

    def _put_whole(self, x: int, y: int, row: list[Cell], cells: list[Cell]) -> None:
        """Write all cells: where a character is not one column wide, terminals disagree on the columns."""
        if cells and row[x][0] == "" and x > 0:
            row[x - 1] = UNKNOWN
        self._cursor = -1
        for x_cell, (character, style) in enumerate(cells, x):
            row[x_cell] = (character, style)
            if character == "":
                continue
            if len(character) > 1 or self._cursor != x_cell:
                self._out.append(f"\x1b[{y + 1};{x_cell + 1}H")
            self._out.append(self._pen.take(style))
            self._out.append(character)
            self._cursor = x_cell + 1 if len(character) == 1 and character.isascii() else -1
        self._cursor = -1

    def _move(self, x: int, y: int, row: list[Cell]) -> None:
        if x == self._cursor:
            return
        if 0 <= self._cursor < x:
            between = row[self._cursor : x]
            if all(len(cell[0]) == 1 and cell != UNKNOWN and self._pen.wears(cell[1]) for cell in between):
                text = "".join(cell[0] for cell in between)
                if len(text.encode()) <= GAP_BYTES:
                    self._out.append(text)
                    return
            self._out.append(f"\x1b[{x - self._cursor}C" if x - self._cursor > 1 else "\x1b[C")
            return
        self._out.append(f"\x1b[{y + 1};{x + 1}H")
