"""The report on a prepared data set: what was read, used, skipped and cut, kept with every attempt."""

from __future__ import annotations

import msgspec

from tui_ft.data.wording import shown

_ROWS_NAMED = 20


class Skipped(msgspec.Struct):
    """Rows that were not used for one reason; `rows` are the numbers of the first ones."""

    count: int = 0
    rows: list[int] = []


class SourceReport(msgspec.Struct, kw_only=True):
    """One file or hub data set; `columns` maps our names to its own."""

    name: str
    format: str
    columns: dict[str, str]
    rows: int = 0
    used: int = 0
    truncated: int = 0
    dropped: int = 0
    skipped: dict[str, Skipped] = {}

    def skip(self, reason: str, row: int) -> None:
        """Count a row that is not used."""
        entry = self.skipped.setdefault(reason, Skipped())
        entry.count += 1
        if len(entry.rows) < _ROWS_NAMED:
            entry.rows.append(row)


class DataReport(msgspec.Struct, kw_only=True):
    """All sources together: counts of rows and tokens, and a hash of the rows' content.

    `dropped` rows of a source are those whose answer lies wholly behind `max_length`; they are
    among the skipped ones. `longest` is the longest example before it was cut, in tokens.
    """

    schema: int = 1
    sources: list[SourceReport]
    eval_sources: list[SourceReport]
    train_on: str
    max_length: int
    train_rows: int
    eval_rows: int
    tokens: int
    trained_tokens: int
    longest: int
    truncated: int
    content_hash: str

    def warnings(self) -> list[str]:
        """Return sentences on what a person should know before trusting the run."""
        found = []
        for source in (*self.sources, *self.eval_sources):
            for reason, skipped in source.skipped.items():
                rows = "1 row" if skipped.count == 1 else f"{skipped.count} rows"
                found.append(
                    f"{rows} of {shown(source.name, 200)} skipped (first: row {skipped.rows[0]}): {reason}."
                )
            if source.truncated:
                rows = "1 row" if source.truncated == 1 else f"{source.truncated} rows"
                found.append(
                    f"{rows} of {shown(source.name, 200)} cut at data.max_length = {self.max_length} tokens: "
                    "how their answers end is not learnt."
                )
        return found
