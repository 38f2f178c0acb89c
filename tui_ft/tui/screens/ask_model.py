"""Asks for a model in one line: a name of the catalogue or the Hub, a folder, or a config.json."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
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

_SHOWN = 8


class AskModel(ModalScreen[str | None]):
    """Returns what was typed, None when the user left it. `names` are completed beside paths."""

    CSS_PATH = "ask.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "Show", id="model.submit", key_display="Enter", priority=True,
                tooltip="Show the methods for this model"),
        Binding("tab", "complete", "Complete", id="model.complete", key_display="Tab", priority=True,
                tooltip="Complete a model's name, or a path as the shell does"),
        Binding("escape", "leave", "Leave it", id="model.leave", key_display="Esc",
                tooltip="Stay with the model that is shown"),
    ]  # fmt: skip

    def __init__(self, names: Sequence[str], current: str = "") -> None:
        super().__init__()
        self.names = names
        self._current = current
        self._completed = ""

    def compose(self) -> ComposeResult:
        with Vertical(id="ask"):
            yield Label("Which model?", markup=False, id="question")
            with Horizontal():
                yield Label("Model ", markup=False)
                field = Input(self._current, placeholder="name on the Hub, folder, or config.json",
                              compact=True, id="model")  # fmt: skip
                field.cursor_blink = False
                yield field
            yield Label("", markup=False, id="remark")
        yield KeyBar(palette=False)

    def on_mount(self) -> None:
        self.query_one("#remark").display = False
        self.query_one(Input).focus()

    def action_submit(self) -> None:
        answer = self.query_one(Input).value.strip()
        self.dismiss(answer or None)

    def action_leave(self) -> None:
        self.dismiss(None)

    @on(Input.Changed)
    def _forget_choices(self, event: Input.Changed) -> None:
        if event.value != self._completed:
            self._remark("")

    def _remark(self, text: str) -> None:
        label = self.query_one("#remark", Label)
        label.update(plain(text))
        label.display = bool(text)

    @work(group="complete", exclusive=True)
    async def action_complete(self) -> None:
        field = self.query_one(Input)
        text = field.value
        completed, choices = complete_name(text, self.names)
        if not choices:
            completed, choices = await asyncio.to_thread(complete, text)
        self._completed = completed
        if completed != text:
            field.value = completed
            field.cursor_position = len(completed)
        self._remark("  ".join(choices) if len(choices) > 1 else "")


def complete_name(text: str, names: Sequence[str]) -> tuple[str, list[str]]:
    """Return `text` completed to what the names that hold it share, and those names.

    Capitals do not count, and a name is found by any part of it: `qwen3-8` finds `Qwen/Qwen3-8B`.
    """
    wanted = text.strip().lower()
    if not wanted:
        return text, []
    found = [name for name in names if name.lower().startswith(wanted)]
    found = found or [name for name in names if wanted in name.lower()]
    if len(found) == 1:
        return found[0], found
    if not found:
        return text, []
    shared = found[0]
    for name in found[1:]:
        while not name.lower().startswith(shared.lower()):
            shared = shared[:-1]
    more = [f"… {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
    return (shared if len(shared) > len(text) else text), [*found[:_SHOWN], *more]
