"""The part of the home screen that reads, again and again while it is on top: runs, presets and GPUs."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar, cast

from textual import work

from tui_ft.tui.actions import sentence
from tui_ft.tui.home_corner import HomeCorner
from tui_ft.tui.home_list import HomeList
from tui_ft.tui.home_words import adopted_words
from tui_ft.tui.widgets.gpu_strip import GpuStrip
from tui_ft.tui.widgets.preset_list import PresetList

if TYPE_CHECKING:
    from tui_ft.hardware.gpu import GpuReading
    from tui_ft.runs.listing import RunSummary
    from tui_ft.tui.app import TuiFtApp

Answer = TypeVar("Answer")

LIVE = frozenset({"queued", "starting", "running", "paused", "stopping", "quiet"})
_OVER = frozenset({"finished", "stopped", "failed", "lost"})
RUNS_EVERY_S = 2.0
ENDED_RUNS_EVERY_S = 5.0
"""While nothing is going on, only a run that somebody else starts can change the list."""
AFTER_BATCH_S = 0.01
ONE_AFTER_ANOTHER_S = 0.5
"""The first readings wait for each other, but not for one that hangs."""
FOREIGN_EVERY_S = 5.0
NO_FOREIGN_EVERY_S = 10.0
"""A scan of all processes costs some milliseconds."""
GPUS_EVERY_S = 2.0
NO_GPU_EVERY_S = 30.0
"""A box without a GPU rarely gets one while the app is open."""
PRESETS_EVERY_S = 30.0
CORNER_EVERY_S = 10.0
"""The queue changes when a run ends; the rest is kept for a minute by those who know it."""
NEWS_S = 6.0
"""News that is not about the chosen run stays so long, whatever becomes of that."""
_DEMO = "demo"
"""The preset that a newcomer is shown."""


class HomeReading(HomeCorner, HomeList, inherit_bindings=False):
    """Nothing here blocks: every reading is made off the event loop."""

    def __init__(self) -> None:
        super().__init__()
        self._ours: Sequence[RunSummary] = ()
        self._foreign: Sequence[RunSummary] = ()
        self._gpus: GpuReading | None = None
        self._preset_problems: list[str] = []
        self._label_problem = ""
        self._wanted_run = ""
        self._early_key = ""
        self._is_stale = asyncio.Event()
        self._is_corner_stale = asyncio.Event()
        self._are_runs_read = asyncio.Event()
        self._has_read = asyncio.Event()

    @property
    def owner(self) -> TuiFtApp:
        """The app, which knows runs root, GPU reader and clock."""
        return cast("TuiFtApp", self.app)

    @property
    def presets(self) -> PresetList:
        return self.query_one(PresetList)

    def action_start_key(self, key: str) -> None:
        """Start the preset with that key."""
        raise NotImplementedError

    def start_when_read(self, key: str) -> None:
        """Start the preset with that key as soon as the presets are read."""
        self._early_key = key

    def choose_when_there(self, run_id: str) -> None:
        """Put the cursor on a run as soon as the list holds it."""
        self._wanted_run = run_id

    def _compositor_refresh(self) -> None:
        """Draw no frame that Textual would throw away, as it does while widgets are mounted."""
        if self.app._batch_count:
            self.set_timer(AFTER_BATCH_S, self._compositor_refresh)
        else:
            super()._compositor_refresh()

    def on_screen_resume(self) -> None:
        self._follow()

    @work(group="follow", exclusive=True)
    async def _follow(self) -> None:
        await self.owner.first_frame.wait()  # it shares its processor with no reader
        follows = (
            self._follow_runs, self._follow_presets, self._follow_gpus, self._follow_foreign,
            self._follow_corner,
        )  # fmt: skip
        async with asyncio.TaskGroup() as group:
            for follow in follows:  # one after the other they share one thread, and its memory
                self._has_read.clear()
                group.create_task(follow())
                await _within(self._has_read, ONE_AFTER_ANOTHER_S)

    def on_screen_suspend(self) -> None:
        self.workers.cancel_group(self, "follow")

    # --- the runs ------------------------------------------------------------------------------------

    def read_runs_now(self) -> None:
        self._is_stale.set()

    def read_corner_now(self) -> None:
        self._is_corner_stale.set()

    async def _follow_runs(self) -> None:
        while True:
            self._is_stale.clear()
            runs = await self._read("The runs cannot be listed", self.actions.list_runs)
            if runs is not None:
                self._ring(runs)
                self._ours = runs
                self._show_runs()
                self._are_runs_read.set()
                if adopted := self.actions.take_adopted():
                    self.notice.say(adopted_words(adopted), for_s=NEWS_S)
            is_live = any(run.status in LIVE for run in self._ours)
            await _within(self._is_stale, RUNS_EVERY_S if is_live else ENDED_RUNS_EVERY_S)

    def _ring(self, runs: Sequence[RunSummary]) -> None:
        """Runs of ours that were going and are over now ring, where their specs ask for that."""
        going = {run.id for run in self._ours if run.status in LIVE}
        for run in runs:
            if run.id in going and run.status in _OVER:
                self._ring_for_end(run)

    @work(group="bell")
    async def _ring_for_end(self, run: RunSummary) -> None:
        from tui_ft.tui.home_doors import run_directory
        from tui_ft.tui.ringing import ring_for_end

        await ring_for_end(
            self.owner, run_directory(run.path), run.name or run.id, run.status, run.started_at
        )

    async def _follow_foreign(self) -> None:
        """Find what else trains on this box; what it needs is loaded when our own runs are shown."""
        await self._are_runs_read.wait()
        while True:
            found = await self._read(
                "The processes cannot be listed", lambda: self.actions.list_foreign(self._gpus)
            )
            if found is not None:
                self._foreign, notes = found
                self.query_one(GpuStrip).show_notes(notes)
                self._show_runs()  # the cursor stays where it began: on a run of ours, where there is one
            is_live = any(run.status in LIVE for run in self._foreign)
            await asyncio.sleep(FOREIGN_EVERY_S if is_live else NO_FOREIGN_EVERY_S)

    async def _follow_corner(self) -> None:
        await self._are_runs_read.wait()
        await self.read_left()
        while True:
            self.show_listed([*self._ours])
            lines = await self._read("The box cannot be looked at", self.actions.corner)
            if lines is not None:
                self.show_box(lines)
            self._is_corner_stale.clear()
            await _within(self._is_corner_stale, CORNER_EVERY_S)

    def _show_runs(self) -> None:
        self.show_listed([*self._ours])
        runs = [*self._ours, *self._foreign]
        had_runs = bool(self.runs.runs)
        self.runs.set_rows(runs)
        if had_runs != bool(runs):
            self.refresh_bindings()
        if self.filter_line.words:
            self.show_view_words()
        problem = self.actions.label_problem()
        if problem and problem != self._label_problem:
            self.notice.complain(problem)
        self._label_problem = problem
        if self._wanted_run and any(run.id == self._wanted_run for run in runs):
            self.runs.choose(self._wanted_run)
            self.runs.focus()
            self._wanted_run = ""

    # --- presets and GPUs ----------------------------------------------------------------------------

    async def _follow_presets(self) -> None:
        while True:
            found = await self._read("The presets cannot be listed", self.actions.list_presets)
            if found is not None:
                presets, problems = found
                self.presets.set_rows(presets)
                self.runs.show_demo_key(next((one.key or "" for one in presets if one.name == _DEMO), ""))
                self.presets.styles.max_height = len(presets) + 1 if presets else 2
                if problems and problems != self._preset_problems:
                    self.notice.complain(problems[0])
                self._preset_problems = problems
                if self._early_key:
                    self.action_start_key(self._early_key)
                    self._early_key = ""
            await asyncio.sleep(PRESETS_EVERY_S)

    async def _follow_gpus(self) -> None:
        while True:
            reading = await self._read("The GPUs cannot be read", self.actions.read_gpus)
            if reading is not None:
                self._gpus = reading
                self.query_one(GpuStrip).show(reading)
            await asyncio.sleep(GPUS_EVERY_S if reading and reading.gpus else NO_GPU_EVERY_S)

    async def _read(self, failure: str, function: Callable[[], Answer]) -> Answer | None:
        """Call `function` off the event loop; its failure is shown, and the next try comes by itself."""
        try:
            answer = await self.turns.call(function)
            return answer if self.query(GpuStrip) else None  # None: the app ends, its widgets are gone
        except Exception as error:  # noqa: BLE001 - the poll loop shows whatever happens
            self.notice.complain(f"{failure}: {sentence(error)}")
            return None
        finally:
            self._has_read.set()


async def _within(event: asyncio.Event, seconds: float) -> None:
    """Wait for `event`, but so long at most."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
