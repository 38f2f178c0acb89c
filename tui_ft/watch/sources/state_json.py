"""Taking a `trainer_state.json` apart row by row, so that a long one never holds the interpreter for long."""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Iterator
from typing import Any

ROWS_AT_ONCE = 500
"""Rows in one piece: some three milliseconds of decoding."""

_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


class BadStateError(Exception):
    """The text is no trainer state: torn, damaged, or something else."""


def read_state(text: str, known: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
    """Yield the rows of `log_history` in pieces, and put every other value of the state into `known`.

    Bare NaN and Infinity are read as such. Raises BadStateError, while reading, for what is no such text.
    """
    try:
        yield from _read(text, known)
    except (ValueError, RecursionError, IndexError, TypeError) as error:
        raise BadStateError(str(error)) from None


def _read(text: str, known: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
    at = _after(text, 0, "{")
    while True:
        name, at = _DECODER.raw_decode(text, _skip(text, at))
        at = _skip(text, _after(text, at, ":"))
        if name == "log_history" and text[at] == "[":
            at = yield from _read_rows(text, at + 1)
        else:
            known[str(name)], at = _DECODER.raw_decode(text, at)
        at = _skip(text, at)
        if text[at] == "}":
            return
        at = _after(text, at, ",")


def _read_rows(text: str, at: int) -> Generator[list[dict[str, Any]], None, int]:
    rows: list[dict[str, Any]] = []
    at = _skip(text, at)
    while text[at] != "]":
        row, at = _DECODER.raw_decode(text, at)
        if isinstance(row, dict):
            rows.append(row)
        at = _skip(text, at)
        if text[at] != "]":
            at = _skip(text, _after(text, at, ","))
        if len(rows) == ROWS_AT_ONCE:
            yield rows
            rows = []
    yield rows
    return at + 1


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _after(text: str, at: int, character: str) -> int:
    at = _skip(text, at)
    if text[at] != character:
        raise BadStateError(f"no {character!r} at {at}")
    return at + 1
