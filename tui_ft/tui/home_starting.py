"""The part of the home screen that starts runs: one at a time, with its questions, and what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING

from textual import work

from tui_ft.tui.actions import sentence
from tui_ft.tui.home_reading import HomeReading

if TYPE_CHECKING:
    from tui_ft.runs.directory import RunDirectory
    from tui_ft.tui.start_flow import StartFlow

NOTHING = "Nothing was started."
QUEUE_EVERY_S = 60.0
KEPT = "Your answers are kept: n goes on with them."


class HomeStarting(HomeReading, inherit_bindings=False):
    """A start goes through one worker; its failure is said where the user looks."""

    def __init__(self) -> None:
        super().__init__()
        self._is_starting = False

    def on_mount(self) -> None:
        self._advance_queue()

    @work(group="queue")
    async def _advance_queue(self) -> None:
        """Let the queue go on, should nobody be there any more to see to that: the app is a command too."""
        await self.owner.first_frame.wait()
        while True:
            await self.turns.call(lambda: _nudge(self.owner.runs_root))
            await asyncio.sleep(QUEUE_EVERY_S)

    @property
    def _flow(self) -> StartFlow:
        from tui_ft.tui.start_flow import StartFlow

        return StartFlow(self.app, self.actions, self.notice.say)

    def _begin(
        self, flow: Coroutine[None, None, RunDirectory | None], name: str, left: str = NOTHING
    ) -> None:
        """Go through one start; a second key while it is on its way starts nothing twice.

        `left` is said when the user left it.
        """
        if self._is_starting:
            flow.close()
            return
        self._is_starting = True
        self._carry_out(flow, name, left)

    @work(group="start")
    async def _carry_out(
        self, flow: Coroutine[None, None, RunDirectory | None], name: str, left: str
    ) -> None:
        try:
            run = await flow
        except Exception as error:  # noqa: BLE001 - shown where the user looks
            self.notice.complain(f"{name} was not started. {sentence(error)}")
            return
        finally:
            self._is_starting = False
        if run is None:
            self.notice.say(left)
            return
        self.choose_when_there(run.id)
        if said := await asyncio.to_thread(_queued, self.owner.runs_root, run):
            self.notice.say(said)
            return
        self.notice.say("")
        self.owner.open_run(run)


def _nudge(root: Path) -> None:
    from tui_ft.runs.directory import has_queue

    if has_queue(root):
        from tui_ft.runs.queueing.nudging import nudge

        nudge(root, has_changed=False)


def _queued(root: Path, run: RunDirectory) -> str:
    """Where a run stands that was put into the queue; "" for one that was started."""
    from tui_ft.tui.queueing import place_words, waits

    return place_words(root, run) if waits(run) else ""
