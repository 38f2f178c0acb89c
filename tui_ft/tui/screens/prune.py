"""What can be removed to make room: folders of this run, each with its size and why it can go."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from tui_ft.hardware import host
from tui_ft.runs import pruning
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.pruning import Prunable, size_text
from tui_ft.tui.actions import sentence
from tui_ft.tui.screens.ask import Confirm
from tui_ft.tui.text import plain
from tui_ft.tui.widgets.key_bar import KeyBar
from tui_ft.tui.widgets.notice import Notice
from tui_ft.tui.widgets.page import Fact, Page
from tui_ft.tui.widgets.prune_list import PruneList
from tui_ft.tui.widgets.row_list import RowList

if TYPE_CHECKING:
    from tui_ft.tui.app import TuiFtApp

_UNDONE = frozenset({"unfinished", "broken"})
"""What nothing is ever resumed from: marked from the start."""


class PruneScreen(Screen[None], inherit_bindings=False):
    """Nothing goes that is not marked, and nothing before the question is answered."""

    CSS_PATH = "prune.tcss"
    AUTO_FOCUS = "PruneList"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "mark", "Mark", id="prune.mark", tooltip="Mark the folder to be removed, or not"),
        Binding("a", "all", "All", id="prune.all", tooltip="Mark all, or none"),
        Binding("x,delete", "remove", "Remove", id="prune.remove", key_display="x",
                tooltip="Remove what is marked; asks first"),
        Binding("tab", "app.focus_next", "Scroll", id="prune.focus", show=False,
                tooltip="Go between the list and the text under it"),
        Binding("question_mark,f1", "help", "Help", id="prune.help", key_display="?",
                tooltip="Every key and what it does"),
        Binding("q,escape", "back", "Back", id="prune.back", key_display="q",
                tooltip="Back to where you were"),
    ]  # fmt: skip

    def __init__(self, run: RunDirectory) -> None:
        super().__init__()
        self.of_run = run
        self._found: Prunable | None = None
        self._free_bytes: int | None = None

    @property
    def owner(self) -> TuiFtApp:
        return cast("TuiFtApp", self.app)

    @property
    def rows(self) -> PruneList:
        return self.query_one(PruneList)

    def compose(self) -> ComposeResult:
        yield PruneList()
        yield Page("What it is", name_width=6)
        yield Notice()
        yield KeyBar(palette=False)

    def on_mount(self) -> None:
        self._look(is_first=True)

    @work(group="prune", exclusive=True)
    async def _look(self, is_first: bool = False) -> None:
        await self._read(is_first)

    async def _read(self, is_first: bool = False) -> None:
        try:
            found = await asyncio.to_thread(pruning.find, self.of_run)
            disk = await asyncio.to_thread(host.disk, self.of_run.checkpoints)
        except Exception as error:  # noqa: BLE001 - shown where the user looks
            self.query_one(Notice).complain(sentence(error))
            return
        if not self.is_attached:
            return
        self._found, self._free_bytes = found, disk.free_bytes
        if is_first:
            self.rows.marked = {str(item.path) for item in found.items if item.kind in _UNDONE}
        self.rows.set_rows(found.items)
        self._explain()

    @on(RowList.Chosen)
    def _explain(self) -> None:
        self.query_one(Page).set_facts(self._facts())
        self.rows.refresh()
        self.refresh_bindings()

    def _facts(self) -> list[Fact]:
        item, doomed = self.rows.chosen, self.rows.doomed
        free = "" if self._free_bytes is None else f"; {size_text(self._free_bytes)} are free"
        facts = [Fact("frees", f"{size_text(sum(one.bytes for one in doomed))} marked{free}")]
        if item is not None:
            facts.append(Fact("why", f"{plain(item.path.name)} {item.why}"))
        for name, size, why in self._found.kept if self._found is not None else ():
            facts.append(Fact("stays", f"{plain(name)}, {size_text(size)}: {why}"))
        return facts

    # --- keys ----------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only the keys that have something to do."""
        if not self.children:
            return True
        if action in ("mark", "all"):
            return bool(self.rows.rows)
        return bool(self.rows.doomed) if action == "remove" else True

    def action_mark(self) -> None:
        item = self.rows.chosen
        if item is not None:
            self.rows.marked ^= {str(item.path)}
            self._explain()

    def action_all(self) -> None:
        names = {str(item.path) for item in self.rows.rows}
        self.rows.marked = set() if names <= self.rows.marked else names
        self._explain()

    @work(group="prune", exclusive=True)
    async def action_remove(self) -> None:
        doomed = self.rows.doomed
        size = size_text(sum(item.bytes for item in doomed))
        folders = "one folder" if len(doomed) == 1 else f"{len(doomed)} folders"
        question = f"Remove {folders} and free {size}? They cannot be brought back."
        if not await self.app.push_screen_wait(Confirm(question, [str(self.of_run.checkpoints)])):
            return
        notice = self.query_one(Notice)
        notice.say("Removing …")
        try:
            freed = await asyncio.to_thread(pruning.remove, self.of_run, doomed)
        except Exception as error:  # noqa: BLE001 - shown where the user looks
            notice.complain(sentence(error))
        else:
            notice.say(f"{size_text(freed)} freed.")
        await self._read()

    def action_help(self) -> None:
        self.owner.open_help()

    def action_back(self) -> None:
        self.dismiss()
