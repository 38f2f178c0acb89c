"""What cannot be read: a whole file, by a stable word, and a single row in one that can."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tui_ft.data.wording import file_error
from tui_ft.errors import TuiFtError

FileCode = Literal[
    "missing_file", "no_access", "folder", "empty_file", "git_lfs_pointer", "archive", "binary", "damaged",
    "not_a_data_set",
]  # fmt: skip
RowCode = Literal["unparsable", "bad_utf8", "not_an_object", "row_too_long", "cut_off"]

UTF8_HINT = (
    "Save it as UTF-8, naming what it is in: iconv -f cp1252 -t utf-8 IN > OUT "
    "(cp1252: Western Windows; gbk: Chinese; shift_jis: Japanese)."
)


class UnreadableError(TuiFtError):
    """Nothing of a file can be read; `code` is the stable word for why."""

    def __init__(self, path: Path, code: FileCode, what: str, hint: str) -> None:
        said = file_error(path, what, hint)
        super().__init__(said.message, said.hint)
        self.code: FileCode = code


@dataclass(frozen=True)
class BadRow:
    """A row that cannot be read.

    `number` counts as that of rows does, `code` is the stable word for the fault, `what` a phrase that says
    it and `hint` the remedy. `count` rows are lost: 0 when it speaks of what lies behind the last whole row.
    """

    number: int
    code: RowCode
    what: str
    hint: str
    count: int = 1


Bad = Callable[[BadRow], None]
"""Is told every bad row, in order; it may raise to end the reading."""

Unread = Callable[[str, int], None]
"""Is told the name of a list that was not read, and how many rows it has."""


def untold(_name: str, _count: int) -> None:
    """Lists that are not read are told where they are asked for."""
