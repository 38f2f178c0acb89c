"""The queue: in what order runs start, what each waits for and will take; move, hold, let go, remove."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from tui_ft.runs.directory import RunDirectory, without_date
from tui_ft.runs.queueing import queue
from tui_ft.runs.queueing.listing import QueueListing, QueueRow, read_listing
from tui_ft.runs.queueing.nudging import nudge
from tui_ft.runs.queueing.queue_file import queue_path
from tui_ft.runs.queueing.removing import remove
from tui_ft.tui import queue_view
from tui_ft.tui.actions import HomeActions, sentence
from tui_ft.tui.screens.ask import Confirm
from tui_ft.tui.text import plain
from tui_ft.tui.widgets.key_bar import KeyBar
from tui_ft.tui.widgets.lines import Lines, pack
from tui_ft.tui.widgets.notice import Notice
from tui_ft.tui.widgets.prose import Prose
from tui_ft.tui.widgets.queue_list import QueueList
from tui_ft.tui.widgets.row_list import RowList

if TYPE_CHECKING:
    from tui_ft.tui.app import TuiFtApp

LOOKS_EVERY_S = 2.0
READS_EVERY_S = 10.0
"""The file says what changed in the queue; what goes on and how long it still takes is asked less often."""

_OF_ONE = frozenset({"up", "down", "first", "hold", "remove", "after", "beside", "memory", "open"})


class QueueScreen(Screen[None], inherit_bindings=False):
    """Runs start from here by themselves, in this order, with the app closed too."""

    CSS_PATH = "queue.tcss"
    AUTO_FOCUS = "QueueList"
    VERTICAL_BREAKPOINTS = [(0, "-short"), (20, "-tall")]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("K,shift+up", "up", "Up", id="queue.up", key_display="K", tooltip="Start it earlier"),
        Binding("J,shift+down", "down", "Down", id="queue.down", key_display="J", tooltip="Start it later"),
        Binding("T", "first", "First", id="queue.first", show=False, tooltip="Start it before all others"),
        Binding("h", "hold", "Hold", id="queue.hold", tooltip="Keep it from starting"),
        Binding("g", "go", "Go", id="queue.go",
                tooltip="Let a held run start in its turn; of a held queue: let all go on"),
        Binding("H", "hold_all", "Hold all", id="queue.holdall",
                tooltip="Let nothing start until g; what runs goes on"),
        Binding("x,delete", "remove", "Remove", id="queue.remove", key_display="x",
                tooltip="Take it out of the queue; asks first"),
        Binding("f", "after", "After", id="queue.after", show=False,
                tooltip="Only after a run that finished, or also after one that failed"),
        Binding("b", "beside", "Beside", id="queue.beside", show=False,
                tooltip="Start beside runs that go on when memory for both is free, or alone"),
        Binding("m", "memory", "Any memory", id="queue.memory", show=False,
                tooltip="Start whatever the estimate says, or wait until it fits"),
        Binding("enter", "open", "Open", id="queue.open", key_display="Enter", tooltip="Look at the run"),
        Binding("tab", "app.focus_next", "Scroll", id="queue.focus", show=False,
                tooltip="Go between the queue and the text under it"),
        Binding("question_mark,f1", "help", "Help", id="queue.help", key_display="?",
                tooltip="Every key and what it does"),
        Binding("escape,q", "back", "Back", id="queue.back", key_display="q",
                tooltip="Back to where you were"),
    ]  # fmt: skip

    def __init__(self, actions: HomeActions) -> None:
        super().__init__()
        self.actions = actions
        self._listing: QueueListing | None = None
        self._is_stale = asyncio.Event()

    @property
    def owner(self) -> TuiFtApp:
        return cast("TuiFtApp", self.app)

    @property
    def rows(self) -> QueueList:
        return self.query_one(QueueList)

    @property
    def notice(self) -> Notice:
        return self.query_one(Notice)

    def compose(self) -> ComposeResult:
        yield Lines()
        yield QueueList()
        yield Prose("Run")
        yield Notice()
        yield KeyBar(palette=False)

    # --- what is shown -------------------------------------------------------------------------------

    def on_screen_resume(self) -> None:
        self._follow()

    def on_screen_suspend(self) -> None:
        self.workers.cancel_group(self, "follow")

    @work(group="follow", exclusive=True)
    async def _follow(self) -> None:
        """Read again when the queue has changed, and now and then for what goes on."""
        await asyncio.to_thread(nudge, self.owner.runs_root, has_changed=False)
        while True:
            self._is_stale.clear()
            stamp = await asyncio.to_thread(self._stamp)
            await self._read()
            for _ in range(round(READS_EVERY_S / LOOKS_EVERY_S)):
                try:
                    await asyncio.wait_for(self._is_stale.wait(), LOOKS_EVERY_S)
                    break
                except TimeoutError:
                    if await asyncio.to_thread(self._stamp) != stamp:
                        break

    def _stamp(self) -> tuple[int, int] | None:
        try:
            known = queue_path(self.owner.runs_root).stat()
        except OSError:
            return None
        return known.st_ino, known.st_mtime_ns

    async def _read(self) -> None:
        try:
            listing = await asyncio.to_thread(read_listing, self.owner.runs_root, self.owner.clock())
        except Exception as error:  # noqa: BLE001 - shown where the user looks
            self.notice.complain(sentence(error))
            return
        if not self.children:
            return  # the app ends
        self._listing = listing
        self.rows.set_rows(listing.rows)
        self._show()

    @on(RowList.Chosen)
    def _follow_cursor(self, event: RowList.Chosen) -> None:
        if event.is_move:
            self.notice.say("")
            self.query_one(Prose).action_begin()
        self._show()

    def _show(self) -> None:
        listing, row = self._listing, self.rows.chosen
        if listing is None:
            return
        self.query_one(Lines).set_lines([pack(queue_view.head(listing), self.size.width - 2)])
        panel = self.query_one(Prose)
        panel.display = row is not None
        if row is not None:
            panel.set_title(plain(without_date(row.id)))
            panel.set_entries(queue_view.facts(row, listing, self.owner.clock()))
        self.refresh_bindings()

    # --- keys ----------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only the keys that have something to do."""
        row = self.rows.chosen if self.children else None
        if action in _OF_ONE and row is None:
            return False
        if action == "hold":
            return row is not None and row.word != "held"
        if action == "go":
            return (row is not None and row.word == "held") or (
                self._listing is not None and self._listing.is_held
            )
        if action == "hold_all":
            return self._listing is not None and bool(self._listing.rows) and not self._listing.is_held
        return True

    def action_up(self) -> None:
        self._move("up")

    def action_down(self) -> None:
        self._move("down")

    def action_first(self) -> None:
        self._move("first")

    def _move(self, to: str) -> None:
        if row := self.rows.chosen:
            self._change(lambda: queue.move(self.owner.runs_root, row.id, to), "")

    def action_hold(self) -> None:
        if row := self.rows.chosen:
            self._change(lambda: queue.hold(self.owner.runs_root, [row.id]), "")

    def action_hold_all(self) -> None:
        self._change(
            lambda: queue.hold(self.owner.runs_root),
            "Nothing starts until you press g; what runs goes on.",
        )

    def action_go(self) -> None:
        if self._listing is not None and self._listing.is_held:
            self._change(lambda: queue.go(self.owner.runs_root), "All go on in their turn.")
        elif row := self.rows.chosen:
            self._change(lambda: queue.go(self.owner.runs_root, [row.id]), "")

    def action_after(self) -> None:
        self._toggle("after", lambda row: "any" if row.entry.after == "finished" else "finished")

    def action_beside(self) -> None:
        self._toggle("beside", lambda row: not row.entry.beside)

    def action_memory(self) -> None:
        self._toggle("any_memory", lambda row: not row.entry.any_memory)

    def _toggle(self, term: str, value: Callable[[QueueRow], object]) -> None:
        if row := self.rows.chosen:
            new = value(row)
            self._change(lambda: queue.change_terms(self.owner.runs_root, [row.id], **{term: new}), "")

    @work(group="change")
    async def action_remove(self) -> None:
        row = self.rows.chosen
        if row is None:
            return
        name = plain(without_date(row.id))
        if await self.app.push_screen_wait(Confirm(f"Take {name} out of the queue? It has not begun.")):
            await self._told(
                lambda: asyncio.to_thread(remove, self.owner.runs_root, [row.id]),
                f"{name} is out of the queue.",
            )

    @work(group="change")
    async def _change(self, how: Callable[[], object], said: str) -> None:
        await self._told(lambda: asyncio.to_thread(how), said)

    async def _told(self, deed: Callable[[], Awaitable[object]], said: str) -> None:
        """Carry a change out, say what came of it, and let the queue go on by it."""
        try:
            await deed()
            self.notice.say(said)
            await asyncio.to_thread(nudge, self.owner.runs_root)
        except Exception as error:  # noqa: BLE001 - shown where the user looks
            self.notice.complain(sentence(error))
        self._is_stale.set()

    @on(RowList.Clicked)
    def action_open(self) -> None:
        if row := self.rows.chosen:
            self.owner.open_run(RunDirectory(row.path))

    def action_help(self) -> None:
        self.owner.open_help()

    def action_back(self) -> None:
        self.dismiss()
