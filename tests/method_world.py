"""The Method screen for tests: the real app and the real rooms below it; only NVML is a stand-in."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from hardware.fake_nvml import FULL, GIB, FakeNvml
from home_world import OpenedRun, shown, until
from textual.pilot import Pilot

from tui_ft.hardware.gpu import GpuReader
from tui_ft.runs.directory import RunDirectory
from tui_ft.spec import overrides
from tui_ft.spec.presets import find_preset
from tui_ft.spec.run_spec import RunSpec
from tui_ft.tui.actions import LocalActions
from tui_ft.tui.app import TuiFtApp
from tui_ft.tui.screens.method import MethodScreen
from tui_ft.tui.starting import StartFacts, memory

SIZES = [(80, 24), (120, 40)]
NO_DRIVER = 12


def no_gpu() -> FakeNvml:
    return FakeNvml(init_error=NO_DRIVER)


def device(index: int, name: str, total: float, free: float, *processes: tuple[int, float]) -> dict[str, Any]:
    """A GPU of `total` GiB; `processes` are pids with the GiB that they hold."""
    memory = tuple(int(size * GIB) for size in (total, free, sum(held for _, held in processes)))
    compute = [(pid, int(held * GIB)) for pid, held in processes]
    return {**FULL, "UUID": f"GPU-{index}", "Name": f"NVIDIA {name}", "memory": memory, "compute": compute}


def half_a_gpu(own_pid: int) -> FakeNvml:
    """One 24 GB GPU, half of it held by two processes, of which one is not this machine's."""
    return FakeNvml(device(0, "GeForce RTX 4090", 23.99, 12.1, (own_pid, 7.9), (4_194_400, 3.6)))


def eight_gpus() -> FakeNvml:
    """Eight GPUs; the first, the fourth and the seventh are in use."""
    return FakeNvml(
        *(
            device(index, "H200", 139.8, 50 + index, (4000 + index, 89.0 - index))
            if index % 3 == 0
            else device(index, "H200", 139.8, 139.3)
            for index in range(8)
        )
    )


class Actions(LocalActions):
    """The real rooms; only a launch is noted instead of made, and nothing is asked of the network."""

    def __init__(self, app: TuiFtApp) -> None:
        super().__init__(app.runs_root, app.read_gpus, app.clock)
        self.started: list[tuple[RunSpec, str | None]] = []

    def gather(self, spec: RunSpec) -> StartFacts:
        needed, lack = memory(spec, self.read_gpus())
        return StartFacts(model=spec.model.id or "–", method="–", gpu="–", memory=needed, lack=lack)

    def start(self, spec: RunSpec, text: str | None = None) -> RunDirectory:
        self.started.append((spec, text))
        return RunDirectory(Path("/runs/20261121-started"))


@dataclasses.dataclass
class At:
    """The screen, under a pilot."""

    pilot: Pilot[Any]
    nvml: FakeNvml
    actions: Actions

    @property
    def screen(self) -> MethodScreen:
        return next(one for one in self.pilot.app.screen_stack if isinstance(one, MethodScreen))

    @property
    def lines(self) -> list[str]:
        return shown(self.pilot.app)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.lines).split())

    def row(self, label: str) -> str:
        """The line of a method; "" where it is not seen."""
        rows = (line for line in self.lines if not line.startswith("─"))
        return next((line for line in rows if line[3:].startswith(label)), "")

    async def sees(self, *words: str) -> None:
        await until(self.pilot, lambda: all(word in self.text for word in words))

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)


@asynccontextmanager
async def at_method(
    nvml: FakeNvml, preset: str = "qlora-8b-24gb", size: tuple[int, int] = (80, 24), *changes: str
) -> AsyncIterator[At]:
    """Open the screen with a shipped preset, and wait for its numbers."""
    found = find_preset(preset, Path("/nowhere"))
    app = TuiFtApp(Path("/runs"), read_gpus=GpuReader(nvml).read)
    app._run_screen = OpenedRun  # type: ignore[method-assign, assignment]
    actions = Actions(app)
    async with app.run_test(size=size) as pilot:
        app.open_method(overrides.apply(found.spec, changes), found.name, found.text, actions)
        at = At(pilot, nvml, actions)
        await until(pilot, lambda: isinstance(app.screen, MethodScreen))
        await until(pilot, lambda: at.screen._view)
        yield at
