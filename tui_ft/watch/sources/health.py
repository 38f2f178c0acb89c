"""Following health.jsonl: what is not well now, what was, and what was done about it with nobody there."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import msgspec

from tui_ft.health.finding import Evidence, Finding, Fix, Level, Scalar
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.health_rows import ClearedRow, DeedRow, FoundRow, HealthRow, decode_health
from tui_ft.watch.log import clean_line
from tui_ft.watch.sources.row_file import RowFile

KEPT_ROWS = 200
"""So many of the newest rows are kept; the open findings besides, of which there is one a code at most."""
_MOST_ITEMS = 50
_MOST_FIXES = 8
_WORST_FIRST: dict[Level, int] = {"error": 0, "warning": 1, "note": 2}


class HealthReader(RowFile[HealthRow]):
    """Follows health.jsonl. All text in what it gives out is safe to show."""

    def __init__(self, run: RunDirectory) -> None:
        super().__init__(run.health, decode_health)

    def reset(self) -> None:
        self.time: float | None = None
        self._open: dict[str, Finding] = {}
        self._rows: deque[HealthRow] = deque(maxlen=KEPT_ROWS)
        self._past: deque[tuple[Finding, float]] = deque(maxlen=KEPT_ROWS)

    @property
    def rows(self) -> tuple[HealthRow, ...]:
        """The newest rows, oldest first."""
        return tuple(self._rows)

    @property
    def past(self) -> tuple[tuple[Finding, float], ...]:
        """What was found and is over, with the unix time at which it was; oldest first."""
        return tuple(self._past)

    @property
    def deeds(self) -> tuple[DeedRow, ...]:
        """What was done, oldest first."""
        return tuple(row for row in self._rows if isinstance(row, DeedRow))

    def findings(self, silenced: Iterable[str] = ()) -> tuple[Finding, ...]:
        """The open findings that nobody silenced, worst first, then newest first."""
        unheard = frozenset(silenced)
        return worst_first(finding for code, finding in self._open.items() if code not in unheard)

    def take(self, rows: list[HealthRow]) -> None:
        for row in rows:
            self._take(row)

    def _take(self, row: HealthRow) -> None:
        self.time = row.time
        match row:
            case FoundRow():
                finding = clean_finding(row.finding)
                self._open[finding.code] = finding
                self._rows.append(msgspec.structs.replace(row, finding=finding))
            case ClearedRow():
                over = self._open.pop(row.code, None)
                if over is not None:
                    self._past.append((over, row.time))
                self._rows.append(msgspec.structs.replace(row, message=clean_line(row.message)))
            case DeedRow():
                self._rows.append(msgspec.structs.replace(row, message=clean_line(row.message)))


def worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return findings in the order in which people should read them."""
    return tuple(sorted(findings, key=lambda finding: (_WORST_FIRST[finding.level], -finding.time)))


def clean_finding(finding: Finding) -> Finding:
    """Return `finding` with nothing in it that could reach a terminal as more than text, and bounded."""
    return msgspec.structs.replace(
        finding,
        message=clean_line(finding.message),
        evidence=_clean_evidence(finding.evidence),
        fixes=[_clean_fix(fix) for fix in finding.fixes[:_MOST_FIXES]],
    )


def _clean_fix(fix: Fix) -> Fix:
    return msgspec.structs.replace(
        fix,
        name=clean_line(fix.name),
        title=clean_line(fix.title),
        changes=[clean_line(change) for change in fix.changes[:_MOST_ITEMS]],
        command=clean_line(fix.command) if fix.command is not None else None,
    )


def _clean_evidence(evidence: Evidence) -> Evidence:
    cleaned: Evidence = {}
    for name, value in list(evidence.items())[:_MOST_ITEMS]:
        if isinstance(value, list):
            cleaned[clean_line(name)] = [_clean(item) for item in value[:_MOST_ITEMS]]
        else:
            cleaned[clean_line(name)] = _clean(value)
    return cleaned


def _clean(value: Scalar) -> Scalar:
    return clean_line(value) if isinstance(value, str) else value
