"""What the keys of the run screen do to a run of ours; another's run is only watched."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from textual import work
from textual.screen import Screen

from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.records import RequestName
from tui_ft.tui.actions import sentence
from tui_ft.tui.run_actions import LocalRunActions, RunActions
from tui_ft.tui.text import plain
from tui_ft.tui.widgets.alert import Kind
from tui_ft.watch.reading import Reading

if TYPE_CHECKING:
    from tui_ft.spec.run_spec import RunSpec
    from tui_ft.tui.app import TuiFtApp


class Steering(Screen[None]):
    """A screen on one run. Its keys that steer are offered only where `run`, its directory, is known."""

    def __init__(self, run: RunDirectory | None, actions: RunActions | None) -> None:
        super().__init__()
        self.run = run
        self._given_actions = actions
        self._is_launching = False

    @property
    def owner(self) -> TuiFtApp:
        """The app, which knows runs root and clock."""
        return cast("TuiFtApp", self.app)

    @property
    def actions(self) -> RunActions:
        """The rooms below; the real ones unless others were given."""
        if self._given_actions is None:
            self._given_actions = LocalRunActions(self.owner.runs_root)
        return self._given_actions

    @property
    @abstractmethod
    def reading(self) -> Reading:
        """What is shown."""

    @abstractmethod
    def say(self, text: str, kind: Kind = "good") -> None:
        """Show what a key did, until the next key or the next status."""

    @abstractmethod
    def look_again(self) -> None:
        """Read the run now, not with the next poll."""

    @property
    def _own(self) -> RunDirectory:
        """The run that a key steers: such keys are offered for a run of ours only."""
        assert self.run is not None
        return self.run

    def action_stop(self) -> None:
        if self.reading.status == "stopping":
            self.say("The run is stopping already. X ends it at once, without a checkpoint.", "warn")
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
        self._launch(lambda: self.actions.restart(self._own), "Starting a new run from this spec.")

    def action_resume(self) -> None:
        self._launch(lambda: self.actions.resume(self._own), "Going on from the newest checkpoint.")

    @work(group="act", exclusive=True)
    async def action_save_preset(self) -> None:
        from tui_ft.tui.screens.save_preset import save_as_preset, saved_text

        try:
            spec, text, note = await asyncio.to_thread(self._read_spec)
            preset = await save_as_preset(self.app, spec, spec.notes.name or self.reading.title, text)
        except Exception as error:  # noqa: BLE001 - shown where the user looks
            self.say(sentence(error), "bad")
            return
        if preset is not None:
            self.say(f"{saved_text(preset)} {note}".rstrip())

    def _read_spec(self) -> tuple[RunSpec, str | None, str]:
        """The spec of the run, its text, and what is to be said of it: of another's run what could be taken.

        Raises `TuiFtError`.
        """
        if self.run is None:
            from tui_ft.watch.to_spec import spec_of

            taken = spec_of(self.reading)
            return taken.spec, None, taken.note
        from tui_ft.spec import toml

        text = toml.read(self.run.spec)
        return toml.loads(text, str(self.run.spec)), text, ""

    def _ask(self, question: str, name: RequestName, *, now: bool = False) -> None:
        from tui_ft.tui.screens.ask import Confirm

        def answered(answer: bool | None) -> None:
            if answer:
                self._request(name, "The run is ending." if now else "The run saves and stops.", now=now)

        self.app.push_screen(Confirm(question), answered)

    @work(group="request")  # its own, so that no other key takes its answer away
    async def _request(self, name: RequestName, done: str, now: bool = False) -> None:
        try:
            await asyncio.to_thread(self.actions.request, self._own, name, now=now)
        except Exception as error:  # noqa: BLE001 - shown where the user looks
            self.say(sentence(error), "bad")
        else:
            self.say(done)
            self.look_again()

    def _launch(self, launch: Callable[[], RunDirectory], doing: str) -> None:
        """Launch one; a second key while it is on its way starts nothing twice."""
        if not self._is_launching:
            self._is_launching = True
            self._carry_out(launch, doing)

    @work(group="launch")
    async def _carry_out(self, launch: Callable[[], RunDirectory], doing: str) -> None:
        self.say(doing)
        try:
            run = await asyncio.to_thread(launch)
        except Exception as error:  # noqa: BLE001 - shown where the user looks
            self.say(sentence(error), "bad")
            return
        finally:
            self._is_launching = False
        if run.path == self._own.path:
            self.say("")
            self.look_again()
        elif self.app.screen is self:
            self.owner.replace_run(run)
        else:  # the user is elsewhere by now: what is on top stays
            self.say(f"{plain(run.id)} is started. Esc leads to the list of runs.")
