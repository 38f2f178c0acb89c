"""The help: the keys of the screen under it with what they do, where things are, and every key on demand."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from tui_ft.tui.keys import KeyRow, key_rows, key_table
from tui_ft.tui.widgets.key_bar import KeyBar
from tui_ft.tui.widgets.page import Fact, Page

if TYPE_CHECKING:
    from tui_ft.tui.app import TuiFtApp

_KEY_WIDTH = 14


class HelpScreen(Screen[None], inherit_bindings=False):
    """One page that scrolls; the keys come from the bindings themselves.

    The other screens are loaded for it in a thread: they take a good part of a second.
    """

    AUTO_FOCUS = "Page"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "scroll('move', -1)", "Up", id="help.up", priority=True, tooltip="Scroll up"),
        Binding("down", "scroll('move', 1)", "Down", id="help.down", priority=True, tooltip="Scroll down"),
        Binding("pageup", "scroll('page', -1)", "Page up", id="help.pageup", key_display="PgUp",
                priority=True, tooltip="Scroll up by a page"),
        Binding("pagedown,space", "scroll('page', 1)", "Page down", id="help.pagedown", key_display="PgDn",
                priority=True, tooltip="Scroll down by a page"),
        Binding("a", "all", "All keys", id="help.all",
                tooltip="The keys of every screen and where things are; again only those that work here"),
        Binding("q,escape,question_mark", "back", "Back", id="help.back", key_display="q",
                tooltip="Back to where you were"),
    ]  # fmt: skip

    def __init__(self, opener: Screen[Any]) -> None:
        super().__init__()
        works = {active.binding.id for active in opener.active_bindings.values() if active.enabled}
        bindings = [
            one for one in type(opener).BINDINGS if isinstance(one, Binding) and one.id in works
        ]  # fmt: skip
        self._here = list(key_rows("What works here now", bindings))
        self._is_all = False

    def compose(self) -> ComposeResult:
        yield Page("Keys", name_width=_KEY_WIDTH)
        yield KeyBar(palette=False)

    def on_mount(self) -> None:
        self._show_here()

    def _show_here(self) -> None:
        more = [Fact("", "Every other screen", "strong"), Fact(" a", "The keys of all screens"), Fact("", "")]
        self.query_one(Page).set_facts([*_keys(self._here), *more, *self._places()])

    def action_all(self) -> None:
        self._is_all = not self._is_all
        if self._is_all:
            self._load()
        else:
            self._show_here()

    @work(group="load", exclusive=True)
    async def _load(self) -> None:
        rows = await asyncio.to_thread(key_table)
        if self.is_attached and self._is_all:
            self.query_one(Page).set_facts([*_keys(self._here), *_keys(rows), *self._places()])

    def action_back(self) -> None:
        self.dismiss()

    def action_scroll(self, how: str, by: int) -> None:
        page = self.query_one(Page)
        page.action_move(by) if how == "move" else page.action_page(by)

    def _places(self) -> list[Fact]:
        from tui_ft.settings import user_presets_folder

        places = [
            ("runs", str(cast("TuiFtApp", self.app).runs_root)),
            ("presets", f"{user_presets_folder()}  (one .toml each; they come before the shipped ones)"),
            ("editor", "$VISUAL or $EDITOR; leave it with an error, or an empty file, to start nothing"),
        ]
        return [Fact("", "Places", "strong"), *(Fact(f" {what}", place) for what, place in places)]


def _keys(rows: Iterable[KeyRow]) -> Iterator[Fact]:
    """The keys screen by screen, an empty line after each."""
    for screen, of_screen in groupby(rows, key=lambda row: row.screen):
        yield Fact("", screen, "strong")
        for row in of_screen:
            yield Fact(f" {row.key}", row.what)
        yield Fact("", "")
