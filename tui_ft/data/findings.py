"""What the check of a data set found: counts, problems with their rows and fixes, lengths."""

from __future__ import annotations

from typing import Literal

import msgspec

Severity = Literal["error", "warning", "note"]
Unit = Literal["tokens", "characters"]

ROWS_NAMED = 20
"""So many row numbers of one problem are kept; `count` counts them all."""


class Problem(msgspec.Struct, kw_only=True):
    """One kind of fault of a data set.

    `rows` are the numbers of the first rows that have it, counted from 1 (in JSONL and text: lines);
    `samples` are short pieces of them, masked where they may be personal.
    """

    code: str
    severity: Severity
    count: int
    rows: list[int] = []
    message: str
    fix: str
    samples: list[str] = []


class Lengths(msgspec.Struct, kw_only=True):
    """How long the rows are before any cut: the usable ones, and those that a cut alone makes unusable.

    `histogram` holds (upper bound, rows in this bin) in order: each row is in one bin only.
    """

    unit: Unit
    p50: int
    p95: int
    p99: int
    max: int
    mean: float
    histogram: list[tuple[int, int]] = []


class Findings(msgspec.Struct, kw_only=True):
    """The check of one data set. `None` is not known; `is_partial`: somebody ended it before the last row.

    `usable_rows` are those that training takes, each as often as it stands there. `columns` are the data
    set's own, `mapping` our names for them. `tokens` and `trained_tokens` are those of one pass over the
    usable rows, cut at `max_length`; they and `suggested_max_length` need a tokenizer. `objectives` are
    what such rows can be used for. `refusal` is the sentence with which training refuses the set as a whole
    ("" where it trains on the usable rows). `content` identifies path, size and date of the file.
    """

    schema: int = 1
    path: str
    container: str | None
    format: str
    rows: int = 0
    usable_rows: int = 0
    columns: list[str] = []
    mapping: dict[str, str] = {}
    objectives: list[str] = []
    problems: list[Problem] = []
    lengths: Lengths | None = None
    turns: dict[str, float] | None = None
    duplicates: int = 0
    tokens: int | None = None
    trained_tokens: int | None = None
    max_length: int | None = None
    suggested_max_length: int | None = None
    train_on: str = "completion"
    is_partial: bool = False
    refusal: str = ""
    content: str = ""

    @property
    def errors(self) -> list[Problem]:
        return [problem for problem in self.problems if problem.severity == "error"]
