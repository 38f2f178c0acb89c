"""One line in which words to look for are typed; it is there only while they are."""

from __future__ import annotations

from dataclasses import dataclass

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Label


class SearchLine(Horizontal):
    """`/` and a field; Enter takes the words, and with `as_typed` so does every key."""

    DEFAULT_CSS = """
    SearchLine { height: 1; dock: bottom; }
    SearchLine Label { width: auto; text-style: bold; }
    SearchLine Input { width: 1fr; }
    """

    @dataclass
    class Wanted(Message):
        """Look for `words`; `is_final` when Enter was pressed."""

        words: str
        is_final: bool

    def __init__(self, value: str = "", *, hint: str = "", as_typed: bool = False) -> None:
        super().__init__()
        self._value, self._hint, self._as_typed = value, hint, as_typed

    def compose(self) -> ComposeResult:
        yield Label(" /", markup=False)
        field = Input(self._value, placeholder=self._hint, compact=True, max_length=200)
        field.cursor_blink = False
        yield field

    def on_mount(self) -> None:
        self.query_one(Input).focus()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if self._as_typed:
            self.post_message(self.Wanted(event.value.strip(), False))

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Wanted(event.value.strip(), True))
