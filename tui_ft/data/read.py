"""Reading local data files: which container a file really is, and its rows, streamed and numbered."""

from __future__ import annotations

import codecs
import gzip
import json
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Literal

from tui_ft.data.json_rows import read_json, read_json_lines
from tui_ft.data.table_rows import read_parquet, read_separated, read_text
from tui_ft.data.wording import file_error, row_error, shown
from tui_ft.errors import TuiFtError

Row = dict[str, Any]
Container = Literal["jsonl", "json", "parquet", "csv", "tsv", "text"]

ACCEPTED = "JSON, JSONL, CSV, TSV, Parquet and text (.txt), plain or gzipped, in UTF-8"

_HEAD_BYTES = 64 * 1024
_TABLE_SUFFIXES: dict[str, Container] = {".csv": "csv", ".tsv": "tsv", ".tab": "tsv"}
_TEXT_SUFFIXES = (".txt", ".text", ".md")
_DATA_SUFFIXES = (".jsonl", ".ndjson", ".json", ".parquet", *_TABLE_SUFFIXES, *_TEXT_SUFFIXES)
_PACKED = {
    b"PK\x03\x04": "a zip archive",
    b"\x28\xb5\x2f\xfd": "compressed with zstd",
    b"BZh": "compressed with bzip2",
    b"\xfd7zXZ\x00": "compressed with xz",
    b"ARROW1": "an Arrow file",
}


def container(path: Path) -> Container:
    """Return what `path` holds, judged by its content first and its name second.

    Raises `TuiFtError` when it is missing, a folder, empty, a git-lfs pointer, or no data file.
    """
    return _look(path)[0]


def read_rows(path: Path) -> Iterator[tuple[int, Row]]:
    """Yield `(number, row)` of every row of a local data file, without loading it whole.

    Rows are counted from 1; in JSONL and text files the number is the line's. Raises `TuiFtError`
    with the file and the row for whatever cannot be read.
    """
    kind, encoding = _look(path)
    try:
        if kind == "parquet":
            yield from read_parquet(path)
            return
        with _open(path) as stream:
            yield from _rows_of(kind, stream, encoding, path)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise file_error(
            path, f"is a damaged gzip file: {shown(error)}", "Download or pack it again."
        ) from error
    except OSError as error:
        raise file_error(
            path, f"cannot be read: {os.strerror(error.errno or 0)}", "Check the path and its permissions."
        ) from error


def _rows_of(kind: Container, stream: IO[bytes], encoding: str, path: Path) -> Iterator[tuple[int, Row]]:
    if kind == "jsonl":
        return read_json_lines(stream, encoding, path)
    if kind == "json":
        return read_json(stream, encoding, path)
    if kind == "text":
        return read_text(stream, encoding, path)
    return read_separated(stream, encoding, path, tabs=kind == "tsv")


def _look(path: Path) -> tuple[Container, str]:
    head = _head(path)
    if head.startswith(b"PAR1"):
        return "parquet", ""
    for magic, what in _PACKED.items():
        if head.startswith(magic):
            raise file_error(path, f"is {what}, which is not read here", f"Unpack it; read are {ACCEPTED}.")
    if head.startswith(b"version https://git-lfs.github.com/spec/"):
        raise file_error(
            path, "is a git-lfs pointer, not the data itself", "Run `git lfs pull` in its repository."
        )
    encoding = _encoding(head)
    text = codecs.getincrementaldecoder(encoding)("replace").decode(head).lstrip("\ufeff")
    if not text.strip():
        raise file_error(path, "is empty", "Give a file with at least one row.")
    if "\x00" in text:
        raise file_error(path, "is a binary file", f"Read are {ACCEPTED}.")
    return _text_container(path, text), encoding


def _head(path: Path) -> bytes:
    if path.is_dir():
        inside = sorted(p.name for p in path.iterdir() if p.suffix in _DATA_SUFFIXES)[:5]
        hint = f"Give one of its files: {shown(', '.join(inside))}." if inside else "Give a data file."
        raise file_error(path, "is a folder, not a data file", hint)
    try:
        with _open(path) as stream:
            return stream.read(_HEAD_BYTES)
    except FileNotFoundError as error:
        raise file_error(path, "does not exist", "Check the path of the data.") from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise file_error(path, "is a damaged gzip file", "Download or pack it again.") from error
    except OSError as error:
        raise file_error(
            path, f"cannot be read: {os.strerror(error.errno or 0)}", "Check the path and its permissions."
        ) from error


def _open(path: Path) -> IO[bytes]:
    with path.open("rb") as stream:
        packed = stream.read(2) == b"\x1f\x8b"
    return gzip.open(path, "rb") if packed else path.open("rb")  # type: ignore[return-value]


def _encoding(head: bytes) -> str:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return "utf-8-sig" if head.startswith(codecs.BOM_UTF8) else "utf-8"


def _text_container(path: Path, text: str) -> Container:
    suffixes = [s.lower() for s in path.suffixes if s.lower() != ".gz"]
    suffix = suffixes[-1] if suffixes else ""
    start = text.lstrip()
    looks_json = start[:1] == "{" or (start[:1] == "[" and start[1:].lstrip()[:1] in ("{", "]"))
    if suffix in _TABLE_SUFFIXES:
        return _TABLE_SUFFIXES[suffix]
    if looks_json or suffix in (".json", ".jsonl", ".ndjson"):
        return _json_container(start, suffix)
    if suffix in _TEXT_SUFFIXES:
        return "text"
    raise file_error(path, "is no data file that is known here", f"Read are {ACCEPTED}.")


def _json_container(start: str, suffix: str) -> Container:
    if start[:1] == "[":
        return "json"
    line = start.split("\n", 1)[0]
    if len(line) == len(start):  # one line only, or one longer than the head
        return "json" if suffix == ".json" else "jsonl"
    try:
        json.loads(line)
    except ValueError:
        # A broken first line of a .jsonl is named as such; any other is a document over many lines.
        return "jsonl" if suffix in (".jsonl", ".ndjson") and line.strip() not in ("{", "[") else "json"
    return "jsonl"


__all__ = ["ACCEPTED", "Container", "Row", "TuiFtError", "container", "read_rows", "row_error"]
