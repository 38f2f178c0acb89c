"""One data set as its check found it: what it is, its problems, its lengths, and the chosen one of them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from tui_ft.guide.volume import volume
from tui_ft.tui.widgets.histogram import Histogram
from tui_ft.tui.widgets.lines import Lines
from tui_ft.tui.widgets.mask_view import MaskView
from tui_ft.tui.widgets.problem_list import ProblemList, problem_lines
from tui_ft.tui.widgets.prose import Prose
from tui_ft.tui.widgets.row_list import RowList
from tui_ft.tui.wizard import data_words
from tui_ft.tui.wizard.data_desk import DataDesk
from tui_ft.tui.wizard.row_view import Wanted, show_row, title_of, wanted

if TYPE_CHECKING:
    from tui_ft.data.findings import Problem
    from tui_ft.tui.wizard.checking import Check


class DataPanel(Vertical):
    """Shows the data set that `desk` looks at, and under its problems the chosen one, or row 1."""

    def __init__(self, desk: DataDesk) -> None:
        super().__init__()
        self._desk = desk
        self._check_shown: Check | None = None
        self._previewed: tuple[Wanted, str] | None = None

    def compose(self) -> ComposeResult:
        yield Lines(id="head")
        with Horizontal(id="middle"):
            yield ProblemList()
            yield Histogram()
        yield Prose("", id="about")
        yield MaskView("The first row, as it is trained", id="row")

    def on_mount(self) -> None:
        self.query_one("#about").display = False

    @property
    def problems(self) -> ProblemList:
        return self.query_one(ProblemList)

    @property
    def problem(self) -> Problem | None:
        """The chosen one."""
        line = self.problems.chosen
        return line.problem if line else None

    def forget(self) -> None:
        """Another data set is looked at: the cursor does not stay."""
        self.problems.set_rows(())

    def show(self) -> None:
        """Show the data set as far as it is known."""
        desk, found = self._desk, self._desk.findings
        self.show_progress(self._check_shown)
        is_new = not self.problems.rows
        self.problems.set_rows(problem_lines(found) if found else ())
        if is_new and found is not None and found.errors:
            self.call_after_refresh(self.problems.choose, found.errors[0].code)  # when its height is known
        self.query_one(Histogram).show(found.lengths if found else None, desk.data.max_length)
        self._show_about()

    def show_progress(self, running: Check | None) -> None:
        """Show how far its check is, where one is `running`; else what that check found."""
        self._check_shown = running
        how_far = running.how_far if running else None
        amount = volume(self._desk.draft.spec, self._desk.draft.findings)
        lines = data_words.head_lines(self._desk, how_far, running is not None, amount, self.size.width)
        self.query_one("#head", Lines).set_lines(lines)

    def _show_about(self) -> None:
        title, entries = data_words.about(self._desk, self.problem)
        about, row = self.query_one("#about", Prose), self.query_one("#row", MaskView)
        about.display, row.display = bool(entries), not entries
        about.set_title(title)
        about.set_entries(entries)
        if not entries:
            self._preview()

    @work(group="preview", exclusive=True)
    async def _preview(self) -> None:
        """Fetch the first row off the event loop, unless it is shown already."""
        source, found = self._desk.source, self._desk.findings
        if source is None or not source.is_here or (found is not None and not found.rows):
            return
        panel = self.query_one("#row", MaskView)
        room = panel.room_in(self.size.width)
        asked = (wanted(self._desk, source, 1, room), found.content if found else "")
        if asked == self._previewed:
            return
        shown = await asyncio.to_thread(show_row, asked[0])
        self._previewed = asked
        panel.show_lines(f"Row 1. {title_of(shown)}", shown.lines, keep_place=True)

    @on(RowList.Chosen)
    def _follow_cursor(self, event: RowList.Chosen) -> None:
        if event.is_move:
            self.query_one("#about", Prose).action_begin()
        self._show_about()

    def on_resize(self) -> None:
        if self._desk.source is not None:
            self.show_progress(self._check_shown)
            self._show_about()
