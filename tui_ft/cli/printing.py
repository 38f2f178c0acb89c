"""Strict JSON and plain tables on stdout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from tui_ft.runs.records import finite_or_word


def print_json(value: Any) -> None:
    """Print one strict JSON document: a number that is not finite is a word, one not known is null."""
    print(msgspec.json.format(msgspec.json.encode(_strict(value)), indent=2).decode())


def _strict(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        value = msgspec.to_builtins(value)
    if isinstance(value, float):
        return finite_or_word(value)
    if isinstance(value, dict):
        return {key: _strict(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_strict(item) for item in value]
    return value


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print aligned columns; the last one may be as long as it likes."""
    widths = [max(len(row[i]) for row in (columns, *rows)) for i in range(len(columns))]
    for row in (columns, *rows):
        cells = [cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=False)]
        print("  ".join((*cells, row[-1])).rstrip())
