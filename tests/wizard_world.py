"""The wizard for tests: the real app, screens and rooms; NVML, launches and the network are stand-ins."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from hardware.fake_nvml import FakeNvml
from home_world import OpenedRun, shown, until
from method_world import Actions, no_gpu
from textual.pilot import Pilot

from tui_ft.hardware.gpu import GpuReader
from tui_ft.tui.actions import LocalActions
from tui_ft.tui.app import TuiFtApp
from tui_ft.tui.screens.home import HomeScreen
from tui_ft.tui.screens.wizard import WizardScreen
from tui_ft.tui.wizard.draft import Draft
from tui_ft.tui.wizard.outcome import Outcome

SIZES = [(80, 24), (120, 40)]


@dataclasses.dataclass
class World:
    """A screen under a pilot. `outcomes` are those of a step that was shown alone."""

    pilot: Pilot[Any]
    actions: Actions
    draft: Draft
    outcomes: list[Outcome | None] = dataclasses.field(default_factory=list)
    keys: int = 0
    """How many were pressed; what was typed into a field does not count."""

    @property
    def lines(self) -> list[str]:
        return shown(self.pilot.app)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.lines).split())

    @property
    def screen(self) -> Any:
        return self.pilot.app.screen

    async def press(self, *keys: str) -> None:
        self.keys += len(keys)
        await self.pilot.press(*keys)

    async def type(self, text: str) -> None:
        """Type into the field that has the focus."""
        await self.pilot.press(*text)

    async def sees(self, *words: str) -> None:
        await until(self.pilot, lambda: all(word in self.text for word in words))

    async def until(self, condition: Any, seconds: float = 10.0) -> None:
        await until(self.pilot, condition, seconds)

    def row(self, beginning: str) -> str:
        """The first line that holds `beginning`; "" where there is none."""
        return next((line for line in self.lines if beginning in line), "")


@asynccontextmanager
async def at_step(
    screen_class: type[WizardScreen],
    draft: Draft | None = None,
    nvml: FakeNvml | None = None,
    size: tuple[int, int] = (80, 24),
) -> AsyncIterator[World]:
    """Show one step alone; how it ends stands in `outcomes`."""
    app = TuiFtApp(Path("/runs"), read_gpus=GpuReader(nvml or no_gpu()).read)
    actions = Actions(app)
    draft = draft or Draft()
    async with app.run_test(size=size) as pilot:
        world = World(pilot, actions, draft)
        app.push_screen(screen_class(draft, actions), world.outcomes.append)
        stack = app.screen_stack  # a step may open a question of its own at once
        await until(
            pilot, lambda: any(isinstance(one, screen_class) and one.query("KeyBar") for one in stack)
        )
        yield world


@asynccontextmanager
async def at_home(
    nvml: FakeNvml | None = None,
    size: tuple[int, int] = (80, 24),
    runs_root: Path = Path("/runs"),
    *,
    launches: bool = False,
) -> AsyncIterator[World]:
    """Begin at home, with the real presets and no runs.

    A launch is only noted, and its run opens as a line of text, unless `launches`.
    """
    app = TuiFtApp(runs_root, read_gpus=GpuReader(nvml or no_gpu()).read)
    actions = Actions(app)
    if launches:
        actions.start = functools.partial(LocalActions.start, actions)  # type: ignore[method-assign]
    else:
        app._run_screen = OpenedRun  # type: ignore[method-assign]
    app._home_screen = lambda: HomeScreen(actions)  # type: ignore[method-assign]
    async with app.run_test(size=size) as pilot:
        home = app.screen
        assert isinstance(home, HomeScreen)
        await until(pilot, lambda: home.runs.loaded and home.presets.loaded)
        yield World(pilot, actions, Draft())
