"""A small world for the tests of the home screen: rooms that answer from memory, and the real app."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
from textual.binding import Binding
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Static

from tui_ft.errors import TuiFtError
from tui_ft.hardware.gpu import Gpu, GpuProcess, GpuReading
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.listing import RunSummary
from tui_ft.spec.presets import Preset
from tui_ft.spec.run_spec import DataSection, ModelSection, RunSpec
from tui_ft.tui.app import TuiFtApp
from tui_ft.tui.screens.home import HomeScreen
from tui_ft.tui.starting import StartFacts

NO_GPU = GpuReading((), "No NVIDIA driver is installed here.")
NOON = 1_795_262_400.0


def a_gpu(index: int = 0, used_gib: float = 0.0, **changes: Any) -> Gpu:
    """An H200 with `used_gib` of 140 GiB in use."""
    gpu = Gpu(
        index=index,
        uuid=f"GPU-{index}",
        name="NVIDIA H200",
        total_bytes=140 * 2**30,
        free_bytes=int((140 - used_gib) * 2**30),
        used_bytes=int(used_gib * 2**30),
        utilization=87.0,
        power_w=540.0,
        temperature_c=61.0,
    )
    return dataclasses.replace(gpu, **changes)


A_PROCESS = (GpuProcess(4711, 2**30, "python"),)


def a_run(number: int, status: str = "finished", **changes: Any) -> RunSummary:
    """One line of the run list; the number makes its id."""
    run_id = f"20261121-demo-{number:04d}"
    run = RunSummary(
        id=run_id, path=f"/runs/{run_id}", status=status, step=100, total_steps=200, loss=1.234,
        model="Qwen/Qwen3-8B", method="QLoRA r16", name="demo", started_at=NOON - number, updated_at=NOON,
    )  # fmt: skip
    return msgspec.structs.replace(run, **changes)


def a_preset(number: int, name: str = "", *, train: str | None = "demo", **changes: Any) -> Preset:
    """A preset with the key `number`; `train=None` makes one that asks for its data."""
    spec = RunSpec(model=ModelSection(id="demo"), data=DataSection(train=train))
    preset = Preset(
        name=name or f"preset-{number}",
        path=Path(f"/presets/{number}.toml"),
        key=str(number) if number < 10 else None,
        spec=spec,
        summary=f"What preset {number} is for.",
        source="shipped",
        text=f"# What preset {number} is for.\n",
    )
    return dataclasses.replace(preset, **changes)


class Rooms:
    """Stands for everything below the home screen; what was asked of it is kept."""

    def __init__(self) -> None:
        self.runs: list[RunSummary] = []
        self.presets: list[Preset] = [a_preset(1, "demo"), a_preset(2, "own", train=None)]
        self.problems: list[str] = []
        self.reading = NO_GPU
        self.facts = StartFacts(model="demo", method="LoRA r16", gpu="none: it trains on the CPU")
        self.started: list[RunSpec] = []
        self.texts: list[str | None] = []
        self.restarted: list[str] = []
        self.stopped: list[str] = []
        self.failure: Exception | None = None
        self.data_problem = ""
        self.label_trouble = ""
        self.corner_said: list[tuple[str, str]] = []
        self.foreign: list[RunSummary] = []
        self.notes: list[str] = []
        self.adopted: list[str] = []
        self.labelled: list[tuple[list[str], dict[str, Any]]] = []

    def list_runs(self) -> list[RunSummary]:
        return list(self.runs)

    def list_foreign(self, gpus: GpuReading | None) -> tuple[list[RunSummary], list[str]]:
        return list(self.foreign), list(self.notes)

    def corner(self) -> list[tuple[str, str]]:
        return list(self.corner_said)

    def take_adopted(self) -> list[str]:
        adopted, self.adopted = self.adopted, []
        return adopted

    def label_problem(self) -> str:
        return self.label_trouble

    def label(self, run_ids: list[str], **changes: Any) -> None:
        self._fail()
        self.labelled.append((run_ids, changes))
        self.runs = [
            msgspec.structs.replace(run, **changes) if run.id in run_ids else run for run in self.runs
        ]

    def list_presets(self) -> tuple[list[Preset], list[str]]:
        return list(self.presets), list(self.problems)

    def read_gpus(self) -> GpuReading:
        return self.reading

    def gather(self, spec: RunSpec) -> StartFacts:
        return self.facts

    def check(self, spec: RunSpec) -> None:
        if self.data_problem:
            raise TuiFtError(self.data_problem, "Check the path.")

    def read_spec(self, path: Path) -> RunSpec:
        if path.exists() and "broken" in path.read_text(encoding="utf-8"):
            raise TuiFtError("training.epochs is broken.", "Give a number above 0.")
        return self.presets[0].spec

    def start(self, spec: RunSpec, text: str | None = None) -> RunDirectory:
        self._fail()
        self.started.append(spec)
        self.texts.append(text)
        self.runs.insert(0, a_run(9999, "starting", started_at=NOON + 1))
        return RunDirectory(Path(self.runs[0].path))

    def restart(self, run: RunDirectory) -> RunDirectory:
        self._fail()
        self.restarted.append(run.id)
        return RunDirectory(Path("/runs/20261121-demo-again"))

    def stop(self, run: RunDirectory) -> str:
        self._fail()
        self.stopped.append(run.id)
        return "stopping"

    def _fail(self) -> None:
        if self.failure is not None:
            raise self.failure


class OpenedRun(Screen[None]):
    """What the app shows for a run in these tests."""

    BINDINGS = [Binding("q", "dismiss", "Back")]

    def __init__(self, run: RunDirectory) -> None:
        super().__init__()
        self.run = run

    def compose(self) -> Any:
        yield Static(self.run.id)


def an_app(rooms: Rooms) -> TuiFtApp:
    """The real app on `rooms`; a run opens as `OpenedRun`."""
    app = TuiFtApp(Path("/runs"))
    app._home_screen = lambda: HomeScreen(rooms)  # type: ignore[method-assign]
    app._run_screen = OpenedRun  # type: ignore[method-assign, assignment]
    return app


async def until(pilot: Pilot[Any], condition: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait for `condition`; an app that never gets there fails the test with what it shows."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not condition():
        if asyncio.get_running_loop().time() > deadline:
            raise AssertionError("never came to be; the screen shows:\n" + "\n".join(shown(pilot.app)))
        await pilot.pause(0.01)


async def ready(pilot: Pilot[Any]) -> HomeScreen:
    """Wait until the home screen has read runs, presets and GPUs; return it."""
    home = pilot.app.screen
    assert isinstance(home, HomeScreen)
    await until(pilot, lambda: home.runs.loaded and home.presets.loaded)
    await until(pilot, lambda: "GPU" in shown(pilot.app)[0])
    return home


def shown(app: Any) -> list[str]:
    """The lines of the screen as a person sees them."""
    app.screen._compositor.full_map  # noqa: B018 - the layout is computed on the first look
    return [strip.text.rstrip() for strip in app.screen._compositor.render_strips()]


@asynccontextmanager
async def at_home(rooms: Rooms, size: tuple[int, int] = (80, 24)) -> AsyncIterator[Pilot[Any]]:
    """The app on `rooms`, with everything on the home screen read."""
    async with an_app(rooms).run_test(size=size) as pilot:
        await ready(pilot)
        yield pilot


async def on_screen(pilot: Pilot[Any], text: str) -> None:
    """Wait until `text` is to be read, whatever the white space in it."""
    await until(pilot, lambda: text in " ".join(" ".join(shown(pilot.app)).split()))
