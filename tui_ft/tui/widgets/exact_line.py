"""The line that shows a simulation in the background: how far it is, and what came of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual import work
from textual.message import Message

from tui_ft.tui.actions import sentence
from tui_ft.tui.exact_job import ExactJob
from tui_ft.tui.widgets.alert import Alert

if TYPE_CHECKING:
    from tui_ft.spec.run_spec import RunSpec
    from tui_ft.vram.result import Estimate

PROGRESS_EVERY_S = 0.5


class ExactLine(Alert):
    """No line while nothing is simulated. What is going on ends with this widget."""

    @dataclass
    class Simulated(Message):
        """The simulation of `spec` is done."""

        spec: RunSpec
        estimate: Estimate

    @dataclass
    class Failed(Message):
        """There is no result, for the reason `text`."""

        text: str

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._job: ExactJob | None = None

    @property
    def is_busy(self) -> bool:
        """True while a simulation is going on."""
        return self._job is not None

    def begin(self, job: ExactJob) -> None:
        """Simulate; there must be none going on."""
        self._job = job
        self._simulate(job)

    def call_off(self) -> None:
        """End what is going on, because the user wants it."""
        if self._job is not None:
            self._job.call_off()
            self._show_progress()

    def on_unmount(self) -> None:
        if self._job is not None:
            self._job.cancel()

    @work(group="exact")
    async def _simulate(self, job: ExactJob) -> None:
        running = asyncio.create_task(job.run())
        running.add_done_callback(_look_at)
        while not running.done():
            self._show_progress()
            await asyncio.wait({running}, timeout=PROGRESS_EVERY_S)
        self._job = None
        self._show_progress()
        error = running.exception()
        if error is None:
            self.post_message(self.Simulated(job.row.spec, running.result()))
        elif isinstance(error, Exception) and not job.was_called_off:
            self.post_message(self.Failed(sentence(error)))

    def _show_progress(self) -> None:
        self.show("", self._job.progress if self._job is not None else "", "good")


def _look_at(task: asyncio.Task[Estimate]) -> None:
    """Take the error of a task that nobody waits for any more: its screen is gone."""
    if not task.cancelled():
        task.exception()
