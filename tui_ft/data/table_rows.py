"""Rows of tables as text: CSV and TSV, with a header."""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tui_ft.data import lines
from tui_ft.data.lines import cut_off, too_long
from tui_ft.data.opening import Opened
from tui_ft.data.unreadable import UTF8_HINT, Bad, BadRow, UnreadableError
from tui_ft.data.wording import shown

_SEPARATORS = ",;\t|"
_MOST_LINES = 100_000
_MOST_READ_AGAIN = 64 * 1024 * 1024
_QUOTES_HINT = "Check its double quotes: inside a quoted cell they are doubled."
_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+$")


def read_separated(file: Opened, bad: Bad, *, tabs: bool) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the rows under the header of a CSV or TSV file, counted from 1 without the header.

    Cells are strings; a row that is too short has None for the rest. `bad` is told the rows that are no
    row of the table. Raises `UnreadableError` when there is no header.
    """
    csv.field_size_limit(lines.MAX_ROW_BYTES)
    source = _Lines(file)
    separator = "\t" if tabs else _separator(source.peek())
    reader = csv.reader(source, delimiter=separator, strict=True)
    header = _header(reader, source, file.path)
    yield from _Rows(file, bad, source, reader, header, separator).rows()


class _Rows:
    """The pass over the rows of one table. A broken row is told when the next whole one is found."""

    def __init__(
        self,
        file: Opened,
        bad: Bad,
        source: _Lines,
        reader: Iterator[list[str]],
        header: list[str],
        separator: str,
    ) -> None:
        self._file = file
        self._bad = bad
        self._source = source
        self._reader = reader
        self._header = header
        self._separator = separator
        self._number = 0
        self._broken: BadRow | None = None
        self._is_lost = False  # in a broken row, and not sure where the next one begins

    def rows(self) -> Iterator[tuple[int, dict[str, Any]]]:
        while (cells := self._next_cells()) is not None:
            if not cells or (self._is_lost and not self._is_whole(cells)):
                continue
            self._tell_broken()
            self._number += 1
            if len(cells) > len(self._header):
                self._bad(self._too_wide(len(cells)))
            elif self._source.has_bad_bytes:
                self._bad(BadRow(self._number, "bad_utf8", "not UTF-8", UTF8_HINT))
            else:
                missing = [None] * (len(self._header) - len(cells))
                yield self._number, dict(zip(self._header, [*cells, *missing], strict=True))
        self._tell_broken()

    def _next_cells(self) -> list[str] | None:
        """Return the cells of the next row, none for one that is broken, None at the end."""
        self._source.begin_row()
        try:
            return next(self._reader)
        except StopIteration:
            return None
        except _TooLong:
            self._tell_broken()
            self._number += 1
            self._bad(too_long(self._number))
        except csv.Error as error:
            return self._pass_broken(error)
        return []

    def _pass_broken(self, error: csv.Error) -> list[str] | None:
        """Remember the broken row, and go back to the line behind its first one."""
        row = self._source.row
        if not self._is_lost:
            self._tell_broken()
            self._number += 1
            if "unexpected end" in str(error):
                self._broken = cut_off(
                    self._file, self._number, "not a whole table row: the file ends in a quoted cell"
                )
            else:
                what = f"not a whole table row ({shown(error)})"
                self._broken = BadRow(self._number, "unparsable", what, _QUOTES_HINT)
        # An odd number of quotes: the first line may end within a cell.
        self._is_lost = self._is_lost or row[0].count('"') % 2 == 1
        if self._source.read_again_bytes > _MOST_READ_AGAIN:
            self._tell_broken()
            what = "where the next row begins is not certain: what follows was not read"
            self._bad(BadRow(self._number, "cut_off", what, "Mend this row first.", count=0))
            return None
        self._source.go_back()
        return []

    def _tell_broken(self) -> None:
        if self._broken:
            self._bad(self._broken)
        self._broken = None
        self._is_lost = False

    def _is_whole(self, cells: list[str]) -> bool:
        """True for a row as wide as the header, with no quote that is not one of a pair."""
        if len(cells) != len(self._header) or "".join(self._source.row).count('"') % 2:
            return False
        if self._broken and self._broken.code == "cut_off":
            self._broken = BadRow(
                self._number,
                "unparsable",
                "not a whole table row (a quoted cell is not closed)",
                _QUOTES_HINT,
            )
        return True

    def _too_wide(self, cells: int) -> BadRow:
        what = f"{cells} cells under {len(self._header)} columns"
        hint = f'Put cells that hold "{self._separator}" in double quotes.'
        return BadRow(self._number, "unparsable", what, hint)


class _TooLong(Exception):  # noqa: N818 - it says where to go on
    """A single line is longer than a row may be; it has been passed."""


class _Lines:
    """The lines of a table as text; those of the row that is read can be read again."""

    def __init__(self, file: Opened) -> None:
        self.row: list[str] = []
        self.has_bad_bytes = False
        self.read_again_bytes = 0
        self._stream = file.stream
        self._ahead: deque[str] = deque()
        self._pieces: deque[bytes] = deque()
        self._size = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._ahead.popleft() if self._ahead else self._read()
        self.row.append(line)
        self._size += len(line)
        if self._size > lines.MAX_ROW_BYTES or len(self.row) > _MOST_LINES:
            raise csv.Error("longer than a row may be")
        self.has_bad_bytes = self.has_bad_bytes or (not line.isascii() and not _is_text(line))
        return line

    def begin_row(self) -> None:
        self.row = []
        self._size = 0
        self.has_bad_bytes = False

    def go_back(self) -> None:
        """Have the lines behind the first one of this row read again."""
        self.read_again_bytes += self._size
        self._ahead.extendleft(reversed(self.row[1:]))

    def peek(self) -> str:
        """Return the first line that is not empty, which will be read again."""
        line = next((line for line in self if line.strip()), "")
        self._ahead.appendleft(line)
        return line

    def _read(self) -> str:
        limit = lines.MAX_ROW_BYTES + 1
        if not self._pieces:
            line = self._stream.readline(limit)
            if not line:
                raise StopIteration
            if len(line) == limit and not line.endswith(b"\n"):
                while line and not line.endswith(b"\n"):
                    line = self._stream.readline(limit)
                raise _TooLong
            if b"\r" not in line[:-2]:
                return line.decode("utf-8", "surrogateescape")
            self._pieces.extend(_LINE.findall(line))
        return self._pieces.popleft().decode("utf-8", "surrogateescape")


def _is_text(line: str) -> bool:
    try:
        line.encode()
    except UnicodeEncodeError:
        return False
    return True


def _separator(header: str) -> str:
    """Return the separator that the header line holds most of; a comma where there is none."""
    return max(_SEPARATORS, key=header.count) if any(c in header for c in _SEPARATORS) else ","


def _header(reader: Iterator[list[str]], source: _Lines, path: Path) -> list[str]:
    source.begin_row()
    try:
        header = [cell.strip() for cell in next(reader, [])]
    except (csv.Error, _TooLong):
        header = []
    if source.has_bad_bytes:
        raise UnreadableError(path, "not_a_data_set", "has a header that is not UTF-8", UTF8_HINT)
    named = [name for name in header if name]
    if not named or len(set(named)) < len(named):
        raise UnreadableError(
            path, "not_a_data_set", "has no header, or one that names a column twice",
            "The first line must name every column once, for example `instruction,input,output`.",
        )  # fmt: skip
    return [name or f"column {index}" for index, name in enumerate(header, 1)]
