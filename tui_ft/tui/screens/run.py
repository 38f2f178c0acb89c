"""The run screen: the curves, the numbers and the log of one run, live, and the keys that steer it."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from textual import events, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.records import Status
from tui_ft.tui.log_keys import LOG_ACTIONS, LogActions
from tui_ft.tui.panel_keys import PANEL_ACTIONS
from tui_ft.tui.ringing import ring_for_end
from tui_ft.tui.run_actions import RunActions
from tui_ft.tui.run_alerts import standing_alert
from tui_ft.tui.run_doors import RunDoors
from tui_ft.tui.run_health import HealthActions
from tui_ft.tui.run_keys import MORE_KEYS, RUN_KEYS, STEERING_KEYS
from tui_ft.tui.run_reader import RunReader
from tui_ft.tui.run_since import SinceActions, SinceLines
from tui_ft.tui.run_words import OVER, header_line, is_offered, origin_line
from tui_ft.tui.shared_source import SharedSource
from tui_ft.tui.steering import Steering
from tui_ft.tui.widgets.alert import Alert, Kind
from tui_ft.tui.widgets.filter_line import FilterLine
from tui_ft.tui.widgets.foreseen import Foreseen
from tui_ft.tui.widgets.full_key_bar import FullKeyBar
from tui_ft.tui.widgets.lines import Lines
from tui_ft.tui.widgets.log_tail import LogTail
from tui_ft.tui.widgets.numbers import Numbers
from tui_ft.tui.widgets.outcome import Outcome, has_outcome
from tui_ft.tui.widgets.panel_grid import PanelGrid
from tui_ft.tui.widgets.progress import Progress
from tui_ft.watch.live_pace import LivePace
from tui_ft.watch.reading import Reading
from tui_ft.watch.sources.protocol import Source

NUMBERS_EVERY_S = 1.0
LONGEST_HOLD_S = 0.2
"""How long the screen before stays while this one reads for the first time."""
WIDE = 100
"""From this width on the last line has room for every key that wants to be shown."""
TINY_ROWS, SHORT_ROWS, TALL_ROWS = 14, 20, 32
"""Below these the log has no room, little room and its usual room; from the last on all have more."""


class RunScreen(RunDoors, HealthActions, SinceActions, LogActions, Steering):
    """Follows one run; it only reads, and can be left and opened again at any moment.

    `run` is its directory when the run is ours: without one no key that steers is offered.
    """

    CSS_PATH = "run.tcss"
    AUTO_FOCUS = ""
    VERTICAL_BREAKPOINTS = [(0, "-least"), (TINY_ROWS, "-tiny"), (SHORT_ROWS, "-short"), (TALL_ROWS, "-tall")]
    ENDS: ClassVar[frozenset[str]] = frozenset({"stopped", "failed", "lost", "unknown"})
    BINDINGS: ClassVar[list[BindingType]] = [*STEERING_KEYS, *RUN_KEYS]

    def __init__(
        self, source: Source, run: RunDirectory | None = None, *, actions: RunActions | None = None
    ) -> None:
        super().__init__(run, actions)
        self.source = SharedSource(source)
        self._reader = RunReader(self.source)
        self._wake = asyncio.Event()
        self._pace = LivePace()
        self._said: tuple[str, Kind] | None = None
        self._status: Status | None = None
        self._shape: dict[str, bool] = {}
        self._numbers_at = -NUMBERS_EVERY_S
        self._is_owed = True
        self._is_shown = False
        self._parts = 0

    @property
    def reading(self) -> Reading:
        """What is shown."""
        return self.source.reading

    def compose(self) -> ComposeResult:
        # known before Textual measures the screen: else every style would be computed twice
        heights = [name for rows, name in self.VERTICAL_BREAKPOINTS if rows <= self.app.size.height]
        self.add_class(heights[-1])
        yield Lines(id="header")
        yield Lines(id="origin")
        yield Progress(id="progress")
        yield Numbers(id="numbers")
        yield Foreseen(id="foreseen")
        yield Alert(id="alert")
        yield SinceLines(id="since")
        yield PanelGrid(id="curves")
        yield Outcome(id="outcome")
        with Vertical(id="foot"):
            yield Alert(id="said")
            yield LogTail(id="log")
        yield FilterLine()
        yield FullKeyBar(MORE_KEYS, shows=self._has_room)

    # --- following -------------------------------------------------------------------------------

    def on_mount(self) -> None:
        self._parts = len(self.children)
        if len(self.app.screen_stack) > 1:  # the first screen of all shows itself as soon as it can
            self.owner.hold_frames(LONGEST_HOLD_S)
        self._follow()

    def on_screen_resume(self) -> None:
        self.look_again()

    def on_resize(self, event: events.Resize) -> None:
        self.look_again()

    @work(group="follow", exclusive=True)
    async def _follow(self) -> None:
        while True:
            if self._is_looked_at:
                changed = await self._reader.poll()
                if len(self.children) < self._parts:  # closed while the run was read: they go one by one
                    return
                if self.front is not None:
                    self.front.show(self.reading)
                elif changed or self._is_owed:
                    self._show(self.reading)
                if self.front is None:
                    await self._look_deeper()
            await self._pause()

    async def _look_deeper(self) -> None:
        """What takes longer than a reading: how it ended, what it costs, what happened since."""
        bill = self.bill
        is_news = await self.look_into_end()
        if len(self.children) < self._parts:
            return
        await self.come_back()
        if len(self.children) == self._parts and (is_news or bill != self.bill):
            self._show_words(self.reading)
            self.refresh_bindings()

    @property
    def _is_looked_at(self) -> bool:
        """Whether it is on top, or under a question; with 16 colours Textual counts every screen as seen."""
        top = self.app.screen
        return top is self or (top.is_modal and self.is_current) or self.front is not None

    async def _pause(self) -> None:
        if not self._is_looked_at:
            await self._wake.wait()
        try:
            await asyncio.wait_for(self._wake.wait(), self._reader.pause_s(is_owed=self._is_owed))
        except TimeoutError:
            return
        self._wake.clear()

    def _show(self, reading: Reading) -> None:
        is_news = reading.status != self._status
        self._pace.take(reading, self.owner.clock())
        self._show_shape(reading)
        self.grid.show(reading)
        moment = asyncio.get_running_loop().time()
        is_over = reading.status in OVER
        self._is_owed = not is_over and not is_news and moment - self._numbers_at < NUMBERS_EVERY_S
        if not self._is_owed:
            self._numbers_at = moment
            self._show_words(reading)
        self.query_one(LogTail).show(reading, at_once=is_over)
        if not self._is_shown:
            self._is_shown = True
            # the panels find their room with the first refresh, and draw in it for the second
            self.call_after_refresh(self.call_after_refresh, self.owner.release_frames)

    def _show_shape(self, reading: Reading) -> None:
        """Give the panels the room that the state of the run asks for."""
        is_foreign = reading.source != "tui_ft"
        shape = {
            "-outcome": has_outcome(reading),
            "-failed": reading.status in ("failed", "lost"),
            "-foreseen": reading.gpu_memory is not None,
            "-origin": is_foreign or bool(reading.others),
            "-silent": is_foreign and not reading.log,
        }
        for name, holds in shape.items():
            self.set_class(holds, name)
        if (reading.status, shape) != (self._status, self._shape):
            if reading.status != self._status:
                self._said = None
                self._ring(reading)
            self._status, self._shape = reading.status, shape
            self.refresh_bindings()

    def _ring(self, reading: Reading) -> None:
        """A run that was going and is over rings, where its spec asks for that."""
        if self.run is not None and self._status not in (None, *OVER) and reading.status in OVER:
            self._ring_for_end(self.run, reading)

    @work(group="bell")
    async def _ring_for_end(self, run: RunDirectory, reading: Reading) -> None:
        await ring_for_end(self.owner, run, reading.title, reading.status, reading.started_at)

    def _show_words(self, reading: Reading) -> None:
        now, width = self.owner.clock(), self.size.width
        self.query_one("#header", Lines).set_lines([header_line(reading, now, width, self.bill)])
        if self.has_class("-origin"):
            self.query_one("#origin", Lines).set_lines([origin_line(reading, width)])
        pace = self._pace.seconds_per_step()
        self.query_one(Progress).show(reading, now, pace)
        self.query_one(Numbers).show(reading, pace)
        self.query_one(Foreseen).show(reading, width)
        if has_outcome(reading):
            self.query_one(Outcome).show(reading)
        self._show_alert(reading)

    def _show_alert(self, reading: Reading) -> None:
        """What stands over the charts is there to stay; what a key did takes its room from the log."""
        alert, said = self.query_one("#alert", Alert), self.query_one("#said", Alert)
        if self._reader.trouble:
            alert.show("", self._reader.trouble, "bad")
        else:
            alert.show(*standing_alert(self.judged, self.post, is_ours=self.run is not None))
        said.show("", *(self._said or ("", "good")))

    def say(self, text: str, kind: Kind = "good") -> None:
        """Show what a key did, until the next key or the next status."""
        self._said = (text, kind) if text else None
        self._show_alert(self.reading)

    def look_again(self) -> None:
        """Read the run now, not with the next poll."""
        self._is_owed = True
        self._wake.set()

    def on_panel_grid_said(self, message: PanelGrid.Said) -> None:
        self.say(message.text, "warn")

    def on_panel_grid_changed(self, message: PanelGrid.Changed) -> None:
        self.set_class(message.view.is_maximised and not self.has_class("-log"), "-max")
        self.refresh_bindings()

    def on_key(self, event: events.Key) -> None:
        self.notice_person()
        if self._said is not None:
            self.say("")

    # --- keys ------------------------------------------------------------------------------------

    def _has_room(self, binding: Binding) -> bool:
        """Whether the last line shows a key: at 80 columns not all of them fit."""
        return self.size.width >= WIDE or binding.action != "maximise_panel"

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only the keys that make sense now."""
        if action in LOG_ACTIONS and self.has_class("-silent"):
            return False
        if action in ("find", "follow") and not self._shows_log:
            return False
        if action in ("fix", "silence") and not self.is_health_offered(action):
            return False
        if action in PANEL_ACTIONS and self.has_class("-log"):
            return False
        return is_offered(action, self.reading, is_ours=self.run is not None)

    @property
    def _shows_log(self) -> bool:
        return self.is_mounted and bool(self.log_panel.display)

    def action_home(self) -> None:
        """Undo what hides something, one after the other; then go home."""
        if self.end_search():
            return
        if self.has_class("-log"):
            self.action_log()
        elif not self.grid.escape():
            self.owner.open_home()

    def action_log(self) -> None:
        super().action_log()
        self.refresh_bindings()

    def action_help(self) -> None:
        self.owner.open_help()

    def action_back(self) -> None:
        self.owner.leave_run()
