"""Questions at the bottom of the screen: a path, or yes and no; the screen behind stays readable."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label

from tui_ft.tui.path_completion import complete
from tui_ft.tui.text import plain
from tui_ft.tui.widgets.key_bar import KeyBar


class Confirm(ModalScreen[bool]):
    """Asks once, with the facts to decide by; True for yes."""

    CSS_PATH = "ask.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,enter", "answer(True)", "Yes", id="ask.yes", key_display="y", tooltip="Do it"),
        Binding(
            "n,escape,q", "answer(False)", "No", id="ask.no", key_display="n", tooltip="Leave it as it is"
        ),
    ]

    def __init__(self, question: str, facts: Sequence[str] = ()) -> None:
        super().__init__()
        self.question = question
        self.facts = facts

    def compose(self) -> ComposeResult:
        with Vertical(id="ask"):
            for line in self.facts:
                yield Label(plain(line), markup=False, classes="fact")
            yield Label(plain(self.question), markup=False, id="question")
        yield KeyBar(palette=False)

    def action_answer(self, answer: bool) -> None:
        self.dismiss(answer)


class AskPath(ModalScreen[str | None]):
    """Asks for a path in one line; None when the user leaves it.

    `facts` gives the lines above the answer when they are known, `placeholder` stands there until then.
    `check` says what is wrong with an answer ("" when nothing is): the line then stays open, with that
    under it.
    """

    CSS_PATH = "ask.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "Start", id="path.submit", key_display="Enter", priority=True,
                tooltip="Start with this data"),
        Binding("tab", "complete", "Complete", id="path.complete", key_display="Tab", priority=True,
                tooltip="Complete the path as the shell does"),
        Binding("escape", "leave", "Leave it", id="path.leave", key_display="Esc", tooltip="Start nothing"),
    ]  # fmt: skip

    def __init__(
        self,
        title: str,
        facts: Callable[[], Awaitable[Sequence[str]]],
        check: Callable[[str], Awaitable[str]],
        placeholder: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self.heading = title
        self.check = check
        self._facts = facts
        self._placeholder = placeholder

    def compose(self) -> ComposeResult:
        with Vertical(id="ask"):
            yield Label(plain(self.heading), markup=False, id="question")
            yield Label("\n".join(self._placeholder), markup=False, id="facts")
            with Horizontal():
                yield Label("Data ", markup=False)
                field = Input(placeholder="path of a JSONL, JSON, CSV or Parquet file, or a hub data set",
                              compact=True, id="path")  # fmt: skip
                field.cursor_blink = False
                yield field
            yield Label("", markup=False, id="remark")
        yield KeyBar(palette=False)

    def on_mount(self) -> None:
        self.query_one("#remark").display = False
        self.query_one(Input).focus()
        self._show_facts()

    @work(group="facts")
    async def _show_facts(self) -> None:
        lines = await self._facts()
        self.query_one("#facts", Label).update("\n".join(plain(line) for line in lines))

    def complain(self, text: str) -> None:
        """Show what is wrong with the answer, under it."""
        self._remark(f"✗ {plain(text)}" if text else "", is_problem=True)

    def _remark(self, text: str, *, is_problem: bool) -> None:
        label = self.query_one("#remark", Label)
        label.update(text)
        label.set_class(is_problem, "problem")
        label.display = bool(text)

    @on(Input.Changed)
    def _forget_problem(self) -> None:
        self.complain("")

    def action_submit(self) -> None:
        self._submit(self.query_one(Input).value.strip())

    @work(group="submit", exclusive=True)
    async def _submit(self, answer: str) -> None:
        if not answer:
            self.complain("A path is needed: this preset brings no data of its own.")
            return
        problem = await self.check(answer)
        if problem:
            self.complain(problem)
        else:
            self.dismiss(answer)

    def action_leave(self) -> None:
        self.dismiss(None)

    @work(group="complete", exclusive=True)
    async def action_complete(self) -> None:
        field = self.query_one(Input)
        text = field.value[: field.cursor_position]
        completed, choices = await asyncio.to_thread(complete, text)
        if completed != text:
            field.value = completed + field.value[len(text) :]
            field.cursor_position = len(completed)
        elif choices:
            self._remark("  ".join(choices), is_problem=False)
