"""Lines of a data file with their numbers, none of them longer than a row may be."""

from __future__ import annotations

from collections.abc import Iterator

from tui_ft.data.opening import Opened
from tui_ft.data.unreadable import Bad, BadRow, RowCode

MAX_ROW_BYTES = 8 * 1024 * 1024
"""A longer row is a broken file, not a row: it has a million tokens and more."""

_TOO_LONG_HINT = "Check for a missing quote, bracket or line break."


def numbered_lines(file: Opened, bad: Bad) -> Iterator[tuple[int, bytes]]:
    """Yield every line with its number, counted from 1; `bad` is told those that are too long."""
    readline, limit = file.stream.readline, MAX_ROW_BYTES + 1
    number = 0
    while line := readline(limit):
        number += 1
        if len(line) == limit and not line.endswith(b"\n"):
            while line and not line.endswith(b"\n"):
                line = readline(limit)
            bad(too_long(number))
        else:
            yield number, line


def too_long(number: int) -> BadRow:
    """Return the fault of a row that is longer than `MAX_ROW_BYTES`."""
    return BadRow(number, "row_too_long", f"longer than {MAX_ROW_BYTES // 1024**2} MiB", _TOO_LONG_HINT)


def cut_off(file: Opened, number: int, what: str, *, count: int = 1) -> BadRow:
    """Return the fault of a row at which the file ends before it should."""
    hint = "The file is cut off: copy, download or pack it again."
    code: RowCode = "cut_off"
    return BadRow(number, code, file.damage or what, hint, count)
