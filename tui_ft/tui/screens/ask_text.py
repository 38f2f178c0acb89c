"""Asks for one line of text; stays open, with what is wrong under it, until it was carried out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label

from tui_ft.tui.actions import sentence
from tui_ft.tui.text import plain
from tui_ft.tui.widgets.key_bar import KeyBar


class AskText(ModalScreen[bool]):
    """True when `carry_out` took the answer, False when the user left it.

    `carry_out` raises `TuiFtError` for an answer that will not do; it is cancelled when the user leaves.
    """

    CSS_PATH = "ask.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "Do it", id="text.submit", key_display="Enter", priority=True,
                tooltip="Carry it out"),
        Binding("escape", "leave", "Leave it", id="text.leave", key_display="Esc",
                tooltip="Leave it as it is"),
    ]  # fmt: skip

    def __init__(
        self, question: str, label: str, value: str, carry_out: Callable[[str], Awaitable[object]]
    ) -> None:
        super().__init__()
        self.question = question
        self.label = label
        self._value = value
        self._carry_out = carry_out
        self._is_busy = False

    def compose(self) -> ComposeResult:
        with Vertical(id="ask"):
            yield Label(plain(self.question), markup=False, id="question")
            with Horizontal():
                yield Label(f"{self.label} ", markup=False)
                field = Input(self._value, compact=True)
                field.cursor_blink = False
                yield field
            yield Label("", markup=False, id="remark")
        yield KeyBar(palette=False)

    def on_mount(self) -> None:
        self._remark("")
        self.query_one(Input).focus()

    @on(Input.Changed)
    def _forget_problem(self) -> None:
        self._remark("")

    def _remark(self, text: str, *, is_problem: bool = False) -> None:
        label = self.query_one("#remark", Label)
        label.update(f"✗ {plain(text)}" if is_problem else text)
        label.set_class(is_problem, "problem")
        label.display = bool(text)

    def action_submit(self) -> None:
        if not self._is_busy:  # a second Enter does not begin it once more
            self._is_busy = True
            self._submit(self.query_one(Input).value.strip())

    @work(group="submit")
    async def _submit(self, answer: str) -> None:
        self._remark("One moment …")
        try:
            await self._carry_out(answer)
        except Exception as error:  # noqa: BLE001 - shown under the answer
            self._remark(sentence(error), is_problem=True)
        else:
            self.dismiss(True)
        finally:
            self._is_busy = False

    def action_leave(self) -> None:
        self.dismiss(False)
