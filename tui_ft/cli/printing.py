"""Strict JSON and plain tables on stdout."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from tui_ft.runs.records import finite_or_word

_PLAIN = str.maketrans({
    "█": "#", "▏": ".", "─": "-", "✗": "x", "✂": "8<", "→": "->", "·": "-", "…": "...", "–": "-"
})  # fmt: skip
"""What our own signs are in ASCII."""


def print_json(value: Any) -> None:
    """Print one strict JSON document: a number that is not finite is a word, one not known is null.

    Half characters in what others wrote, and bytes of a path that are no UTF-8, are spelt out.
    """
    print(json_text(value))


def json_text(value: Any) -> str:
    """Return what `print_json` prints: no character in it steers a terminal, such ones are escaped."""
    text = msgspec.json.format(msgspec.json.encode(_strict(value)), indent=2).decode()
    return spelt_out(text)


def spelt_out(text: str) -> str:
    """Return text in which what would steer a terminal is escaped as in JSON, ends of lines apart."""
    if text.replace("\n", "").isprintable():
        return text
    return "".join(
        character if character == "\n" or character.isprintable() else json.dumps(character)[1:-1]
        for character in text
    ).replace("\x7f", "\\u007f")


def _strict(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        value = msgspec.to_builtins(value)
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, float):
        return finite_or_word(value)
    if isinstance(value, dict):
        return {_strict(key): _strict(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_strict(item) for item in value]
    return value


def print_lines(lines: Iterable[str]) -> None:
    """Print text that others wrote a part of: what the terminal's encoding lacks is spelt out."""
    encoding = (sys.stdout and sys.stdout.encoding) or "utf-8"
    text = "\n".join(lines)
    if not encoding.lower().startswith("utf"):
        text = text.translate(_PLAIN)
    print(text.encode(encoding, "backslashreplace").decode(encoding))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print aligned columns; the last one may be as long as it likes."""
    widths = [max(len(row[i]) for row in (columns, *rows)) for i in range(len(columns))]
    for row in (columns, *rows):
        cells = [cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=False)]
        print("  ".join((*cells, row[-1])).rstrip())
