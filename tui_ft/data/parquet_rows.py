"""Rows of Parquet files, a row group at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tui_ft.data.opening import ReadProgress, check_is_file
from tui_ft.data.unreadable import Bad, BadRow, UnreadableError
from tui_ft.data.wording import shown
from tui_ft.errors import TuiFtError

_MOST_ROWS_AT_ONCE = 256
_BYTES_AT_ONCE = 4 * 1024 * 1024
_HINT = "Download or write it again."

Row = dict[str, Any]


def read_parquet(path: Path, bad: Bad, progress: ReadProgress | None = None) -> Iterator[tuple[int, Row]]:
    """Yield the rows of a Parquet file, counted from 1; `bad` is told the row groups that cannot be read.

    Raises `UnreadableError` for a file without a readable footer, `TuiFtError` without pyarrow.
    """
    try:
        import pyarrow
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise TuiFtError(
            f"{shown(path, 200)} is a Parquet file, and pyarrow is not installed.",
            "Run `pip install pyarrow`.",
        ) from error
    check_is_file(path)
    try:
        file = parquet.ParquetFile(path, buffer_size=_BYTES_AT_ONCE)
    except pyarrow.ArrowException as error:
        what = f"is a damaged Parquet file: {shown(error)}"
        raise UnreadableError(path, "damaged", what, _HINT) from error
    with file:
        yield from _Groups(file, path.stat().st_size, bad, pyarrow.ArrowException).rows(progress)


class _Groups:
    """The row groups of an open Parquet file."""

    def __init__(self, file: Any, size: int, bad: Bad, damage: type[Exception]) -> None:
        self._file = file
        self._size = size
        self._bad = bad
        self._damage = damage

    def rows(self, progress: ReadProgress | None) -> Iterator[tuple[int, Row]]:
        metadata = self._file.metadata
        before = 0
        for group in range(metadata.num_row_groups):
            meant = metadata.row_group(group).num_rows
            read = 0
            try:
                for batch in self._batches(group, metadata.row_group(group)):
                    for row in _rows(batch):
                        read += 1
                        yield before + read, row
            except (self._damage, OSError, ValueError, OverflowError) as error:
                lost = max(meant - read, 1)
                what = f"rows {before + read + 1} to {before + read + lost} cannot be read: {shown(error)}"
                self._bad(BadRow(before + read + 1, "unparsable", what, _HINT, lost))
                read += lost
            before += read
            if progress:
                progress(self._size * (group + 1) // metadata.num_row_groups, self._size)

    def _batches(self, group: int, about: Any) -> Iterator[Any]:
        bytes_a_row = about.total_byte_size // max(1, about.num_rows) + 1
        at_once = max(1, min(_MOST_ROWS_AT_ONCE, _BYTES_AT_ONCE // bytes_a_row))
        yield from self._file.iter_batches(batch_size=at_once, row_groups=[group], use_threads=False)


def _rows(batch: Any) -> list[Row]:
    return batch.to_pylist()  # type: ignore[no-any-return]
