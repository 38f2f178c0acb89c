"""Rows of Parquet files, a row group at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tui_ft.data.opening import ReadProgress, check_is_file, reading
from tui_ft.data.unreadable import Bad, BadRow, RowCode, UnreadableError
from tui_ft.data.wording import shown
from tui_ft.errors import TuiFtError

Row = dict[str, Any]

_MOST_ROWS_AT_ONCE = 256
_BYTES_AT_ONCE = 4 * 1024 * 1024
_BUFFER_BYTES = 1024 * 1024
_HINT = "Download or write it again."
_DAMAGE = (OSError, ValueError, ArithmeticError, RuntimeError, NotImplementedError, MemoryError, KeyError)
"""What pyarrow raises for broken files; its own exceptions are among them."""


def read_parquet(path: Path, bad: Bad, progress: ReadProgress | None = None) -> Iterator[tuple[int, Row]]:
    """Yield the rows of a Parquet file, counted from 1; `bad` is told those that cannot be read.

    Raises `UnreadableError` for a file without a readable footer, `TuiFtError` without pyarrow.
    """
    try:
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise TuiFtError(
            f"{shown(path, 200)} is a Parquet file, and pyarrow is not installed.",
            "Run `pip install pyarrow`.",
        ) from error
    with reading(path):
        check_is_file(path)
        size = path.stat().st_size
        stream = path.open("rb")
    with stream:
        try:
            # Without these two options a whole row group is held, however large.
            file = parquet.ParquetFile(stream, buffer_size=_BUFFER_BYTES, pre_buffer=False)
            groups = _Groups(file, bad)
        except _DAMAGE as error:
            what = f"is a damaged Parquet file: {shown(error)}"
            raise UnreadableError(path, "damaged", what, _HINT) from error
        for group in range(groups.count):
            yield from groups.rows(group)
            if progress:
                progress(size * (group + 1) // groups.count, size)


class _Groups:
    """The row groups of an open Parquet file; `before` counts the rows of those that are done."""

    def __init__(self, file: Any, bad: Bad) -> None:
        self._file = file
        self._bad = bad
        self._about = file.metadata
        self._before = 0
        self.count = int(self._about.num_row_groups)

    def rows(self, group: int) -> Iterator[tuple[int, Row]]:
        """Yield the rows of one group, and tell what is lost of it."""
        first = self._before + 1
        try:
            about = self._about.row_group(group)
            for batch in self._batches(group, about):
                yield from self._rows_of(batch)
        except _DAMAGE as error:
            left = min(about.num_rows - (self._before + 1 - first), self._about.num_rows - self._before)
            self._lose(max(left, 1), error)

    def _batches(self, group: int, about: Any) -> Iterator[Any]:
        bytes_a_row = max(1, about.total_byte_size // max(1, about.num_rows))
        at_once = max(1, min(_MOST_ROWS_AT_ONCE, _BYTES_AT_ONCE // bytes_a_row))
        return self._file.iter_batches(  # type: ignore[no-any-return]
            batch_size=at_once, row_groups=[group], use_threads=False
        )

    def _rows_of(self, batch: Any) -> Iterator[tuple[int, Row]]:
        try:
            rows = batch.to_pylist()
        except _DAMAGE:  # a value that Python cannot hold, or text that is not UTF-8: the others can be had
            rows = [batch.slice(index, 1) for index in range(batch.num_rows)]
        for row in rows:
            try:
                found = row if isinstance(row, dict) else row.to_pylist()[0]
            except _DAMAGE as error:
                self._lose(1, error)
                continue
            self._before += 1
            yield self._before, found

    def _lose(self, count: int, error: Exception) -> None:
        first = self._before + 1
        which = f"rows {first} to {first + count - 1} cannot" if count > 1 else "cannot"
        code: RowCode = "bad_utf8" if isinstance(error, UnicodeError) else "unparsable"
        self._before += count
        self._bad(BadRow(first, code, f"{which} be read: {shown(error)}", _HINT, count))
