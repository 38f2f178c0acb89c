"""Rows of JSON text: one object a line, or one after another in an array or in documents."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec

from tui_ft.data.json_faults import is_cut, is_too_deep, nested_too_deeply, not_an_object, not_json
from tui_ft.data.json_values import Fault, Values
from tui_ft.data.lines import cut_off, numbered_lines
from tui_ft.data.opening import Opened
from tui_ft.data.unreadable import UTF8_HINT, Bad, BadRow, Unread

Row = dict[str, Any]

_STRICT = msgspec.json.Decoder()
_LENIENT = json.JSONDecoder()
_ALONE = "Put every JSON object on a line of its own."


def read_json_lines(file: Opened, bad: Bad, first: int = 1) -> Iterator[tuple[int, Row]]:
    """Yield the object of every non-empty line with its line number; lines before `first` are passed over.

    What is no object is told to `bad`, and the next line is read.
    """
    for number, line in numbered_lines(file, bad):
        if number < first:
            continue
        try:
            value = _STRICT.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            value = _lenient(line, number, file)
            if value is None:
                continue
        if type(value) is not dict:
            bad(value if isinstance(value, BadRow) else not_an_object(value, number))
        elif is_too_deep(value, line.count(b"]") + line.count(b"}")):
            bad(nested_too_deeply(number))
        else:
            yield number, value


def _lenient(line: bytes, number: int, file: Opened) -> Any:
    """Return the value of a line that is not strictly JSON (NaN, half characters, a comma behind it …).

    None for an empty line, a `BadRow` for one that is no JSON at all.
    """
    try:
        text = line.decode().strip().lstrip("\ufeff")  # files put together keep their byte order marks
    except UnicodeDecodeError as error:
        return BadRow(number, "bad_utf8", f"byte {error.start + 1} is not UTF-8", UTF8_HINT)
    if not text:
        return None
    try:
        value, end = _LENIENT.raw_decode(text)
    except (ValueError, RecursionError) as error:
        if not line.endswith(b"\n") and is_cut(error, text):
            return cut_off(file, number, "the file ends in the middle of the row")
        return not_json(number, error, text, 0, "Every line must be one whole JSON object.")
    rest = text[end:].lstrip()
    if rest and rest != ",":
        what = "more than one JSON value on the line" if rest[0] in "{[," else "text after the JSON object"
        return BadRow(number, "unparsable", what, _ALONE)
    return not_an_object(value, number) if value is None else value


def read_json(file: Opened, bad: Bad, unread: Unread) -> Iterator[tuple[int, Row]]:
    """Yield the objects of a JSON array, or of one or more JSON documents, counted from 1.

    A single object that wraps the rows (`{"data": [...]}`) is unwrapped; `unread` is told of other lists of
    rows in it. What is no object is told to
    `bad`, and it goes on with the next one where it is certain where that begins.
    """
    number = 0
    for value in Values(file, unread).rows():
        if isinstance(value, Fault):
            number += value.bad.count
            bad(value.bad)
            continue
        number += 1
        if type(value) is dict:
            yield number, value
        else:
            bad(not_an_object(value, number))
