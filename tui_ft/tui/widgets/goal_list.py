"""The questions of the Goal step: one aim of several, and marks beside what is true."""

from __future__ import annotations

from tui_ft.tui.text import fit
from tui_ft.tui.widgets.row_list import Cell, RowList
from tui_ft.tui.wizard.goal_words import LINES, Line


class GoalList(RowList[Line]):
    """Every question is a row; headings between them cannot be chosen."""

    def __init__(self, goals: frozenset[str]) -> None:
        super().__init__()
        self.goals = goals
        self.rows, self.loaded = LINES, True
        self._index = next(place for place, line in enumerate(LINES) if line.word in goals and line.is_aim)

    def show(self, goals: frozenset[str]) -> None:
        """Show these marks."""
        changed = self.goals ^ goals
        self.goals = goals
        for place, line in enumerate(LINES):
            if line.word in changed:
                self._refresh_row(place)

    def key_of(self, row: Line) -> str:
        return row.word or row.text

    def heading_cells(self, width: int) -> list[Cell]:
        title = "focused-title" if self.has_focus else "title"
        question = " What should be better afterwards? "
        hint = "Space marks, Enter goes on"
        return [(question, title), (fit(hint, width - len(question), right=True), "muted")]

    def row_cells(self, row: Line, width: int) -> list[Cell]:
        if not row.word:
            return [(fit(row.text, width), "title")]
        is_on = row.word in self.goals
        mark = ("(•)" if is_on else "( )") if row.is_aim else ("[x]" if is_on else "[ ]")
        return [(f" {mark} ", "live" if is_on else "muted"), (fit(row.text, width - 5), "")]

    def _go(self, index: int) -> None:
        """Step over headings, in the direction of the move."""
        index = min(max(index, 0), len(LINES) - 1)
        if not LINES[index].word:
            index += 1 if index > self.index else -1
        super()._go(index)
