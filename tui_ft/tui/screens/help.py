"""The help: every key with what it does, and where things are."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, ClassVar, cast

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import Screen
from textual.widgets import Static

from tui_ft.tui.keys import key_table
from tui_ft.tui.text import plain
from tui_ft.tui.widgets.key_bar import KeyBar

if TYPE_CHECKING:
    from tui_ft.tui.app import TuiFtApp

_KEY_WIDTH = 12


class HelpScreen(Screen[None], inherit_bindings=False):
    """One page that scrolls; the keys come from the bindings themselves."""

    CSS_PATH = "help.tcss"
    AUTO_FOCUS = "VerticalScroll"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "scroll(-1)", "Up", id="help.up", priority=True, tooltip="Scroll up"),
        Binding("down", "scroll(1)", "Down", id="help.down", priority=True, tooltip="Scroll down"),
        Binding("pageup", "scroll(-12)", "Page up", id="help.pageup", key_display="PgUp", priority=True,
                tooltip="Scroll up by half a page"),
        Binding("pagedown,space", "scroll(12)", "Page down", id="help.pagedown", key_display="PgDn",
                priority=True, tooltip="Scroll down by half a page"),
        Binding("q,escape,question_mark", "back", "Back", id="help.back", key_display="q",
                tooltip="Back to where you were"),
    ]  # fmt: skip

    def compose(self) -> ComposeResult:
        with VerticalScroll():
            yield Static(self._page())
        yield KeyBar(palette=False)

    def action_back(self) -> None:
        self.dismiss()

    def action_scroll(self, lines: int) -> None:
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)

    def _page(self) -> Table:
        page = Table.grid(padding=(0, 1))
        page.add_column(min_width=_KEY_WIDTH, no_wrap=True)
        page.add_column(ratio=1)
        for screen, rows in groupby(key_table(), key=lambda row: row.screen):
            page.add_row(Text(screen, "bold"))
            for row in rows:
                page.add_row(Text(f"  {row.key}", "bold"), Text(row.what))
            page.add_row()
        page.add_row(Text("Places", "bold"))
        for what, place in self._places():
            page.add_row(Text(f"  {what}"), Text(plain(place)))
        return page

    def _places(self) -> list[tuple[str, str]]:
        from tui_ft.settings import user_presets_folder

        return [
            ("runs", str(cast("TuiFtApp", self.app).runs_root)),
            ("presets", f"{user_presets_folder()}  (one .toml each; they come before the shipped ones)"),
            ("editor", "$VISUAL or $EDITOR; leave it with an error, or an empty file, to start nothing"),
        ]
