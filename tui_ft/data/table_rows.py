"""Rows of tables as text: CSV and TSV, with a header."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tui_ft.data import lines
from tui_ft.data.lines import cut_off, too_long
from tui_ft.data.opening import Opened
from tui_ft.data.sniff import separator
from tui_ft.data.table_lines import LineTooLong, TableLines
from tui_ft.data.unreadable import UTF8_HINT, Bad, BadRow, UnreadableError
from tui_ft.data.wording import shown

_MOST_READ_AGAIN = 64 * 1024 * 1024
_SEPARATOR = re.compile(r"sep=([,;\t|])[\r\n]*", re.I)
"""The line that Excel wants in front of the header."""

_QUOTES_HINT = "Check its double quotes: inside a quoted cell they are doubled."


def read_separated(file: Opened, bad: Bad, *, tabs: bool) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the rows under the header of a CSV or TSV file, counted from 1 without the header.

    Cells are strings; a row that is too short has None for the rest. `bad` is told the rows that are no
    row of the table. Raises `UnreadableError` when there is no header.
    """
    csv.field_size_limit(lines.MAX_ROW_BYTES)
    source = TableLines(file)
    try:
        first = source.peek()
    except LineTooLong as error:
        raise _no_header(file.path) from error
    between = "\t" if tabs else separator(first)
    if said := _SEPARATOR.fullmatch(first):
        between = said[1]
        next(source)
    reader = csv.reader(source, delimiter=between, strict=True)
    header = _header(reader, source, file.path)
    yield from _Rows(file, bad, source, reader, header, between).rows()


class _Rows:
    """The pass over the rows of one table. A broken row is told when the next whole one is found."""

    def __init__(
        self,
        file: Opened,
        bad: Bad,
        source: TableLines,
        reader: Iterator[list[str]],
        header: list[str],
        between: str,
    ) -> None:
        self._file = file
        self._bad = bad
        self._source = source
        self._reader = reader
        self._header = header
        self._between = between
        self._number = 0
        self._broken: BadRow | None = None
        self._is_lost = False  # in a broken row, and not sure where the next one begins
        self._is_suspect = False  # behind a row that may go on in the next line
        self._style = _Style()

    def rows(self) -> Iterator[tuple[int, dict[str, Any]]]:
        while (cells := self._next_cells()) is not None:
            raw = self._source.row
            if not cells or (self._is_lost and not self._is_next(cells, raw)):
                continue
            self._tell_broken()
            self._number += 1
            if self._is_suspect and len(cells) != len(self._header):
                self._number -= 1
                self._tell_uncertain()
                return
            self._is_suspect = False
            if len(cells) > len(self._header) or self._style.is_odd(raw):
                self._broken = (
                    self._too_wide(len(cells)) if len(cells) > len(self._header) else self._unclosed()
                )
                if _quotes(raw) % 2 and not self._pass_broken(raw):
                    return
                self._is_suspect = not self._style.tells_rows
            elif self._source.has_bad_bytes:
                self._bad(BadRow(self._number, "bad_utf8", "not UTF-8", UTF8_HINT))
            else:
                self._style.see(raw)
                missing = [None] * (len(self._header) - len(cells))
                yield self._number, dict(zip(self._header, [*cells, *missing], strict=True))
        self._tell_broken()

    def _next_cells(self) -> list[str] | None:
        """Return the cells of the next row, none for one that is broken, None at the end."""
        self._source.begin_row()
        try:
            cells = next(self._reader)
            while len(cells) > len(self._header) and not cells[-1]:
                cells.pop()  # empty cells behind the last column, as spreadsheets write them
            return cells
        except StopIteration:
            return None
        except LineTooLong:
            self._tell_broken()
            self._number += 1
            self._bad(too_long(self._number))
        except csv.Error as error:
            if not self._is_lost:
                self._tell_broken()
                self._number += 1
                self._broken = self._not_a_row(error)
            return [] if self._pass_broken(self._source.row) else None
        return []

    def _not_a_row(self, error: csv.Error) -> BadRow:
        what = "not a whole table row"
        if "unexpected end" in str(error):
            return cut_off(self._file, self._number, f"{what}: the file ends in a quoted cell")
        return BadRow(self._number, "unparsable", f"{what} ({shown(error)})", _QUOTES_HINT)

    def _pass_broken(self, raw: list[str]) -> bool:
        """Go to the line behind the first one of a broken row; False when no next row is certain."""
        nothing_closes_it = len(raw) > 1 and not _quotes(raw[1:])
        self._is_lost = self._is_lost or self._style.may_go_on(raw[0])
        is_certain = not self._is_lost or self._style.tells_rows
        if nothing_closes_it and not self._style.has_long_rows:
            is_certain = True  # every line behind it is a row, if it is as wide as one
        if not is_certain or self._source.read_again_bytes > _MOST_READ_AGAIN:
            self._tell_uncertain()
            return False
        self._source.go_back()
        return True

    def _tell_uncertain(self) -> None:
        is_told = self._broken is not None and self._broken.code == "cut_off"
        self._tell_broken()
        if is_told:
            return
        what = "where the next row begins is not certain: what follows was not read"
        self._bad(BadRow(self._number, "cut_off", what, "Mend this row first.", count=0))

    def _tell_broken(self) -> None:
        if self._broken:
            self._bad(self._broken)
        self._broken = None
        self._is_lost = False

    def _is_next(self, cells: list[str], raw: list[str]) -> bool:
        """True for a row as wide as the header, with quotes in pairs and where the rows before had them."""
        if len(cells) != len(self._header) or not self._style.fits(raw):
            return False
        if self._broken and self._broken.code == "cut_off":
            self._broken = self._unclosed()
        return True

    def _unclosed(self) -> BadRow:
        what = "not a whole table row (a quoted cell is not closed)"
        return BadRow(self._number, "unparsable", what, _QUOTES_HINT)

    def _too_wide(self, cells: int) -> BadRow:
        what = f"{cells} cells under {len(self._header)} columns"
        hint = f'Put cells that hold "{self._between}" in double quotes.'
        return BadRow(self._number, "unparsable", what, hint)


class _Style:
    """How the whole rows of a table were written: over several lines or not, all of it in quotes or not."""

    def __init__(self) -> None:
        self.has_long_rows: bool | None = None
        self._is_quoted: bool | None = None

    @property
    def tells_rows(self) -> bool:
        """True when it can be told from a line whether it begins a row."""
        return bool(self._is_quoted) or self.has_long_rows is False

    def see(self, raw: list[str]) -> None:
        self.has_long_rows = bool(self.has_long_rows) or len(raw) > 1
        self._is_quoted = self._is_quoted is not False and _is_quoted(raw)

    def fits(self, raw: list[str]) -> bool:
        """True for a row that is written like those before."""
        return _quotes(raw) % 2 == 0 and (not self._is_quoted or _is_quoted(raw))

    def is_odd(self, raw: list[str]) -> bool:
        """True for a row that lacks a quote, where all rows before were in quotes."""
        return bool(self._is_quoted) and _quotes(raw) % 2 == 1

    def may_go_on(self, line: str) -> bool:
        """True when a broken row that begins with `line` may go on behind it."""
        if self._is_quoted:
            return not line.rstrip("\r\n").endswith('"')
        return bool(self.has_long_rows) or line.count('"') % 2 == 1


def _quotes(raw: list[str]) -> int:
    return sum(line.count('"') for line in raw)


def _is_quoted(raw: list[str]) -> bool:
    return raw[0].startswith('"') and raw[-1].rstrip("\r\n").endswith('"')


def _header(reader: Iterator[list[str]], source: TableLines, path: Path) -> list[str]:
    source.begin_row()
    try:
        header = [cell.strip() for cell in next(reader, [])]
    except (csv.Error, LineTooLong):
        header = []
    if source.has_bad_bytes:
        raise UnreadableError(path, "not_a_data_set", "has a header that is not UTF-8", UTF8_HINT)
    named = [name for name in header if name]
    if not named or len(set(named)) < len(named):
        raise _no_header(path)
    return [name or f"column {index}" for index, name in enumerate(header, 1)]


def _no_header(path: Path) -> UnreadableError:
    return UnreadableError(
        path, "not_a_data_set", "has no header, or one that names a column twice",
        "The first line must name every column once, for example `instruction,input,output`.",
    )  # fmt: skip
