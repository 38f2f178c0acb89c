"""The findings of a data check, as text for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tui_ft.data.wording import shown

if TYPE_CHECKING:
    from tui_ft.data.findings import Findings, Lengths, Problem

_BAR = 40
_SIGNS = {"error": "✗", "warning": "!", "note": "·"}


def lines(findings: Findings) -> Iterator[str]:
    """Yield what was found: the set, its lengths, and its problems, the worst first."""
    yield f"{shown(findings.path, 200)}"
    usable = f"{findings.usable_rows:,} of {findings.rows:,} rows usable"
    yield f"  {findings.container}, {findings.format}: {usable}"
    if findings.lengths:
        yield ""
        yield from _lengths(findings.lengths)
    for problem in findings.problems:
        yield ""
        yield from _problem(problem)


def _lengths(lengths: Lengths) -> Iterator[str]:
    yield (
        f"  {lengths.unit}: half up to {lengths.p50:,}, 95 % up to {lengths.p95:,}, "
        f"99 % up to {lengths.p99:,}, the longest {lengths.max:,}"
    )
    most = max(rows for _, rows in lengths.histogram)
    for bound, rows in lengths.histogram:
        bar = "█" * round(rows / most * _BAR) or ("▏" if rows else "")
        yield f"  {bound:>9,} {bar} {rows:,}"


def _problem(problem: Problem) -> Iterator[str]:
    head = f"{_SIGNS[problem.severity]} {problem.severity} {problem.code} ({problem.count:,})"
    yield f"{head}: {problem.message}"
    if problem.rows:
        more = ", …" if problem.count > len(problem.rows) else ""
        yield f"    rows {', '.join(map(str, problem.rows))}{more}"
    for sample in problem.samples:
        yield f"    {sample}"
    yield f"    {problem.fix}"
