"""Follows a smoke run from its data to its result, and says what it proved before the real run starts."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar, cast

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from tui_ft.runs.directory import RunDirectory
from tui_ft.tui.actions import sentence
from tui_ft.tui.run_actions import LocalRunActions
from tui_ft.tui.run_alerts import cause_text
from tui_ft.tui.run_words import OVER, header_line
from tui_ft.tui.text import plain
from tui_ft.tui.widgets.key_bar import KeyBar
from tui_ft.tui.widgets.lines import Lines
from tui_ft.tui.widgets.log_tail import LogTail
from tui_ft.tui.widgets.notice import Notice
from tui_ft.tui.widgets.page import Fact, Page
from tui_ft.tui.widgets.progress import Progress
from tui_ft.tui.wizard import smoke
from tui_ft.tui.wizard.review_facts import Review
from tui_ft.watch.eta import duration_label, seconds_per_step
from tui_ft.watch.reading import Reading
from tui_ft.watch.sources.tui_ft import TuiFtSource

if TYPE_CHECKING:
    from tui_ft.tui.app import TuiFtApp

EVERY_S = 0.5
LOG_FROM_ROWS = 20
COUNTDOWN_S = 10
"""Time to read what was proved, and to say no; nobody needs to be there."""

_SIGNS: dict[smoke.Mark, tuple[str, str]] = {
    "done": ("✓", "good"), "now": ("▶", "strong"), "open": ("·", "muted"), "bad": ("✗", "bad"),
}  # fmt: skip


class LaunchScreen(Screen[bool]):
    """True when the real run is to start. Left before the end, the smoke run goes on by itself."""

    CSS_PATH = "launch.tcss"
    AUTO_FOCUS = "Page"
    VERTICAL_BREAKPOINTS = [(0, "-low"), (LOG_FROM_ROWS, "-high")]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "go", "Start now", id="launch.go", key_display="Enter",
                tooltip="Start the real run now"),
        Binding("s", "stop", "Stop it", id="launch.stop", tooltip="Stop the smoke run; nothing else starts"),
        Binding("tab", "app.focus_next", "Scroll", id="launch.focus", show=False,
                tooltip="Go between what is proved and the log"),
        Binding("escape,q", "leave", "Review", id="launch.leave", key_display="Esc",
                tooltip="Back to the review; the real run does not start, a smoke run that is going goes on"),
        Binding("question_mark,f1", "help", "Help", id="launch.help", show=False,
                tooltip="Every key and what it does"),
    ]  # fmt: skip

    def __init__(self, run: RunDirectory, review: Review) -> None:
        super().__init__()
        self.run = run
        self._review = review
        self._source = TuiFtSource(run)
        self._found = smoke.Facts({}, {})
        self._has_passed = False
        self._on_top = asyncio.Event()

    @property
    def owner(self) -> TuiFtApp:
        """The app, which knows runs root and clock."""
        return cast("TuiFtApp", self.app)

    def compose(self) -> ComposeResult:
        yield Lines(id="header")
        yield Progress(id="progress")
        title = "Smoke run: a few steps on few rows, the longest among them"
        yield Page(title, name_width=14, id="proved")
        yield LogTail(id="log")
        yield Notice()
        yield KeyBar()

    @property
    def notice(self) -> Notice:
        return self.query_one(Notice)

    # --- following -----------------------------------------------------------------------------------

    def on_mount(self) -> None:
        self._follow()

    @work(group="follow", exclusive=True)
    async def _follow(self) -> None:
        while True:
            try:
                changed = await asyncio.to_thread(self._source.poll, EVERY_S)
                if changed:
                    self._found = await asyncio.to_thread(smoke.facts, self.run)
            except Exception as error:  # noqa: BLE001 - shown where the user looks
                self.notice.complain(f"The run cannot be read: {sentence(error)}")
                changed = False
            if not self.children:  # the app was closed while the run was read
                return
            reading = self._source.reading
            if changed:
                self._show(reading)
            if reading.status in OVER and reading.is_complete:
                break
            await asyncio.sleep(EVERY_S)
        await self._end(reading)

    def _show(self, reading: Reading) -> None:
        now = self.owner.clock()
        self.query_one("#header", Lines).set_lines([header_line(reading, now, self.size.width)])
        self.query_one(Progress).show(reading, now)
        facts = []
        for item in smoke.items(reading, self._found):
            sign, look = _SIGNS[item.mark]
            facts.append(Fact(f"{sign} {item.what}", item.text, look))
        if (forecast := self._forecast(reading)) and reading.status == "finished":
            facts.append(Fact("Then", forecast, "strong"))
        self.query_one(Page).set_facts(facts)
        self.query_one(LogTail).show(reading, at_once=reading.status in OVER)

    def _forecast(self, reading: Reading) -> str:
        """How long the real run takes at the speed that was just measured."""
        steps, pace = self._review.outlook.volume.steps, seconds_per_step(reading.times)
        if steps is None or pace is None:
            return ""
        return f"at this speed the {steps:,} steps of the real run take about {duration_label(steps * pace)}"

    async def _end(self, reading: Reading) -> None:
        """Say what came of it; when it went well, start the real run unless somebody says no in time."""
        if not smoke.has_passed(reading):
            self.refresh_bindings()
            why = "Its loss is not a number." if smoke.has_bad_loss(reading) else cause_text(reading)
            self.notice.complain(f"The smoke run did not get through. {plain(why)} Nothing else was started.")
            return
        await asyncio.to_thread(smoke.make_room, self.run)
        self._has_passed = True  # only now: the real run needs the room
        self.refresh_bindings()
        for left in range(COUNTDOWN_S, 0, -1):
            self.notice.say(f"The whole pipe works. The real run starts in {left} s: Enter now, Esc not.")
            await asyncio.sleep(1)
        await self._on_top.wait()  # somebody may be reading the help
        self._finish(True)

    def on_screen_resume(self) -> None:
        self._on_top.set()

    def on_screen_suspend(self) -> None:
        self._on_top.clear()

    # --- keys ----------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what makes sense now."""
        if action == "go":
            return self._has_passed
        return self._source.reading.status not in OVER if action == "stop" else True

    def action_go(self) -> None:
        self._finish(True)

    def action_leave(self) -> None:
        self._finish(False)

    def _finish(self, is_wanted: bool) -> None:
        if self.is_active:
            self.dismiss(is_wanted)

    @work(group="stop", exclusive=True)
    async def action_stop(self) -> None:
        try:
            await asyncio.to_thread(LocalRunActions(self.owner.runs_root).request, self.run, "stop")
        except Exception as error:  # noqa: BLE001 - shown where the user looks
            self.notice.complain(sentence(error))
        else:
            self.notice.say("The smoke run is stopping.")

    def action_help(self) -> None:
        self.owner.open_help()
