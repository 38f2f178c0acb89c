"""A row as training takes it: the one way from a row to its examples and their tokens, for all who ask.

The trainer, the check of a data set and the view of a row go through here, so that what is shown and
counted is what is trained.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tui_ft.data.convert import Example, convert
from tui_ft.data.declared import declared
from tui_ft.data.detect import detect
from tui_ft.data.encode import ChatTokenizer, Encoded, encode
from tui_ft.data.formats import KNOWN_FORMATS, SFT_FORMATS, Format, lacks
from tui_ft.data.wording import RowProblem

LOOKED_AT = 200
"""The format of a data set is judged by so many of its first rows."""

_KINDS_KEPT = 1000
"""Rows of so many other columns are remembered; a hostile set has others in every row."""


def said_of(path: Path, format: str, columns: Mapping[str, str] | None) -> tuple[str, dict[str, str]]:
    """Return the format and columns to read the file at `path` with.

    Those that were asked for; where nothing was, what a register of data sets beside the file says.
    """
    if format == "auto" and not columns and (found := declared(path)):
        return found.format, found.columns
    return format, dict(columns or {})


class Reading:
    """How the rows of one data set are read: in which format, and which part of them is trained."""

    def __init__(self, found: Format, train_on: str = "completion") -> None:
        self.found = found
        self.train_on = train_on
        self._own: dict[frozenset[str], Format] = {}

    @classmethod
    def of(
        cls,
        rows: Sequence[Mapping[str, Any]],
        *,
        columns: Mapping[str, str] | None = None,
        format: str = "auto",
        train_on: str = "completion",
    ) -> Reading:
        """Judge by the first `LOOKED_AT` rows. Raises `TuiFtError` for a format or columns they lack."""
        return cls(detect(rows[:LOOKED_AT], columns, format), train_on)

    @classmethod
    def of_file(
        cls,
        path: Path,
        rows: Sequence[Mapping[str, Any]],
        *,
        columns: Mapping[str, str] | None = None,
        format: str = "auto",
        train_on: str = "completion",
    ) -> Reading:
        """As `of`, for the first rows of the file at `path`, of which a register may say more."""
        format, columns = said_of(path, format, columns)
        return cls.of(rows, columns=columns, format=format, train_on=train_on)

    @property
    def is_preference(self) -> bool:
        """True for rows that `preferences.as_trl` reads: pairs of answers, ratings, prompts alone."""
        return self.found.name in KNOWN_FORMATS and self.found.name not in SFT_FORMATS

    def examples(self, row: Mapping[str, Any]) -> list[Example]:
        """Return the examples in `row`. Raises `RowProblem` for a row that cannot be used."""
        return convert(row, self.format_of(row), self.train_on)

    def format_of(self, row: Mapping[str, Any]) -> Format:
        """The format of one row: that of the data set, unless the row is plainly in another one."""
        if not lacks(self.found, row):
            return self.found
        names = frozenset(name for name, value in row.items() if value is not None)
        if names not in self._own:
            own = detect([row])
            is_other = own.name in SFT_FORMATS and own.name != "text"
            if len(self._own) >= _KINDS_KEPT:
                return own if is_other else self.found
            self._own[names] = own if is_other else self.found
        return self._own[names]


def tokens_of(example: Example, tokenizer: ChatTokenizer, max_length: int | None) -> tuple[Encoded, Encoded]:
    """Return the tokens of `example` whole, and cut at `max_length` as training sees them.

    Raises `RowProblem` when it cannot be rendered, or has no trained token left after the cut.
    """
    whole = encode(example, tokenizer)
    if max_length is None or len(whole.input_ids) <= max_length:
        return whole, whole
    cut = Encoded(whole.input_ids[:max_length], whole.trained[:max_length])
    if not any(cut.trained):
        raise TooLong(len(whole.input_ids), max_length)
    return whole, cut


class TooLong(RowProblem):
    """Nothing of the answer lies within the length; `tokens` is what the row has in all."""

    def __init__(self, tokens: int, max_length: int) -> None:
        super().__init__("nothing_left", f"no answer is left within data.max_length = {max_length} tokens")
        self.tokens = tokens
