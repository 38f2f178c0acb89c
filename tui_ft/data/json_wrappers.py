"""JSON objects that wrap the rows of a data set in a list, and maybe other lists beside it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, TypeGuard

NAME = re.compile(r'\s*,?\s*"((?:[^"\\]|\\.){0,200})"\s*:\s*')
"""The name of a member of an object, with what stands around it."""

_WRAPPERS = ("data", "rows", "examples", "train", "instances", "items", "records")
_OF_A_TURN = ({"role", "from"}, {"content", "value"})
_DECODER = json.JSONDecoder()
_OPENED_LIST = re.compile(r"\[\s*(?=\{)")


def wrapped(document: Any) -> list[Any] | None:
    """Return the rows that a document wraps; None where it is a row itself."""
    if not isinstance(document, dict):
        return None
    for name in _WRAPPERS:
        rows = document.get(name)
        if _are_rows(rows):
            return None if _is_turn(rows[0]) else rows
    return None


def lists_beside(document: dict[str, Any], rows: list[Any]) -> Iterator[tuple[str, int]]:
    """Yield name and length of the other lists of rows in the document that wraps `rows`."""
    for name, value in document.items():
        if value is not rows and _are_rows(value):
            yield name, len(value)


def first_row(text: str, at: int) -> tuple[int, dict[str, int]] | None:
    """Return where the first wrapped row begins in the beginning of an object whose members start at `at`.

    With it the lists of rows that were passed, by name, and their lengths. None where no row is seen.
    """
    passed: dict[str, int] = {}
    while name := NAME.match(text, at):
        at = name.end()
        if name[1] in _WRAPPERS and (inside := _OPENED_LIST.match(text, at)):
            try:
                is_turn = _is_turn(_DECODER.raw_decode(text, inside.end())[0])
            except (ValueError, RecursionError):
                is_turn = False
            return None if is_turn else (inside.end(), passed)
        try:
            value, at = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            return None
        if _are_rows(value):
            passed[name[1]] = len(value)
    return None


def _are_rows(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list) and bool(value) and all(isinstance(row, dict) for row in value)


def _is_turn(row: Any) -> bool:
    """True for a message of a chat: the list of them is a row, not the rows."""
    return isinstance(row, dict) and all(row.keys() & names for names in _OF_A_TURN)
