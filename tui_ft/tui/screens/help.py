"""The help: every key with what it does, and where things are."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, ClassVar, cast

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import Screen
from textual.widgets import Footer, Static

from tui_ft.tui.keys import KeyRow, key_table

if TYPE_CHECKING:
    from tui_ft.tui.app import TuiFtApp

_KEY_WIDTH = 12


class HelpScreen(Screen[None]):
    """One page that scrolls; the keys come from the bindings themselves."""

    CSS_PATH = "help.tcss"
    AUTO_FOCUS = "VerticalScroll"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "scroll('up')", "Up", id="help.up", show=False, priority=True, tooltip="Scroll up"),
        Binding("down", "scroll('down')", "Down", id="help.down", show=False, priority=True,
                tooltip="Scroll down"),
        Binding("q,escape,question_mark", "back", "Back", id="help.back", key_display="q",
                tooltip="Back to where you were"),
    ]  # fmt: skip

    def compose(self) -> ComposeResult:
        with VerticalScroll():
            yield Static(self._text(), markup=False)
        yield Footer(compact=True, show_command_palette=False)

    def action_back(self) -> None:
        self.dismiss()

    def action_scroll(self, direction: str) -> None:
        page = self.query_one(VerticalScroll)
        page.scroll_relative(y=-1 if direction == "up" else 1, animate=False)

    def _text(self) -> Text:
        text = Text()
        for screen, rows in groupby(key_table(), key=lambda row: row.screen):
            text.append(f"{screen}\n", "bold")
            for row in rows:
                text.append_text(_line(row))
            text.append("\n")
        text.append("Where things are\n", "bold")
        for what, place in self._places():
            text.append(f"  {what:<{_KEY_WIDTH}}{place}\n")
        return text

    def _places(self) -> list[tuple[str, str]]:
        from tui_ft.settings import user_presets_folder

        return [
            ("runs", str(cast("TuiFtApp", self.app).runs_root)),
            ("presets", f"{user_presets_folder()}  (one .toml each; they come before the shipped ones)"),
            ("editor", "$VISUAL or $EDITOR; leave it with an error, or an empty file, to start nothing"),
        ]


def _line(row: KeyRow) -> Text:
    text = Text("  ")
    text.append(f"{row.key:<{_KEY_WIDTH}}", "bold")
    return text.append(f"{row.what}\n")
