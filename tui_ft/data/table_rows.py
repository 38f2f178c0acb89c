"""Rows of tables and plain text: CSV, TSV, Parquet, and text files with an example a line."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from tui_ft.data.wording import file_error, row_error, shown
from tui_ft.errors import TuiFtError

_MAX_CELL = 64 * 1024 * 1024
_SEPARATORS = ",;\t|"
_PARQUET_ROWS_AT_ONCE = 256
_UTF8_HINT = "Save it as UTF-8, for example with `iconv -f cp1252 -t utf-8`."


def read_separated(
    stream: IO[bytes], encoding: str, path: Path, *, tabs: bool
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the rows under the header of a CSV or TSV file, counted from 1 without the header.

    Cells are strings; a row that is too short has None for the rest. Raises `TuiFtError`.
    """
    text = io.TextIOWrapper(stream, encoding=encoding, newline="")
    before = csv.field_size_limit(_MAX_CELL)
    number = 0
    try:
        separator = "\t" if tabs else _separator(text)
        reader = csv.reader(text, delimiter=separator, strict=True)
        header = _header(next(reader, []), path)
        for cells in reader:
            if not cells:
                continue
            number += 1
            if len(cells) > len(header):
                raise row_error(
                    path, number, f"{len(cells)} cells under {len(header)} columns",
                    f'Put cells that hold "{separator}" in double quotes.',
                )  # fmt: skip
            yield number, dict(zip(header, [*cells, *[None] * (len(header) - len(cells))], strict=True))
    except csv.Error as error:
        raise row_error(
            path, number + 1, f"not a whole table row ({shown(error)})",
            "Check its double quotes: inside a quoted cell they are doubled.",
        ) from error  # fmt: skip
    except UnicodeDecodeError as error:
        raise row_error(path, number + 1, "not UTF-8", _UTF8_HINT) from error
    finally:
        csv.field_size_limit(before)
        text.detach()


def _separator(text: io.TextIOWrapper) -> str:
    """Return the separator that the header line holds most of; a comma where there is none."""
    line = text.readline(_MAX_CELL)
    text.seek(0)
    return max(_SEPARATORS, key=line.count) if any(c in line for c in _SEPARATORS) else ","


def _header(cells: list[str], path: Path) -> list[str]:
    header = [cell.strip() for cell in cells]
    named = [name for name in header if name]
    if not named or len(set(named)) < len(named):
        raise file_error(
            path, "has no header, or one that names a column twice",
            "The first line must name every column once, for example `instruction,input,output`.",
        )  # fmt: skip
    return [name or f"column {index}" for index, name in enumerate(header, 1)]


def read_text(stream: IO[bytes], encoding: str, path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield every non-empty line of a text file as `{"text": line}` with its line number."""
    text = io.TextIOWrapper(stream, encoding=encoding, newline="\n")
    number = 0
    try:
        for number, line in enumerate(text, 1):
            if line.strip():
                yield number, {"text": line.rstrip("\r\n")}
    except UnicodeDecodeError as error:
        raise row_error(path, number + 1, "not UTF-8", _UTF8_HINT) from error
    finally:
        text.detach()


def read_parquet(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the rows of a Parquet file, counted from 1. Raises `TuiFtError`."""
    try:
        import pyarrow
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise TuiFtError(
            f"{shown(path, 200)} is a Parquet file, and pyarrow is not installed.",
            "Run `pip install pyarrow`.",
        ) from error
    number = 0
    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=_PARQUET_ROWS_AT_ONCE, use_threads=False):
                for row in batch.to_pylist():
                    number += 1
                    yield number, row
    except pyarrow.ArrowException as error:
        raise file_error(
            path, f"is a damaged Parquet file: {shown(error)}", "Download or write it again."
        ) from error
