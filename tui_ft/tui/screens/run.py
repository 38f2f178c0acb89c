"""The run screen: the curves, the numbers and the log of one run, live, and the keys that steer it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, cast

from textual import events, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.records import RequestName, Status
from tui_ft.tui.actions import sentence
from tui_ft.tui.run_actions import LocalRunActions, RunActions
from tui_ft.tui.run_words import OVER, header_line, is_offered, standing_alert
from tui_ft.tui.widgets.alert import Alert, Kind
from tui_ft.tui.widgets.curves import Curves
from tui_ft.tui.widgets.foreseen import Foreseen
from tui_ft.tui.widgets.key_bar import KeyBar
from tui_ft.tui.widgets.lines import Lines
from tui_ft.tui.widgets.log_tail import LogTail
from tui_ft.tui.widgets.numbers import Numbers
from tui_ft.tui.widgets.outcome import Outcome, has_outcome
from tui_ft.tui.widgets.progress import Progress
from tui_ft.watch.reading import Reading
from tui_ft.watch.sources.protocol import Source
from tui_ft.watch.sources.tui_ft import TuiFtSource

if TYPE_CHECKING:
    from tui_ft.tui.app import TuiFtApp

CURVES_EVERY_S = 0.5
NUMBERS_EVERY_S = 1.0
FIRST_READ_S = 0.05
LONG_READ_S = 0.4
"""How long one poll may read: a little before the first picture, then long stretches of a long history."""
TALL_ROWS = 32
"""From here on the log and the curves of an ended run have more room."""
ENDED_EVERY_S = 3.0
"""A run that is over can only change by a resume from somewhere else."""


class RunScreen(Screen[None]):
    """Follows one run; it only reads, and can be left and opened again at any moment."""

    CSS_PATH = "run.tcss"
    AUTO_FOCUS = ""
    VERTICAL_BREAKPOINTS = [(0, "-short"), (TALL_ROWS, "-tall")]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "stop", "Stop", id="run.stop", tooltip="Save a checkpoint and stop the run"),
        Binding("S", "save", "Save", id="run.save", tooltip="Save a checkpoint now and go on"),
        Binding("p", "pause", "Pause", id="run.pause",
                tooltip="Hold the run at the next step; it keeps its memory"),
        Binding("p", "go_on", "Continue", id="run.continue", tooltip="Go on with a paused run"),
        Binding("X", "kill", "Kill", id="run.kill", show=False,
                tooltip="End the run at once, without a checkpoint"),
        Binding("R", "resume", "Resume", id="run.resume",
                tooltip="Go on with the ended run from its newest whole checkpoint"),
        Binding("r", "restart", "Restart", id="run.restart",
                tooltip="Start a new run from the spec of this one"),
        Binding("w", "save_preset", "Preset", id="run.preset", show=False,
                tooltip="Keep the settings of this run as a preset with a name and a key"),
        Binding("l", "log", "Log", id="run.log", tooltip="Show the log on the whole screen, and back"),
        Binding("tab", "app.focus_next", "Scroll", id="run.focus", show=False,
                tooltip="Go to the next text that scrolls"),
        Binding("escape", "home", "Home", id="run.home", show=False,
                tooltip="Go to the list of runs; this one goes on"),
        Binding("question_mark", "help", "Help", id="run.help", tooltip="Every key and what it does"),
        Binding("q", "back", "Back", id="run.back", tooltip="Leave this screen; the run goes on"),
    ]  # fmt: skip

    def __init__(
        self, run: RunDirectory, *, source: Source | None = None, actions: RunActions | None = None
    ) -> None:
        super().__init__()
        self.run = run
        self._given_source = source
        self._given_actions = actions
        self._wake = asyncio.Event()
        self._said: tuple[str, Kind] | None = None
        self._trouble = ""
        self._status: Status | None = None
        self._numbers_at = -NUMBERS_EVERY_S
        self._is_owed = True
        self._is_first = True

    @property
    def owner(self) -> TuiFtApp:
        """The app, which knows runs root and clock."""
        return cast("TuiFtApp", self.app)

    @property
    def source(self) -> Source:
        """Where the run is read from."""
        if self._given_source is None:
            self._given_source = TuiFtSource(self.run, clock=self.owner.clock)
        return self._given_source

    @property
    def actions(self) -> RunActions:
        """The rooms below; the real ones unless others were given."""
        if self._given_actions is None:
            self._given_actions = LocalRunActions(self.owner.runs_root)
        return self._given_actions

    @property
    def reading(self) -> Reading:
        """What is shown."""
        return self.source.reading

    def compose(self) -> ComposeResult:
        # known before Textual measures the screen: else every style would be computed twice
        self.add_class("-tall" if self.app.size.height >= TALL_ROWS else "-short")
        yield Lines(id="header")
        yield Progress(id="progress")
        yield Numbers(id="numbers")
        yield Foreseen(id="foreseen")
        yield Alert(id="alert")
        yield Curves(id="curves")
        yield Outcome(id="outcome")
        yield LogTail(id="log")
        yield KeyBar()

    # --- following -------------------------------------------------------------------------------

    def on_mount(self) -> None:
        self._follow()

    def on_screen_resume(self) -> None:
        self._is_owed = True
        self._wake.set()

    def on_resize(self, event: events.Resize) -> None:
        self._is_owed = True
        self._wake.set()

    @work(group="follow", exclusive=True)
    async def _follow(self) -> None:
        while True:
            if self.is_current:
                changed = await self._poll()
                if not self.children:  # the app was closed while the run was read
                    return
                if changed or self._is_owed:
                    self._show(self.reading)
            await self._pause()

    async def _poll(self) -> bool:
        before = self._trouble
        budget_s = FIRST_READ_S if self._is_first else LONG_READ_S
        try:
            changed = await asyncio.to_thread(self.source.poll, budget_s)
        except Exception as error:  # noqa: BLE001 - shown where the user looks
            self._trouble = f"The run cannot be read: {sentence(error)}"
            changed = False
        else:
            self._trouble = ""
            self._is_first = False
        return changed or self._trouble != before

    async def _pause(self) -> None:
        if not self.reading.is_complete and not self._trouble:
            await asyncio.sleep(0.02)
            return
        is_over = self.reading.status in OVER and not self._is_owed
        try:
            await asyncio.wait_for(self._wake.wait(), ENDED_EVERY_S if is_over else CURVES_EVERY_S)
        except TimeoutError:
            return
        self._wake.clear()

    def _show(self, reading: Reading) -> None:
        self._show_shape(reading)
        self.query_one(Curves).show(reading)
        moment = asyncio.get_running_loop().time()
        is_over = reading.status in OVER
        self._is_owed = not is_over and moment - self._numbers_at < NUMBERS_EVERY_S
        if not self._is_owed:
            self._numbers_at = moment
            self._show_words(reading)
        self.query_one(LogTail).show(reading, at_once=is_over)

    def _show_shape(self, reading: Reading) -> None:
        """Give the panels the room that the state of the run asks for."""
        is_changed = self.has_class("-outcome") != has_outcome(reading)
        self.set_class(has_outcome(reading), "-outcome")
        self.set_class(reading.status in ("failed", "lost"), "-failed")
        self.set_class(reading.gpu_memory is not None, "-foreseen")
        if is_changed or reading.status != self._status:
            self._status, self._said = reading.status, None
            self.refresh_bindings()

    def _show_words(self, reading: Reading) -> None:
        now, width = self.owner.clock(), self.size.width
        self.query_one("#header", Lines).set_lines([header_line(reading, now, width)])
        self.query_one(Progress).show(reading, now)
        self.query_one(Numbers).show(reading)
        self.query_one(Foreseen).show(reading, width)
        self.query_one(Curves).show_titles(reading)
        if has_outcome(reading):
            self.query_one(Outcome).show(reading)
        self._show_alert(reading)

    def _show_alert(self, reading: Reading) -> None:
        alert = self.query_one(Alert)
        if self._trouble:
            alert.show("", self._trouble, "bad")
        elif self._said is not None:
            alert.show("", *self._said)
        else:
            alert.show(*standing_alert(reading))

    def _say(self, text: str, kind: Kind = "good") -> None:
        """Show what a key did, until the next key or the next status."""
        self._said = (text, kind) if text else None
        self._show_alert(self.reading)

    def on_key(self, event: events.Key) -> None:
        if self._said is not None:
            self._say("")

    # --- keys ------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only the keys that make sense now."""
        return is_offered(action, self.reading.status)

    def action_stop(self) -> None:
        if self.reading.status == "stopping":
            self._say("The run is stopping already. X ends it at once, without a checkpoint.", "warn")
            return
        self._ask("Stop this run? It saves a checkpoint first and can be resumed.", "stop")

    def action_kill(self) -> None:
        self._ask("End this run at once, without a checkpoint?", "stop", now=True)

    def action_save(self) -> None:
        self._request("save", "A checkpoint is saved at the next step.")

    def action_pause(self) -> None:
        self._request("pause", "The run pauses at the next step; it keeps its memory.")

    def action_go_on(self) -> None:
        self._request("continue", "The run goes on.")

    def action_restart(self) -> None:
        self._launch(lambda: self.actions.restart(self.run), "Starting a new run from this spec.")

    def action_resume(self) -> None:
        self._launch(lambda: self.actions.resume(self.run), "Going on from the newest checkpoint.")

    @work(group="act", exclusive=True)
    async def action_save_preset(self) -> None:
        from tui_ft.spec import toml
        from tui_ft.tui.screens.save_preset import save_as_preset

        try:
            text = await asyncio.to_thread(toml.read, self.run.spec)
            spec = toml.loads(text, str(self.run.spec))
            preset = await save_as_preset(self.app, spec, spec.notes.name or self.reading.title, text)
        except Exception as error:  # noqa: BLE001 - shown where the user looks
            self._say(sentence(error), "bad")
            return
        if preset is not None:
            self._say(
                f"Saved as the preset {preset.name}" + (f": {preset.key} starts it." if preset.key else ".")
            )

    def action_log(self) -> None:
        self.toggle_class("-log")
        log = self.query_one(LogTail)
        if self.has_class("-log"):
            log.focus()
        else:
            self.set_focus(None)

    def action_home(self) -> None:
        if self.has_class("-log"):
            self.action_log()
        else:
            self.owner.open_home()

    def action_help(self) -> None:
        self.owner.open_help()

    def action_back(self) -> None:
        self.owner.leave_run()

    def _ask(self, question: str, name: RequestName, *, now: bool = False) -> None:
        from tui_ft.tui.screens.ask import Confirm

        def answered(answer: bool | None) -> None:
            if answer:
                self._request(name, "The run is ending." if now else "The run saves and stops.", now=now)

        self.app.push_screen(Confirm(question), answered)

    @work(group="act")
    async def _request(self, name: RequestName, done: str, now: bool = False) -> None:
        try:
            await asyncio.to_thread(self.actions.request, self.run, name, now=now)
        except Exception as error:  # noqa: BLE001 - shown where the user looks
            self._say(sentence(error), "bad")
        else:
            self._say(done)
            self._wake.set()

    @work(group="act", exclusive=True)
    async def _launch(self, launch: Callable[[], RunDirectory], doing: str) -> None:
        self._say(doing)
        try:
            run = await asyncio.to_thread(launch)
        except Exception as error:  # noqa: BLE001 - shown where the user looks
            self._say(sentence(error), "bad")
            return
        if run.path == self.run.path:
            self._say("")
            self._wake.set()
        else:
            self.owner.replace_run(run)
