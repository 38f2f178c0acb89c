"""What is wrong with a row of JSON, told from the decoder's errors and from the value."""

from __future__ import annotations

import json
import re
from typing import Any

from tui_ft.data.unreadable import BadRow
from tui_ft.data.wording import shown

MAX_DEPTH = 100
"""Lists and objects nested deeper than this are no row: every reader of a row may recurse into it."""

_NAMES = {list: "a list", str: "a text", type(None): "null", bool: "true or false"}
_SINGLE_QUOTED = re.compile(r"[\[{\s]*'")
_SHORTER_THAN_A_WORD = 12
"""A cut through `Infinity` or `\\uXXXX` is told so many characters before the end, at the most."""


def is_too_deep(value: Any, closers: int) -> bool:
    """True when `value`, written with so many closing brackets, is nested deeper than `MAX_DEPTH`."""
    if closers <= MAX_DEPTH:
        return False
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH):
        inner = [item.values() if isinstance(item, dict) else item for item in level]
        level = [item for items in inner for item in items if isinstance(item, dict | list)]
        if not level:
            return False
    return True


def nested_too_deeply(number: int) -> BadRow:
    return BadRow(number, "unparsable", "nested too deeply", "A row is a flat object.")


def not_an_object(value: Any, number: int) -> BadRow:
    """Return the fault of a row that is JSON, but no object."""
    what = f"{_NAMES.get(type(value), 'a number')} instead of an object"
    return BadRow(number, "not_an_object", what, 'Every row must be a JSON object {"…": …}.')


def not_json(number: int, error: Exception, text: str, start: int, hint: str) -> BadRow:
    """Return the fault of a row that is no JSON, with the place in it; it begins at `start` of `text`."""
    if isinstance(error, RecursionError):
        return nested_too_deeply(number)
    if not isinstance(error, json.JSONDecodeError):  # Python's limit on the digits of a number
        return BadRow(number, "unparsable", "a number with thousands of digits", "Write it as a text.")
    near = shown(text[max(start, error.pos - 8) : error.pos + 24], 32)
    where = f" at character {error.pos - start + 1}" + (f", near {near}" if near else "")
    if _SINGLE_QUOTED.match(text, start):
        hint = "It is written as Python prints it: write it with json.dumps."
    return BadRow(number, "unparsable", f"not valid JSON ({error.msg.removesuffix(' at')}{where})", hint)


def could_go_on(error: Exception, text: str) -> bool:
    """True when more text could mend `error`: it is at the very end, or in a string without its end."""
    if not isinstance(error, json.JSONDecodeError):
        return False
    return error.pos >= len(text) - _SHORTER_THAN_A_WORD or error.msg.startswith("Unterminated")


def is_cut(error: Exception, text: str) -> bool:
    """True when `error` says that `text`, behind which nothing comes, ends within a value."""
    return could_go_on(error, text) and (
        error.pos >= len(text.rstrip())  # type: ignore[attr-defined]
        or error.msg.startswith("Unterminated")  # type: ignore[attr-defined]
        or text.rstrip()[-1] not in "]}"
    )
