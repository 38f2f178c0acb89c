"""The guided tour: a few pages in plain words, with a real run in the middle of them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from tui_ft.tour.steps import TITLES
from tui_ft.tui.actions import sentence
from tui_ft.tui.widgets.key_bar import KeyBar
from tui_ft.tui.widgets.notice import Notice
from tui_ft.tui.widgets.prose import Prose

if TYPE_CHECKING:
    from tui_ft.tour.guided import Guided
    from tui_ft.tour.steps import Line
    from tui_ft.tui.app import TuiFtApp

_RUN, _LAST = TITLES.index("The run"), len(TITLES) - 1
POLL_S = 1.0


class TourScreen(Screen[None], inherit_bindings=False):
    """One page at a time; the run goes on whatever one does here. `changes` to its spec are as in `--set`."""

    CSS_PATH = "tour.tcss"
    AUTO_FOCUS = "Prose"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "next", "Next", id="tour.next", key_display="Enter",
                tooltip="The next page; on that of the run: start it, and show it live"),
        Binding("left", "back", "Page before", id="tour.before", key_display="←",
                tooltip="The page before"),
        Binding("question_mark,f1", "help", "Help", id="tour.help", key_display="?",
                tooltip="Every key and what it does"),
        Binding("escape,q", "leave", "Leave", id="tour.leave", key_display="Esc",
                tooltip="Leave the tour; its run goes on"),
    ]  # fmt: skip

    def __init__(self, changes: Sequence[str] = ()) -> None:
        super().__init__()
        self._changes = changes
        self._page = 0
        self._tour: Guided | None = None
        self._is_busy = False

    def compose(self) -> ComposeResult:
        yield Prose("")
        yield Notice()
        yield KeyBar(palette=False)

    @property
    def owner(self) -> TuiFtApp:
        return cast("TuiFtApp", self.app)

    @property
    def notice(self) -> Notice:
        return self.query_one(Notice)

    def on_mount(self) -> None:
        self._turn_to(0)

    def on_screen_resume(self) -> None:
        self._follow_on()

    def on_screen_suspend(self) -> None:
        self.workers.cancel_group(self, "follow")

    # --- pages -----------------------------------------------------------------------------------

    @work(group="page", exclusive=True)
    async def _turn_to(self, page: int) -> None:
        """Show a page; what it says is found out off the event loop."""
        self._page = page
        try:
            self._title()
            lines = await asyncio.to_thread(self._lines, page)
        except Exception as error:  # noqa: BLE001 - shown where the user looks
            self.notice.complain(sentence(error))
            return
        panel = self.query_one(Prose)
        panel.set_entries(lines)
        panel.action_begin()
        self._hint()
        self._follow_on()

    def _lines(self, page: int) -> list[Line]:
        if self._tour is None:
            from tui_ft.tour.guided import Guided

            self._tour = Guided(self.owner.runs_root, self._changes)
        if page == _RUN:
            self._tour.pick_up()
        return self._tour.page(page)

    def _title(self) -> None:
        self.query_one(Prose).set_title(
            f"Practice tour, {self._page + 1} of {len(TITLES)}: {TITLES[self._page]}"
        )

    def _hint(self) -> None:
        """Say what Enter does next."""
        tour = self._tour
        if self._page == _LAST:
            text = "Enter: the end of the tour."
        elif self._page != _RUN:
            text = "Enter: on."
        elif tour is None or tour.run is None:
            text = "Enter starts the run and shows it live. q there comes back to the tour."
        elif not tour.is_over:
            text = f"{tour.progress} Enter: the live screen."
        else:
            text = f"{tour.progress} Enter: on to the answers."
        self.notice.show_detail(text)

    # --- the run ---------------------------------------------------------------------------------

    @work(group="start")
    async def _start(self, tour: Guided) -> None:
        self.notice.say("The run is being started …")
        try:
            run = await asyncio.to_thread(tour.start)
        except Exception as error:  # noqa: BLE001 - shown where the user looks
            self.notice.complain(sentence(error))
            return
        finally:
            self._is_busy = False
        self.notice.say("")
        self.owner.open_run(run)

    def _follow_on(self) -> None:
        if self._tour is not None and self._tour.run is not None and not self._tour.is_over:
            self._follow()

    @work(group="follow", exclusive=True)
    async def _follow(self) -> None:
        """Read how far the run is until it is over, and say it on its page."""
        tour = cast("Guided", self._tour)
        while True:
            try:
                await asyncio.to_thread(tour.poll)
            except Exception as error:  # noqa: BLE001 - shown where the user looks
                self.notice.complain(sentence(error))
                return
            self._hint()
            if tour.is_over:
                return
            await asyncio.sleep(POLL_S)

    # --- keys ------------------------------------------------------------------------------------

    def action_next(self) -> None:
        tour = self._tour
        if tour is None or self._is_busy:
            return
        if self._page == _LAST:
            self.action_leave()
        elif self._page != _RUN or tour.is_over:
            self._turn_to(self._page + 1)
        elif tour.run is not None:
            self.owner.open_run(tour.run)
        else:
            self._is_busy = True
            self._start(tour)

    def action_back(self) -> None:
        if self._page:
            self._turn_to(self._page - 1)

    def action_help(self) -> None:
        self.owner.open_help()

    def action_leave(self) -> None:
        if len(self.app.screen_stack) > 1:
            self.dismiss()
        else:
            self.app.exit()
