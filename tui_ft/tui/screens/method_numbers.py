"""The numbers of the methods: the model is found, GPUs are followed, all is computed off the event loop."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from textual import work
from textual.app import ComposeResult
from textual.screen import Screen

from tui_ft.tui import method_facts
from tui_ft.tui.actions import HomeActions, sentence
from tui_ft.tui.method_desk import Desk
from tui_ft.tui.method_view import View, Wish
from tui_ft.tui.text import plain
from tui_ft.tui.widgets.alert import Kind
from tui_ft.tui.widgets.exact_line import ExactLine
from tui_ft.tui.widgets.memory_bars import MemoryBars
from tui_ft.tui.widgets.method_head import MethodHead
from tui_ft.tui.widgets.method_panel import MethodPanel
from tui_ft.tui.wizard.outcome import Outcome

if TYPE_CHECKING:
    from tui_ft.hardware.gpu import GpuReading
    from tui_ft.spec.run_spec import RunSpec

GPUS_EVERY_S = 1.0
NO_GPU_EVERY_S = 30.0
TALL_ROWS = 32


class MethodNumbers(Screen[Outcome]):
    """A screen with a spec on its desk: what goes over to another model, GPU or setting computes anew."""

    desk: Desk
    preset_name: str
    wish: Wish

    # --- what a subclass says ------------------------------------------------------------------------

    @property
    def rooms(self) -> HomeActions:
        """The rooms below."""
        raise NotImplementedError

    def say(self, text: str, kind: Kind = "good") -> None:
        """Show a sentence where the user looks; "" takes it back."""
        raise NotImplementedError

    def show_view(self, view: View) -> None:
        """Show new numbers."""
        raise NotImplementedError

    def action_model(self) -> object:
        """Ask for a model."""
        raise NotImplementedError

    # --- what it consists of -------------------------------------------------------------------------

    @property
    def head(self) -> MethodHead:
        return self.query_one(MethodHead)

    @property
    def bars(self) -> MemoryBars:
        return self.query_one(MemoryBars)

    @property
    def panel(self) -> MethodPanel:
        return self.query_one(MethodPanel)

    def parts(self) -> ComposeResult:
        """The widgets in their order."""
        self.add_class("-tall" if self.app.size.height >= TALL_ROWS else "-short")
        yield MethodHead()
        yield MemoryBars()
        yield MethodPanel("Why")
        yield ExactLine()

    # --- the model, the GPUs, the numbers ------------------------------------------------------------

    def on_mount(self) -> None:
        self._find(self.desk.spec)

    def on_screen_resume(self) -> None:
        self._follow_gpus()

    def on_screen_suspend(self) -> None:
        self.workers.cancel_group(self, "follow")

    @work(group="find", exclusive=True)
    async def _find(self, spec: RunSpec) -> None:
        """Find the model of `spec`; with it the screen goes over to `spec`, without it stays as it is."""
        name = spec.model.id
        if not name:
            self.action_model()
            return
        self.head.show(self.desk, self.preset_name, f"Looking for {plain(name)} …")
        try:
            found = await method_facts.find(name, spec.model.revision)
        except Exception as error:  # noqa: BLE001 - shown where the user looks
            self.head.show(self.desk, self.preset_name)
            self.bars.loaded = True
            self.bars.refresh()
            self.say(sentence(error), "bad")
            return
        self.desk.settle(spec, found)
        self._recompute()

    @work(group="follow", exclusive=True)
    async def _follow_gpus(self) -> None:
        while True:
            try:
                reading = await asyncio.to_thread(self.rooms.read_gpus)
            except Exception as error:  # noqa: BLE001 - the poll loop shows whatever happens
                self.say(f"The GPUs cannot be read: {sentence(error)}", "bad")
            else:
                self._take(reading)
            has_gpus = self.desk.reading is not None and self.desk.reading.gpus
            await asyncio.sleep(GPUS_EVERY_S if has_gpus else NO_GPU_EVERY_S)

    def _take(self, reading: GpuReading) -> None:
        """Go over to a new reading; the numbers are computed again only when the GPU looked at changed."""
        is_new = self.desk.take(reading)
        self.head.show_gpus(self.desk)
        if is_new:
            self._recompute()

    @work(group="look", exclusive=True)
    async def _recompute(self) -> None:
        """Compute every number anew, off the event loop, once model and GPUs are known."""
        desk = self.desk
        if desk.found is None or desk.reading is None:
            return
        try:
            view = await asyncio.to_thread(
                method_facts.look,
                desk.spec,
                desk.found.shape,
                desk.seat,
                desk.reading,
                dict(desk.simulated),
                replace(self.wish, wants_advice=False) if desk.before else self.wish,
            )
        except Exception as error:  # noqa: BLE001 - shown where the user looks
            self.say(sentence(error), "bad")
            return
        self.show_view(view)
