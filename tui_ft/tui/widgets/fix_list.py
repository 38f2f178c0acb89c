"""The fixes that are offered, one a line: what changes, and whether it goes on or begins again."""

from __future__ import annotations

from textual.geometry import Size

from tui_ft.tui.fix_rows import FixRow
from tui_ft.tui.text import fit
from tui_ft.tui.widgets.row_list import Cell, RowList

MOST_LINES = 7
_HOW, _CODE = 9, 17
_NARROW = 70
HOWS = {"resume": "resume", "resume_before": "go back", "restart": "new run", "command": "by hand"}


class FixList(RowList[FixRow]):
    """No higher than its rows; nothing at all without any."""

    DEFAULT_CSS = """
    FixList { height: auto; }
    """

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return min(len(self.rows) + 1, MOST_LINES) if self.rows else 0

    def set_rows(self, rows: list[FixRow]) -> None:  # type: ignore[override]
        """Show `rows`."""
        before = len(self.rows)
        super().set_rows(rows)
        if len(rows) != before:
            self.refresh(layout=True)

    def key_of(self, row: FixRow) -> str:
        if row.fix is None:
            return row.code
        return "\0".join((row.code, row.fix.name, row.fix.how, *row.fix.changes))

    def heading_cells(self, width: int) -> list[Cell]:
        title = "focused-title" if self.has_focus else "title"
        return [(" What to change", title), ("   Enter shows it as a change, before anything is done", "")]

    def row_cells(self, row: FixRow, width: int) -> list[Cell]:
        has_code = width >= _NARROW
        room = max(width - _HOW - (_CODE if has_code else 0) - 1, 0)
        if row.fix is None:
            how, text, look = "", "nothing to change; z silences it", "muted"
        else:
            how, text, look = HOWS[row.fix.how], row.fix.title, ""
        code: list[Cell] = [(fit(row.code, _CODE), "muted")] if has_code else []
        return [(" " + fit(how, _HOW), "live"), *code, (fit(text, room), look)]
