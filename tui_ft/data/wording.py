"""How a data set's faults are said: what is wrong, in which file, at which row, and what to do."""

from __future__ import annotations

from pathlib import Path

from tui_ft.errors import TuiFtError

_LAST_SPACE = 0x3000
_UNSEEN = "".join(c for c in map(chr, range(_LAST_SPACE + 1)) if c.isspace()) + (
    "\xad\u180e\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
)


class RowProblem(Exception):  # noqa: N818 - a row that cannot be used is counted, it is no error
    """One row cannot be trained on.

    `code` is the stable word for the kind of fault (`tui_ft.data.problem_kinds`), `reason` a short phrase
    that says it of this row and groups equal rows in the report.
    """

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def is_blank(text: str) -> bool:
    """True for a text that shows nothing: white space and characters without a width."""
    return not text.strip(_UNSEEN)


def shown(text: object, width: int = 80) -> str:
    """Return foreign text fit for a terminal: one line, no control characters, at most `width` long."""
    line = "".join(c if c.isprintable() else " " for c in str(text)[: width * 2])
    line = " ".join(line.split())
    return line if len(line) <= width else line[: width - 1] + "…"


def row_error(path: Path, row: int, what: str, hint: str) -> TuiFtError:
    """Return the error for a file that cannot be read on from `row` (counted from 1)."""
    return TuiFtError(f"{shown(path, 200)}, row {row}: {what}.", hint)


def file_error(path: Path, what: str, hint: str) -> TuiFtError:
    """Return the error for a file that cannot be read at all."""
    return TuiFtError(f"{shown(path, 200)} {what}.", hint)
