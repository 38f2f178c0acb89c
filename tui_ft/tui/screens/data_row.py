"""A row as the model sees it: rendered with its own template, every token marked by whether it is trained."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar, cast

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.screen import Screen
from textual.widgets import Input, Label

from tui_ft.tui.text import plain
from tui_ft.tui.widgets.key_bar import KeyBar
from tui_ft.tui.widgets.lines import Line, Lines
from tui_ft.tui.widgets.mask_view import MaskView
from tui_ft.tui.widgets.notice import Notice
from tui_ft.tui.wizard.data_desk import DataDesk
from tui_ft.tui.wizard.data_sets import Source
from tui_ft.tui.wizard.row_view import RowShown, fact_lines, legend, show_row, title_of, wanted

if TYPE_CHECKING:
    from tui_ft.data.findings import Problem
    from tui_ft.tui.app import TuiFtApp


class DataRow(Screen[None], inherit_bindings=False):
    """One row at a time; it begins with the first one that has `problem`, where there is one."""

    CSS_PATH = "data.tcss"
    AUTO_FOCUS = "MaskView"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "turn(-1)", "Row", id="row.before", key_display="←→",
                tooltip="The row before, the next one"),
        Binding("right", "turn(1)", "Next row", id="row.next", show=False,
                tooltip="The row before, the next one"),
        Binding("n", "problem(1)", "Next problem", id="row.problem",
                tooltip="The next row that has the problem"),
        Binding("p", "problem(-1)", "Problem before", id="row.problem_before", show=False,
                tooltip="The row before that has the problem"),
        Binding("g,slash", "ask_number", "Go to", id="row.number", key_display="g",
                tooltip="Type the number of a row"),
        Binding("t", "train_on", "Trained on", id="row.train_on",
                tooltip="Train on the last answer, on every answer, or on every token"),
        Binding("b", "seams", "Tokens", id="row.seams",
                tooltip="Show where one token ends and the next begins"),
        Binding("r", "raw", "Raw", id="row.raw", tooltip="Show the row as it stands in the file, and back"),
        Binding("question_mark,f1", "help", "Help", id="row.help", show=False,
                tooltip="Every key and what it does"),
        Binding("q,escape", "back", "Back", id="row.back", key_display="Esc", tooltip="Back to the data"),
    ]  # fmt: skip

    def __init__(self, desk: DataDesk, source: Source, problem: Problem | None = None) -> None:
        super().__init__()
        self.desk = desk
        self.source = source
        self.problem = problem
        self.number = problem.rows[0] if problem and problem.rows else 1
        self._shown: RowShown | None = None
        self._seams = False
        self._raw = False

    def compose(self) -> ComposeResult:
        yield Lines(id="facts")
        yield Lines(id="legend")
        yield MaskView()
        with Horizontal(id="path-line"):
            yield Label(" Row ", markup=False)
            field = Input(compact=True, type="integer", placeholder="its number, then Enter", max_length=12)
            field.cursor_blink = False
            yield field
        yield Notice()
        yield KeyBar(palette=False)

    def on_mount(self) -> None:
        self.query_one("#path-line").display = False

    @property
    def rows(self) -> int | None:
        """How many rows there are, as far as the check has counted them."""
        found = self.desk.findings_of(self.source)
        return found.rows if found and not found.is_partial else None

    # --- the row -------------------------------------------------------------------------------------

    @work(group="row", exclusive=True)
    async def _fetch(self) -> None:
        """Fetch the row off the event loop; the one before it stays until then."""
        panel = self.query_one(MaskView)
        room = panel.room_in(self.size.width)
        wish = wanted(self.desk, self.source, self.number, room, seams=self._seams, is_raw=self._raw)
        shown = await asyncio.to_thread(show_row, wish)
        before, self._shown = self._shown, shown
        is_same = before is not None and before.wanted.number == wish.number
        panel.show_lines(title_of(shown), shown.lines, keep_place=is_same)
        self._show_facts()

    def _show_facts(self) -> None:
        if self._shown is None:
            return
        width = self.size.width
        lines: list[Line] = fact_lines(self._shown, self.rows, width)
        self.query_one("#facts", Lines).set_lines(lines)
        self.query_one("#legend", Lines).set_lines([legend(self._shown, width)])
        named = self.problem.rows if self.problem else []
        text = plain(self.problem.message) if self.problem and self.number in named else ""
        self.query_one(Notice).show_detail(text)
        self.refresh_bindings()

    def on_resize(self, event: events.Resize) -> None:
        self._fetch()

    def _go_to(self, number: int) -> None:
        last = self.rows
        number = max(number, 1) if last is None else min(max(number, 1), max(last, 1))
        if number != self.number:
            self.number = number
            self._fetch()

    # --- keys ----------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only the keys that have something to do; a number that is typed is no key."""
        if action == "problem":
            return bool(self.problem and self.problem.rows)
        return True

    def action_turn(self, by: int) -> None:
        self._go_to(self.number + by)

    def action_problem(self, by: int) -> None:
        numbers = self.problem.rows if self.problem else []
        behind = [row for row in numbers if (row > self.number if by > 0 else row < self.number)]
        if behind:
            self._go_to(min(behind) if by > 0 else max(behind))
        else:
            more = self.problem.count - len(numbers) if self.problem and by > 0 else 0
            end = f" {more:,} more are not named." if more > 0 else ""
            self.query_one(Notice).say(
                f"That is the {'last' if by > 0 else 'first'} row of this problem.{end}"
            )

    def action_ask_number(self) -> None:
        line = self.query_one("#path-line")
        line.display = True
        field = self.query_one(Input)
        field.value = ""
        field.focus()

    @on(Input.Submitted)
    def _take_number(self, event: Input.Submitted) -> None:
        self._close_field()
        if event.value.isdecimal():
            self._go_to(int(event.value))

    def _close_field(self) -> None:
        self.query_one("#path-line").display = False
        self.query_one(MaskView).focus()

    def action_train_on(self) -> None:
        self.desk.sets.train_on()
        self._fetch()

    def action_seams(self) -> None:
        self._seams = not self._seams
        self._fetch()

    def action_raw(self) -> None:
        self._raw = not self._raw
        self._fetch()

    def action_help(self) -> None:
        cast("TuiFtApp", self.app).open_help()

    def action_back(self) -> None:
        if self.query_one("#path-line").display:
            self._close_field()
        else:
            self.dismiss()
