"""The table of budgets: what was measured, against what was promised."""

from __future__ import annotations

import os
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

MIB = 1e6
"""The budgets count memory in millions of bytes."""


@dataclass(frozen=True)
class Row:
    """One line: `is_met` is None where there is nothing to compare with, or nothing was promised."""

    what: str
    budget: str
    measured: str
    is_met: bool | None

    @property
    def verdict(self) -> str:
        return "–" if self.is_met is None else "met" if self.is_met else "NOT MET"


@dataclass
class BudgetTable:
    """Rows in the order in which they were measured."""

    rows: list[Row] = field(default_factory=list)

    def add(self, what: str, budget: str, measured: str, is_met: bool | None) -> None:
        """Take one measurement."""
        self.rows.append(Row(what, budget, measured, is_met))

    def at_most(self, what: str, value: float, limit: float, unit: str, note: str = "") -> None:
        """Take a measurement that shall be at most `limit`."""
        measured = f"{short(value)} {unit}" + (f" ({note})" if note else "")
        self.add(what, f"≤ {short(limit)} {unit}", measured, value <= limit)

    def lines(self) -> list[str]:
        """The table as text, columns aligned."""
        head = Row("what", "budget", "measured", None)
        cells = [(row.what, row.budget, row.measured, row.verdict) for row in (head, *self.rows)]
        cells[0] = (*cells[0][:3], "verdict")
        widths = [max(len(row[i]) for row in cells) for i in range(4)]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
                 for row in cells]  # fmt: skip
        lines.insert(1, "  ".join("─" * width for width in widths))
        return lines


def short(value: float) -> str:
    """A number with about three digits."""
    if value == 0:
        return "0"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def percentile(values: Sequence[float], percent: float) -> float:
    """The value that so many percent of `values` do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(percent / 100 * (len(ordered) - 1)))]


def load_line() -> str:
    """How busy the machine was: times of the clock count only on one that rests."""
    one, five, _ = os.getloadavg()
    return f"{os.cpu_count()} processors, load {one:.1f} (1 min), {five:.1f} (5 min)"


median = statistics.median
