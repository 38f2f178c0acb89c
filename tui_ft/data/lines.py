"""Lines of a data file with their numbers, none of them longer than a row may be."""

from __future__ import annotations

from collections.abc import Iterator

from tui_ft.data.opening import Opened
from tui_ft.data.unreadable import Bad, BadRow

MAX_ROW_BYTES = 8 * 1024 * 1024
"""A longer row is a broken file, not a row: it has a million tokens and more."""

_MOST_PARTS = 1_000_000
"""More lists and objects than this are no row either: each takes far more memory than its two brackets."""


def numbered_lines(file: Opened, bad: Bad) -> Iterator[tuple[int, bytes]]:
    """Yield every line with its number, counted from 1; `bad` is told those that are too long."""
    readline, limit = file.stream.readline, MAX_ROW_BYTES + 1
    number = 0
    while line := readline(limit):
        number += 1
        is_whole = len(line) < limit or line.endswith(b"\n")
        while line and not line.endswith(b"\n") and not is_whole:
            line = readline(limit)
        if not is_whole:
            bad(too_long(number))
        elif len(line) > 2 * _MOST_PARTS and line.count(b"[") + line.count(b"{") > _MOST_PARTS:
            bad(too_many_parts(number))
        else:
            yield number, line


def has_too_many_parts(text: str, start: int) -> bool:
    """True when `text` from `start` has so many lists and objects that its value should not be held."""
    if len(text) - start <= 2 * _MOST_PARTS:
        return False
    return text.count("[", start) + text.count("{", start) > _MOST_PARTS


def too_long(number: int) -> BadRow:
    """Return the fault of a row that is longer than `MAX_ROW_BYTES`."""
    hint = "Check for a missing quote, bracket or line break."
    return BadRow(number, "row_too_long", f"longer than {MAX_ROW_BYTES // 1024**2} MiB", hint)


def too_many_parts(number: int) -> BadRow:
    """Return the fault of a row that is made of too many lists and objects."""
    what = f"more than {_MOST_PARTS:,} lists and objects"
    return BadRow(number, "row_too_long", what, "A row is a flat object.")


def cut_off(file: Opened, number: int, what: str, *, count: int = 1) -> BadRow:
    """Return the fault of a row at which the file ends before it should."""
    hint = "The file is cut off: copy, download or pack it again."
    return BadRow(max(1, number), "cut_off", file.damage or what, hint, count)
