"""Rows of JSON text: JSON lines, arrays and single documents, streamed with bounded memory."""

from __future__ import annotations

import codecs
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from tui_ft.data.wording import file_error, row_error, shown

MAX_ROW_BYTES = 64 * 1024 * 1024
"""A row longer than this is a broken file, not a row."""

_CHUNK_BYTES = 1024 * 1024
_WRAPPERS = ("data", "rows", "examples", "train", "instances", "items", "records")
_DECODER = json.JSONDecoder()
_UTF8_HINT = "Save it as UTF-8, for example with `iconv -f cp1252 -t utf-8`."


def read_json_lines(stream: IO[bytes], encoding: str, path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the object of every non-empty line with its line number. Raises `TuiFtError`."""
    for number, line in enumerate(_lines(stream, encoding, path), 1):
        if len(line) > MAX_ROW_BYTES:
            raise _too_long(path, number)
        if number == 1:
            line = line.removeprefix(codecs.BOM_UTF8)
        if line.strip():
            yield number, _line_object(line, path, number)


def _lines(stream: IO[bytes], encoding: str, path: Path) -> Iterator[bytes]:
    """Yield lines in UTF-8, none of them much longer than the limit."""
    if encoding != "utf-16":
        yield from iter(lambda: stream.readline(MAX_ROW_BYTES + 1), b"")
        return
    text = io.TextIOWrapper(stream, encoding=encoding, newline="\n")
    try:
        while line := text.readline(MAX_ROW_BYTES + 1):
            yield line.encode("utf-8", "surrogatepass")
    except UnicodeDecodeError as error:
        raise file_error(path, "is not whole UTF-16", _UTF8_HINT) from error
    finally:
        text.detach()


def _line_object(line: bytes, path: Path, number: int) -> dict[str, Any]:
    try:
        text = line.decode("utf-8").strip()
    except UnicodeDecodeError as error:
        raise row_error(path, number, f"byte {error.start + 1} is not UTF-8", _UTF8_HINT) from error
    try:
        value, end = _DECODER.raw_decode(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise row_error(
            path, number, f"not valid JSON ({shown(error)})", "Every line must be one whole JSON object."
        ) from error
    rest = text[end:].lstrip()
    if rest and rest != ",":
        what = "more than one JSON value on the line" if rest[0] in "{[," else "text after the JSON object"
        raise row_error(path, number, what, "Put every JSON object on a line of its own.")
    return _row_object(value, path, number)


def read_json(stream: IO[bytes], encoding: str, path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the objects of a JSON array, or of one or more JSON documents, counted from 1.

    A single object that wraps the rows (`{"data": [...]}`) is unwrapped. Raises `TuiFtError`.
    """
    values = _Values(stream, encoding, path)
    if values.opens_array():
        for number, value in enumerate(values.array(), 1):
            yield number, _row_object(value, path, number)
        return
    documents = values.documents()
    first = next(documents, None)
    second = next(documents, None)
    if second is None and isinstance(first, dict) and (rows := _wrapped(first)) is not None:
        for number, value in enumerate(rows, 1):
            yield number, _row_object(value, path, number)
        return
    for number, value in enumerate((first, second), 1):
        if value is not None:
            yield number, _row_object(value, path, number)
    for number, value in enumerate(documents, 3):
        yield number, _row_object(value, path, number)


def _wrapped(document: dict[str, Any]) -> list[Any] | None:
    for name in _WRAPPERS:
        rows = document.get(name)
        if isinstance(rows, list) and rows and all(isinstance(row, dict) for row in rows):
            return rows
    return None


def _row_object(value: Any, path: Path, number: int) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    kind = {list: "a list", str: "a text", type(None): "null"}.get(type(value), "a number")
    raise row_error(path, number, f"{kind} instead of an object", 'Every row must be a JSON object {"…": …}.')


def _too_long(path: Path, number: int) -> Exception:
    return row_error(
        path, number, f"longer than {MAX_ROW_BYTES // 1024**2} MiB", "Check for a missing quote or bracket."
    )


class _Values:
    """JSON values one after another out of a byte stream, holding one of them at a time."""

    def __init__(self, stream: IO[bytes], encoding: str, path: Path) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(encoding)("strict")
        self._path = path
        self._text = ""
        self._at = 0
        self._ended = False
        self._number = 0

    def opens_array(self) -> bool:
        """True, and the bracket is passed, when the text begins an array."""
        if self._next_character() != "[":
            return False
        self._at += 1
        return True

    def array(self) -> Iterator[Any]:
        """Yield the elements up to the closing bracket."""
        while True:
            character = self._next_character(skip=",")
            if character == "]":
                self._at += 1
                if self._next_character():
                    raise self._error("text after the end of the array", "Keep one JSON array in the file.")
                return
            if not character:
                raise self._error("the array is not closed", "The file is cut off: copy it again.")
            yield self._value()

    def documents(self) -> Iterator[Any]:
        """Yield whole JSON documents that follow each other."""
        while self._next_character():
            yield self._value()

    def _next_character(self, skip: str = "") -> str:
        while True:
            text, at = self._text, self._at
            while at < len(text) and (text[at].isspace() or text[at] in skip):
                at += 1
            self._at = at
            if at < len(text):
                return text[at]
            if not self._read():
                return ""

    def _value(self) -> Any:
        self._number += 1
        while True:
            try:
                value, self._at = _DECODER.raw_decode(self._text, self._at)
                return value
            except json.JSONDecodeError as error:
                # Only a fault at the very end, or a string without its end, can be mended by more text.
                open_end = error.pos >= len(self._text) - 12 or error.msg.startswith("Unterminated")
                if open_end and len(self._text) - self._at > MAX_ROW_BYTES:
                    raise _too_long(self._path, self._number) from error
                if not (open_end and self._read(len(self._text) - self._at)):
                    raise self._error(
                        f"not valid JSON ({shown(error)})", "Mend that row; `python -m json.tool` shows it."
                    ) from error
            except RecursionError as error:
                raise self._error("nested too deeply", "A row is a flat object.") from error

    def _read(self, at_least: int = 0) -> bool:
        """Append more text, at least as much as is held, so that retries stay linear; False at the end."""
        if self._ended:
            return False
        data = self._stream.read(max(_CHUNK_BYTES, at_least))
        try:
            more = self._decoder.decode(data, final=not data)
        except UnicodeDecodeError as error:
            raise self._error("not UTF-8", _UTF8_HINT, row=self._number + 1) from error
        self._ended = not data
        self._text = self._text[self._at :] + more
        self._at = 0
        return not self._ended

    def _error(self, what: str, hint: str, row: int | None = None) -> Exception:
        number = row or self._number
        if number == 0:
            return file_error(self._path, f"is {what}", hint)
        return row_error(self._path, number, what, hint)
