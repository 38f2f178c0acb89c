"""What the check of a data set found, the gravest first; above it the rows that are trained on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tui_ft.tui.text import fit
from tui_ft.tui.widgets.row_list import Cell, RowList

if TYPE_CHECKING:
    from tui_ft.data.findings import Findings, Problem

SIGNS = {"error": ("✗", "bad"), "warning": ("!", "warn"), "note": ("·", "muted")}
"""How grave a problem is: its mark, and its look."""
PREVIEW = "preview"
"""Key of the first line, which stands for the rows themselves."""

_COUNT = 7


@dataclass(frozen=True)
class Line:
    """One line: a problem, or (with none) the usable rows."""

    text: str
    count: int
    problem: Problem | None = None


class ProblemList(RowList[Line]):
    """One line a problem, with the number of rows that have it."""

    def key_of(self, row: Line) -> str:
        return row.problem.code if row.problem else PREVIEW

    def empty_lines(self) -> list[str]:
        return ["Nothing has been checked yet."]

    def heading_cells(self, width: int) -> list[Cell]:
        found = [row.problem for row in self.rows if row.problem]
        title = "focused-title" if self.has_focus else "title"
        cells: list[Cell] = [(" Problems ", title)]
        for severity, name in (("error", "error"), ("warning", "warning"), ("note", "note")):
            count = sum(problem.severity == severity for problem in found)
            if count:
                cells.append((f" {SIGNS[severity][0]} {count} {name}{'s' if count > 1 else ''} ",
                              SIGNS[severity][1]))  # fmt: skip
        return cells if found else [(" Problems  none found" if self.rows else " Problems", title)]

    def row_cells(self, row: Line, width: int) -> list[Cell]:
        sign, kind = ("✓", "good") if row.count else ("✗", "bad")
        if row.problem:
            sign, kind = SIGNS[row.problem.severity]
        return [
            (f"{sign} ", kind),
            (fit(f"{row.count:,}", _COUNT, right=True) + " ", ""),
            (fit(row.text, max(width - _COUNT - 3, 0)), ""),
        ]


def problem_lines(found: Findings) -> list[Line]:
    """Return the lines of a check: the usable rows, then its problems in the order of their gravity."""
    order = list(SIGNS)
    problems = sorted(found.problems, key=lambda problem: (order.index(problem.severity), -problem.count))
    one = found.usable_rows == 1
    text = f"usable row{'' if one else 's'}"
    if not found.refusal:
        text += ", as it is trained" if one else ", as they are trained"
    first = Line(text, found.usable_rows)
    return [first, *(Line(_short(problem), problem.count, problem) for problem in problems)]


def _short(problem: Problem) -> str:
    """What a kind of problem is called; its message says it of this data set, and may begin with a path."""
    from tui_ft.data.problem_kinds import KINDS

    kind = KINDS.get(problem.code)
    return kind.what if kind else problem.message
