"""Asks what to do with the answers of a wizard that was left: go on with them, or begin anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Label

from tui_ft.tui.text import plain
from tui_ft.tui.widgets.key_bar import KeyBar

Answer = Literal["go on", "anew"]


class AskDraft(ModalScreen[Answer | None]):
    """None when the user leaves it: then nothing happens to the answers."""

    CSS_PATH = "ask.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,y", "answer('go on')", "Go on with it", id="draft.go_on", key_display="Enter",
                tooltip="Go on where the wizard was left, with every answer"),
        Binding("n", "answer('anew')", "Begin anew", id="draft.anew",
                tooltip="Begin with empty answers; the old ones are set aside in a file"),
        Binding("escape,q", "leave", "Leave it", id="draft.leave", key_display="Esc", tooltip="Do nothing"),
    ]  # fmt: skip

    def __init__(self, facts: Sequence[str]) -> None:
        super().__init__()
        self._facts = facts

    def compose(self) -> ComposeResult:
        with Vertical(id="ask"):
            for line in self._facts:
                yield Label(plain(line), markup=False, classes="fact")
            yield Label("Go on with the run that you began?", markup=False, id="question")
        yield KeyBar(palette=False)

    def action_answer(self, answer: Answer) -> None:
        self.dismiss(answer)

    def action_leave(self) -> None:
        self.dismiss(None)
