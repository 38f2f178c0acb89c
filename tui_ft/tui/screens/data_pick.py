"""Asks for a data set: the files of a folder, and a line to type a path or a name on the Hub."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input, Label

from tui_ft.data.names import is_hub_name
from tui_ft.tui.path_completion import complete
from tui_ft.tui.widgets.file_list import FileList
from tui_ft.tui.widgets.key_bar import KeyBar
from tui_ft.tui.widgets.notice import Notice
from tui_ft.tui.widgets.row_list import RowList
from tui_ft.tui.wizard.browse import Listing, browse


class PickData(Screen[str | None]):
    """Returns a path as it was typed or chosen, or a name on the Hub; None when the user left it.

    `start` is the folder that it opens in, with its slash; "" is the one that the app was started in.
    """

    CSS_PATH = "data.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "take", "Take", id="pick.take", key_display="Enter", priority=True,
                tooltip="Take the chosen file, or open the chosen folder"),
        Binding("tab", "complete", "Complete", id="pick.complete", key_display="Tab", priority=True,
                tooltip="Complete what is typed as the shell does"),
        Binding("up", "list('move', -1)", "Up", id="pick.up", show=False, priority=True,
                tooltip="Choose the name above"),
        Binding("down", "list('move', 1)", "Choose", id="pick.down", key_display="↑↓", priority=True,
                tooltip="Choose the name below"),
        Binding("pageup", "list('page', -1)", "Page up", id="pick.pageup", show=False, priority=True,
                tooltip="Go up one page"),
        Binding("pagedown", "list('page', 1)", "Page down", id="pick.pagedown", show=False, priority=True,
                tooltip="Go down one page"),
        Binding("ctrl+up", "above", "Folder above", id="pick.above", show=False, priority=True,
                tooltip="Go to the folder above"),
        Binding("escape", "leave", "Back", id="pick.leave", key_display="Esc", priority=True,
                tooltip="Back; the data stay as they were"),
        Binding("f1", "app.show_help_panel", "Help", id="pick.help", show=False,
                tooltip="Every key and what it does"),
    ]  # fmt: skip

    def __init__(self, question: str, start: str = "", bar: Widget | None = None) -> None:
        super().__init__()
        self._question = question
        self._start = start
        self._bar = bar
        self._base = _here()
        self._listing = Listing("")

    @property
    def field(self) -> Input:
        return self.query_one(Input)

    @property
    def files(self) -> FileList:
        return self.query_one(FileList)

    def compose(self) -> ComposeResult:
        if self._bar is not None:
            yield self._bar
        yield Label(self._question, markup=False, id="question")
        with Horizontal(id="path-line"):
            yield Label(" Path ", markup=False)
            hint = "type to narrow down, or a path, or a name on the Hub (org/name)"
            field = Input(self._start, compact=True, id="path", select_on_focus=False, placeholder=hint)
            field.cursor_blink = False
            yield field
        yield FileList()
        yield Notice()
        yield KeyBar(palette=False)

    def on_mount(self) -> None:
        self.files.can_focus = False
        self.field.focus()
        self.field.cursor_position = len(self._start)
        self._list(self._start)

    @on(Input.Changed)
    def _follow_typing(self, event: Input.Changed) -> None:
        self.query_one(Notice).say("")
        self._list(event.value)

    @work(group="list", exclusive=True)
    async def _list(self, text: str) -> None:
        listing = await asyncio.to_thread(browse, text, self._base)
        if self.field.value == text:
            self._listing = listing
            self.files.show(listing)

    def action_list(self, what: str, by: int) -> None:
        if what == "move":
            self.files.action_move(by)
        else:
            self.files.action_page(by)

    def action_leave(self) -> None:
        self.dismiss(None)

    def action_above(self) -> None:
        above = next((entry for entry in self._listing.entries if entry.name == "../"), None)
        if above is not None:
            self._type(above.path)
        else:
            self._type(self.field.value[: self.field.value.rfind("/") + 1])

    def _type(self, text: str) -> None:
        self.field.value = text
        self.field.cursor_position = len(text)

    @on(RowList.Clicked)
    def action_take(self) -> None:
        self._take(self.field.value.strip())

    @work(group="take", exclusive=True)
    async def _take(self, typed: str) -> None:
        listing = await asyncio.to_thread(browse, typed, self._base)  # a key may come before the last list
        if listing.entries != self._listing.entries:
            self._listing = listing
            self.files.show(listing)
        chosen = self.files.chosen
        if chosen is not None and chosen.is_folder:
            self._type(chosen.path)
        elif chosen is not None:
            self.dismiss(chosen.path)
        elif not typed:
            self.query_one(Notice).complain(
                "This folder holds no data: type a path, or choose another folder."
            )
        elif is_hub_name(typed):
            self.dismiss(typed)
        else:
            self.query_one(Notice).complain(f"There is no file {typed}. Check the path; Tab completes it.")

    @work(group="complete", exclusive=True)
    async def action_complete(self) -> None:
        text = self.field.value
        completed, choices = await asyncio.to_thread(complete, text)
        if completed != text:
            self._type(completed)
        elif len(choices) > 1:
            self.query_one(Notice).say("  ".join(choices))


def _here() -> Path:
    """The folder that the app was started in; the user's home when that one is gone."""
    try:
        return Path.cwd()
    except OSError:
        return Path.home()
