"""Reading local data files: their rows, streamed and numbered, whatever container they are in."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path

from tui_ft.data.containers import ACCEPTED, Look, look
from tui_ft.data.declared import data_file
from tui_ft.data.json_rows import Row, read_json, read_json_lines
from tui_ft.data.lines import cut_off
from tui_ft.data.opening import Opened, ReadProgress, opened
from tui_ft.data.parquet_rows import read_parquet
from tui_ft.data.sniff import Container
from tui_ft.data.table_rows import read_separated
from tui_ft.data.text_rows import read_text
from tui_ft.data.unreadable import Bad, BadRow, Unread, UnreadableError, untold
from tui_ft.data.wording import row_error


def container(path: Path) -> Container:
    """Return what `path` holds. Raises `UnreadableError` when it is missing, a folder, empty, or no data."""
    return look(path).container


def read_rows(path: Path) -> Iterator[tuple[int, Row]]:
    """Yield `(number, row)` of every row of a local data file, without loading it whole.

    Rows are counted from 1; in JSONL and text files the number is the line's. Raises `TuiFtError`
    with the file and the row for the first one that cannot be read.
    """

    def refuse(bad: BadRow) -> None:
        raise row_error(path, bad.number, bad.what, bad.hint)

    return tolerant(path, refuse)


def tolerant(
    path: Path, bad: Bad, progress: ReadProgress | None = None, first: int = 1, unread: Unread = untold
) -> Iterator[tuple[int, Row]]:
    """Yield `(number, row)` like `read_rows`, and go on behind a row that cannot be read.

    `bad` is told every one of those, in order; what they raise, and what `progress` raises, ends the
    reading. Rows before `first` are passed over. `unread` is told of the lists of rows beside the one that
    is read, where a JSON document wraps several. A row is held in memory, the file is not. Raises
    `UnreadableError` when nothing of the file can be read.
    """
    path = data_file(path)
    found = look(path)
    watch = _Watch(bad, first)
    if found.container == "parquet":
        yield from watch.count(read_parquet(path, watch.bad, progress))
        return
    with opened(path, progress) as file:
        if found.encoding not in ("utf-8", "utf-8-sig") or found.cr_only:
            file.recode(found.encoding, cr_only=found.cr_only)
        while file.stream.peek(len(codecs.BOM_UTF8)).startswith(codecs.BOM_UTF8):
            file.stream.read(len(codecs.BOM_UTF8))
        yield from watch.count(_rows_of(found.container, file, watch.bad, first, unread))
        if file.damage and not watch.knows_the_end:
            bad(cut_off(file, watch.last, "", count=0))


class _Watch:
    """Keeps the number of the last row, and whether the early end of the file has been told."""

    def __init__(self, told: Bad, first: int) -> None:
        self.last = 0
        self.knows_the_end = False
        self._told = told
        self._first = first

    def bad(self, row: BadRow) -> None:
        self.last = max(self.last, row.number)
        self.knows_the_end = self.knows_the_end or row.code == "cut_off"
        if row.number + max(1, row.count) > self._first:
            self._told(row)

    def count(self, rows: Iterator[tuple[int, Row]]) -> Iterator[tuple[int, Row]]:
        for number, row in rows:
            self.last = number
            if number >= self._first:
                yield number, row


def _rows_of(
    kind: Container, file: Opened, bad: Bad, first: int, unread: Unread
) -> Iterator[tuple[int, Row]]:
    if kind == "jsonl":
        return read_json_lines(file, bad, first)
    if kind == "json":
        return read_json(file, bad, unread)
    if kind == "text":
        return read_text(file, bad, first)
    return read_separated(file, bad, tabs=kind == "tsv")


__all__ = [
    "ACCEPTED",
    "BadRow",
    "Container",
    "Look",
    "Row",
    "UnreadableError",
    "container",
    "look",
    "read_rows",
    "tolerant",
]
