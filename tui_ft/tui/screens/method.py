"""The Method screen: the methods side by side for a preset or a run, and the key that starts one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from tui_ft.errors import TuiFtError
from tui_ft.tui import method_facts
from tui_ft.tui.actions import HomeActions, LocalActions, sentence
from tui_ft.tui.method_view import Wish
from tui_ft.tui.screens.method_comparison import MethodComparison
from tui_ft.tui.text import plain
from tui_ft.tui.widgets.alert import Alert, Kind
from tui_ft.tui.widgets.key_bar import KeyBar

if TYPE_CHECKING:
    from tui_ft.spec.run_spec import RunSpec
    from tui_ft.tui.app import TuiFtApp


class MethodScreen(MethodComparison):
    """Compares the methods for one spec and starts the chosen one.

    `text` is the spec as a person wrote it: what is changed here is changed there line by line.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "take", "Start", id="method.start", key_display="Enter",
                tooltip="Start with the chosen method; it asks for the data first where there is none"),
        *MethodComparison.BINDINGS[1:],
        Binding("q,escape", "back", "Back", id="method.back", key_display="q",
                tooltip="Back to where you were; nothing is kept"),
    ]  # fmt: skip

    def __init__(self, spec: RunSpec, name: str, text: str, actions: HomeActions | None = None) -> None:
        super().__init__()
        self.lay_out(spec, name, Wish())
        self._text = text
        self._given_actions = actions
        self._is_starting = False

    @property
    def owner(self) -> TuiFtApp:
        """The app, which knows runs root, GPU reader and clock."""
        return cast("TuiFtApp", self.app)

    @property
    def rooms(self) -> HomeActions:
        """The rooms that a start needs; the real ones unless others were given."""
        if self._given_actions is None:
            self._given_actions = LocalActions(self.owner.runs_root, self.owner.read_gpus, self.owner.clock)
        return self._given_actions

    def compose(self) -> ComposeResult:
        yield from self.parts()
        yield Alert(id="said")
        yield KeyBar()

    def say(self, text: str, kind: Kind = "good") -> None:
        self.query_one("#said", Alert).show("", text, kind)

    def action_back(self) -> None:
        self.dismiss()

    def action_take(self) -> None:
        row = self.bars.chosen
        if row is None or self._view is None or self._is_starting:
            return
        try:
            spec = method_facts.spec_to_start(row, self._view.seat)
        except TuiFtError as error:
            self.say(sentence(error), "bad")
            return
        self._is_starting = True
        self._start(spec)

    @work(group="start", exclusive=True)
    async def _start(self, spec: RunSpec) -> None:
        from tui_ft.tui.start_flow import StartFlow

        try:
            flow = StartFlow(self.app, self.rooms, self.say)
            run = await flow.changed(spec, self.preset_name, self._text)
        except Exception as error:  # noqa: BLE001 - shown where the user looks
            self.say(f"{plain(self.preset_name)} was not started. {sentence(error)}", "bad")
            return
        finally:
            self._is_starting = False
        if run is None:
            self.say("Nothing was started.")
        else:
            self.owner.replace_run(run)
