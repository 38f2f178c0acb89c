"""The faults of a data set as they are found: counted by kind, with the first rows and samples of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from tui_ft.data.findings import ROWS_NAMED, Problem
from tui_ft.data.problem_kinds import KINDS
from tui_ft.data.wording import shown

_SAMPLES = 5
_REASONS_KEPT = 200
_REASONS_SAID = 3
_NO_MORE = frozenset({
    "empty_text", "empty_answer", "empty_prompt", "no_assistant_turn", "no_prompt", "zero_weight",
    "nothing_trained", "half_character",
})  # fmt: skip
"""Kinds whose reason says the same again."""

_ORDER = {"error": 0, "warning": 1, "note": 2}


class Faults:
    """Faults under way, by code."""

    def __init__(self) -> None:
        self._found: dict[str, _Found] = {}

    def add(
        self, code: str, row: int | None = None, reason: str = "", sample: str = "", count: int = 1
    ) -> None:
        """Count `count` rows, the first of them `row`. `reason` says what it is of this row, in our words."""
        found = self._found.get(code)
        if found is None:
            found = self._found[code] = _Found(code)
        found.add(row, reason, sample, count)

    def say(self, code: str, text: str, fix: str = "") -> None:
        """Use these words for a kind instead of the table's."""
        found = self._found.get(code)
        if found is not None:
            found.text, found.fix = text, fix or found.fix

    def turn_into(self, code: str, other: str) -> None:
        """Have what was found as `code` be `other`."""
        found = self._found.pop(code, None)
        if found is not None:
            self._found.setdefault(other, _Found(other)).take(found)

    def __contains__(self, code: str) -> bool:
        return code in self._found

    def count(self, code: str) -> int:
        found = self._found.get(code)
        return found.count if found else 0

    def kinds(self) -> int:
        return len(self._found)

    def problems(self) -> list[Problem]:
        """The worst first, and of these the most frequent."""
        problems = [found.problem() for found in self._found.values()]
        return sorted(problems, key=lambda p: (_ORDER[p.severity], -p.count))


class _Found:
    """One kind of fault."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.count = 0
        self.text = ""
        self.fix = ""
        self._rows: list[int] = []
        self._reasons: Counter[str] = Counter()
        self._samples: list[str] = []

    def add(self, row: int | None, reason: str, sample: str, count: int) -> None:
        self.count += count
        if row is not None and len(self._rows) < ROWS_NAMED and row not in self._rows[-1:]:
            self._rows.append(row)
        if reason and (reason in self._reasons or len(self._reasons) < _REASONS_KEPT):
            self._reasons[reason] += count
        if sample and len(self._samples) < _SAMPLES and shown(sample, 120) not in self._samples:
            self._samples.append(shown(sample, 120))

    def take(self, other: _Found) -> None:
        """Add what another kind has."""
        self.count += other.count
        self._rows = sorted({*self._rows, *other._rows})[:ROWS_NAMED]
        self._reasons += other._reasons
        self._samples = [*self._samples, *other._samples][:_SAMPLES]

    def problem(self) -> Problem:
        kind = KINDS[self.code]
        return Problem(
            code=self.code,
            severity=kind.severity,
            count=self.count,
            rows=sorted(self._rows),
            message=self.text or f"{kind.what}{_said(self._reasons) if self.code not in _NO_MORE else ''}.",
            fix=self.fix or kind.fix,
            samples=self._samples,
        )


def _said(reasons: Mapping[str, int]) -> str:
    """The most frequent reasons, with how often each holds where there are several."""
    if not reasons:
        return ""
    ordered = sorted(reasons.items(), key=lambda item: -item[1])
    if len(ordered) == 1:
        return f": {shown(ordered[0][0], 160)}"
    said = [f"{shown(reason, 100)} ({count:,})" for reason, count in ordered[:_REASONS_SAID]]
    rest = len(ordered) - len(said)
    return f": {'; '.join(said)}" + (f"; and {rest} more" if rest > 0 else "")
