"""The lines of a table as text: those of the row that is read can be read again."""

from __future__ import annotations

import csv
import re
from collections import deque

from tui_ft.data import lines
from tui_ft.data.opening import Opened

_MOST_LINES = 100_000
_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+$")


class LineTooLong(Exception):  # noqa: N818 - it says where to go on
    """A single line is longer than a row may be; it has been passed."""


class TableLines:
    """An iterator over lines; `row` holds those since the last `begin_row`.

    Raises `csv.Error` for a row of far too many lines or characters, `LineTooLong` for a single line.
    """

    def __init__(self, file: Opened) -> None:
        self.row: list[str] = []
        self.has_bad_bytes = False
        self.read_again_bytes = 0
        self._stream = file.stream
        self._ahead: deque[str] = deque()
        self._pieces: deque[bytes] = deque()
        self._size = 0

    def __iter__(self) -> TableLines:
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
        """Return the first line that is not empty, which will be read again. Raises `LineTooLong`."""
        line = ""
        while not line.strip():
            try:
                line = self._read()
            except StopIteration:
                return ""
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
                raise LineTooLong
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
