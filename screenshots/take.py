"""Takes the README's pictures: drives the real app through a real demo run and writes what it shows as SVG.

    .venv/bin/python screenshots/take.py [FOLDER]

Needs what the demo needs, and a minute. Everything happens in `PLACE`, which is removed afterwards: a copy
of the package lies there, so that the paths in the pictures are nobody's.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import random
import re
import shutil
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import unattended
from cells import to_svg

if TYPE_CHECKING:
    from textual.pilot import Pilot

    from tui_ft.runs.directory import RunDirectory
    from tui_ft.tui.screens.run import RunScreen

REPOSITORY = Path(__file__).resolve().parent.parent
PLACE = Path("/tmp/tui-ft-demo")
RUNS = PLACE / "runs"
WIDE, NARROW = (120, 40), (80, 24)
LIVE_STEPS = 90
"""The pictures of the live run show so many of the demo's 160 steps."""
INVENTED_STEPS = 80
PATIENCE_S = 180.0
QWEN3_8B_BYTES = 16_396_000_000
"""What the Hub says of its safetensors files and tokenizer, about."""

EARLIER = (
    ("demo-full", ["method.kind=full", "training.learning_rate=0.0005", "training.max_steps=60"]),
    ("demo-qlora", ["method.kind=qlora", "training.max_steps=80"]),
    ("demo-stopped", ["method.kind=last_layers", "method.layers=2", "training.max_steps=5000"]),
)
"""Runs that came before, so that the list shows what a list is for; the last one is stopped."""


def main() -> None:
    """Take every picture into the folder named on the command line, else beside this script."""
    folder = Path(sys.argv[1]).absolute() if len(sys.argv) > 1 else Path(__file__).resolve().parent
    try:
        PLACE.mkdir()
    except FileExistsError:
        raise SystemExit(
            f"{PLACE} is there already: remove it first, unless pictures are being taken."
        ) from None
    try:
        set_up()
        asyncio.run(take(folder))
    finally:
        shutil.rmtree(PLACE, ignore_errors=True)


def set_up() -> None:
    """Copy the package into `PLACE` and make this process, and what it starts, live there."""
    for name in ("tui_ft", "presets"):
        shutil.copytree(REPOSITORY / name, PLACE / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("NO_COLOR", "TUI_FT_ASCII", "LC_ALL", "LC_CTYPE"):
        os.environ.pop(name, None)
    os.environ.update(
        HOME=str(PLACE),
        XDG_CONFIG_HOME=str(PLACE / "config"),
        XDG_CACHE_HOME=str(PLACE / "cache"),
        XDG_DATA_HOME=str(PLACE / "data"),
        XDG_STATE_HOME=str(PLACE / "state"),
        TUI_FT_RUNS=str(RUNS),
        PYTHONPATH=str(PLACE),
        PYTHONDONTWRITEBYTECODE="1",
        LANG="C.UTF-8",
        TERM="xterm-256color",
        TEXTUAL_COLOR_SYSTEM="truecolor",  # a headless app has no terminal to ask
        TEXTUAL_ANIMATIONS="none",
    )
    os.chdir(PLACE)
    sys.path.insert(0, str(PLACE))


async def take(folder: Path) -> None:
    """Make the earlier runs, then go through the app as a person would, taking a picture at each place."""
    from tui_ft.runs import directory
    from tui_ft.tui.app import TuiFtApp
    from tui_ft.tui.screens.home import HomeScreen
    from tui_ft.tui.screens.run import RunScreen

    for name, changes in EARLIER:
        await make_earlier_run(name, changes)
    too_fast = unattended.leave_alone(RUNS, PLACE / "none")
    app = TuiFtApp(RUNS)
    try:
        async with app.run_test(size=WIDE) as pilot:
            await until(pilot, lambda: isinstance(app.screen, HomeScreen) and app.screen.presets.loaded)
            await pilot.press("1")
            await until(pilot, lambda: isinstance(app.screen, RunScreen))
            screen = app.screen
            assert isinstance(screen, RunScreen)
            await until(pilot, lambda: is_drawn(screen, LIVE_STEPS))
            picture(pilot, folder / "run-live.svg")
            await pilot.resize_terminal(*NARROW)
            await until(pilot, lambda: is_drawn(screen, LIVE_STEPS + 15))
            picture(pilot, folder / "run-80x24.svg")
            await pilot.resize_terminal(*WIDE)
            await pilot.press("q")
            await until(pilot, lambda: isinstance(app.screen, HomeScreen) and shows(pilot, "running"))
            await pilot.pause(0.5)
            picture(pilot, folder / "home.svg")
            await pilot.press("enter")
            await until(pilot, lambda: shows(pilot, "finished") and shows(pilot, "Wanted"))
            picture(pilot, folder / "run-finished.svg")
            await pilot.press("question_mark")
            await until(pilot, lambda: shows(pilot, "Every key"))
            picture(pilot, folder / "help.svg")
        await take_data(folder)
        await take_settings(folder)
        await take_method(folder)
        await take_memory(folder)
        await take_watching(folder)
        camera = sys.modules[__name__]
        unattended.set_price(PLACE / "config" / "tui-ft")
        await unattended.take_unattended(camera, too_fast, folder)
        await unattended.take_queue(camera, RUNS, PLACE / "none", folder)
    finally:
        for run in directory.list_directories(RUNS):
            end(run)


async def take_data(folder: Path) -> None:
    """Take the Data step: faults that were planted in a made-up data set, and a row token by token."""
    from tui_ft.tui.app import TuiFtApp

    write_rows(PLACE / "orders.jsonl")
    app = TuiFtApp(RUNS)
    async with app.run_test(size=NARROW) as pilot:
        await go_to_data(pilot, "demo")
        picture(pilot, folder / "new-run-data.svg")
        await pilot.press("home", "v")
        await until(pilot, lambda: shows(pilot, "Row 1 of") and shows(pilot, "not trained"))
        picture(pilot, folder / "new-run-row.svg")
        await pilot.press("escape", "q")


async def take_settings(folder: Path) -> None:
    """Take the Settings and the Review for an 8B model on the invented box."""
    from tui_ft.hardware.gpu import GpuReader
    from tui_ft.tui import starting
    from tui_ft.tui.app import TuiFtApp
    from tui_ft.tui.download import Download

    answer = Download(needed_bytes=QWEN3_8B_BYTES)
    starting.measure = lambda *_: answer  # type: ignore[assignment] # pictures are taken offline
    app = TuiFtApp(RUNS, read_gpus=GpuReader(an_invented_gpu()).read)
    async with app.run_test(size=NARROW) as pilot:
        await go_to_data(pilot, "Qwen/Qwen3-8B", begin="n")
        await pilot.press("enter")
        await until(pilot, lambda: shows(pilot, "›4 Method‹") and shows(pilot, "is recommended"))
        await pilot.press("enter")
        await until(pilot, lambda: shows(pilot, "›5 Settings‹") and shows(pilot, "Cost"))
        await pilot.press("right", "right")
        await until(pilot, lambda: shows(pilot, "≠  5e-4"))
        await pilot.pause(0.5)
        picture(pilot, folder / "new-run-settings.svg")
        await pilot.press("backspace", "enter")
        await until(pilot, lambda: shows(pilot, "›6 Review‹") and shows(pilot, "Smoke run"))
        await pilot.pause(0.5)
        picture(pilot, folder / "new-run-review.svg")
        await pilot.press("q")


async def go_to_data(pilot: Pilot[None], model: str, begin: str = "") -> None:
    """From home to the checked data of a run of `model`; `begin` answers the question about a kept one."""
    await until(pilot, lambda: shows(pilot, "n New"))
    await pilot.press("n")
    if begin:
        await until(pilot, lambda: shows(pilot, "Go on with the run that you began?"))
        await pilot.press(begin)
    await until(pilot, lambda: shows(pilot, "›1 Goal‹") and shows(pilot, "✓ Go."))
    await pilot.press("enter")
    await until(pilot, lambda: shows(pilot, "›2 Model‹") and shows(pilot, "★"))
    await pilot.press("slash")
    await until(pilot, lambda: shows(pilot, "Which model?"))
    await pilot.press(*model, "enter")
    await until(pilot, lambda: shows(pilot, "▸") and not shows(pilot, "Which model?"))
    await pilot.press("enter")
    await until(pilot, lambda: shows(pilot, "›3 Data‹") and shows(pilot, "orders.jsonl"))
    await pilot.press(*"orders", "enter")
    await until(pilot, lambda: shows(pilot, "rows can be trained on") or shows(pilot, "rows are usable"))
    await pilot.pause(0.5)


def write_rows(path: Path) -> None:
    """Write 1,200 questions to a made-up shop with their answers; a few rows have faults."""
    things = ("lamp", "chair", "kettle", "desk", "rug", "mirror", "shelf", "clock")
    rows = [
        {
            "messages": [
                {"role": "user", "content": f"Where is order {1000 + number}, the {things[number % 8]}?"},
                {
                    "role": "assistant",
                    "content": f"Order {1000 + number} left our store on day {number % 28 + 1}. "
                    f"The {things[number * 5 % 8]} needs {number % 5 + 2} days to reach you.",
                },
            ]
        }
        for number in range(1200)
    ]
    rows[41] = rows[40]
    rows[77]["messages"][1]["content"] = ""
    rows[300]["messages"][0]["content"] += " Write to ada.miller@post-example.org, please."
    rows[512]["messages"][1]["content"] = "Dear {{customer}}, it is on its way."
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


async def take_method(folder: Path) -> None:
    """Take the Method screen on a box that is invented: one 24 GB GPU, half of it held by others."""
    from tui_ft.hardware.gpu import GpuReader
    from tui_ft.tui.app import TuiFtApp
    from tui_ft.tui.screens.home import HomeScreen

    app = TuiFtApp(RUNS, read_gpus=GpuReader(an_invented_gpu()).read)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: isinstance(app.screen, HomeScreen) and app.screen.presets.loaded)
        await pilot.press("tab", "down", "m")
        await until(pilot, lambda: shows(pilot, "is recommended"))
        await pilot.press("up")
        await until(pilot, lambda: shows(pilot, "To make it fit"))
        picture(pilot, folder / "method.svg")
        await pilot.resize_terminal(*NARROW)
        await pilot.press("down", "e")
        await until(pilot, lambda: shows(pilot, "= needed"))
        picture(pilot, folder / "method-80x24.svg")


async def take_memory(folder: Path) -> None:
    """Take the run screen of a run on a GPU: predicted beside measured memory. The run is invented."""
    from tui_ft.tui.app import TuiFtApp

    start = time.time() - INVENTED_STEPS / 2
    made = of_the_tests("synthetic_run.py").SyntheticRun(RUNS, total_steps=200, name="invented", start=start)
    with made:
        made.foresee()
        made.begin_training()
        made.advance(INVENTED_STEPS)
        made.measure()
        made.set_state("running", model="invented/3B")
        made.live_here()
        app = TuiFtApp(RUNS, made.run, clock=lambda: made.now)
        async with app.run_test(size=NARROW) as pilot:
            await until(pilot, lambda: shows(pilot, "measured"))
            await pilot.pause(0.5)
            picture(pilot, folder / "run-memory.svg")
        made.finish()


async def take_watching(folder: Path) -> None:
    """Take a W&B run that somebody else's script wrote, and runs laid over each other."""
    from tui_ft.runs import directory
    from tui_ft.tui.app import TuiFtApp
    from tui_ft.tui.found_source import FoundSource
    from tui_ft.tui.screens.compare import CompareScreen
    from tui_ft.watch.finding import find_runs
    from tui_ft.watch.found import found_ours

    app = TuiFtApp(RUNS)
    async with app.run_test(size=(100, 32)) as pilot:
        (theirs,) = find_runs(write_wandb_run(PLACE / "work"))
        app.open_found(theirs)
        await until(pilot, lambda: shows(pilot, "FAILED") and shows(pilot, "OutOfMemoryError"))
        await pilot.pause(0.5)
        picture(pilot, folder / "watch-wandb.svg")
    names = [name for name, _ in EARLIER[:2]]
    ours = [run for run in directory.list_directories(RUNS) if any(f"-{name}-" in run.id for name in names)]
    async with app_again().run_test(size=(100, 32)) as pilot:
        sources = [FoundSource(found_ours(run), time.time) for run in ours]
        screen = CompareScreen(sources)
        await pilot.app.push_screen(screen)
        await until(pilot, lambda: shows(pilot, "has the lowest eval loss") and bool(screen.grid.seen))
        await pilot.pause(0.5)
        picture(pilot, folder / "compare.svg")


def app_again(**options: Any) -> Any:
    """An app of its own: a Textual app runs once."""
    from tui_ft.tui.app import TuiFtApp

    return TuiFtApp(RUNS, **options)


def write_wandb_run(folder: Path) -> Path:
    """A W&B run of 340 steps that ran out of memory, as its own client would have left it."""
    writers = of_the_tests("foreign_writers.py")
    rng = random.Random(11)
    config = {
        "model_name_or_path": "Qwen/Qwen2.5-7B", "learning_rate": 2e-4, "lora_r": 64,
        "per_device_train_batch_size": 8, "lr_scheduler_type": "cosine",
    }  # fmt: skip
    with writers.WandbFile(folder / "wandb", "k3x9w2ab", config=config) as file:
        for step in range(1, 341):
            metrics = dict(zip(writers.TAGS, writers.values(step, 600, rng), strict=True))
            evaluated = {"eval/loss": metrics["train/loss"] + 0.05} if step % 50 == 0 else {}
            file.log(writers.START + 2.4 * step, {**metrics, **evaluated, "train/global_step": step})
        (file.folder / "files" / "output.log").write_text(
            "Loading checkpoint shards: 100%\nevaluating 512 rows\nTraceback (most recent call last):\n"
            '  File "train.py", line 88, in <module>\n    trainer.train()\n'
            "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.32 GiB.\n"
        )
        file.exit(1)
    return file.folder


def an_invented_gpu() -> Any:
    """The tests' stand-in for NVML, with one RTX 4090 on which two processes are."""
    module = of_the_tests("hardware/fake_nvml.py")
    gib = module.GIB
    memory = tuple(int(size * gib) for size in (23.99, 12.1, 11.5))
    compute = [(4711, int(7.9 * gib)), (4_194_400, int(3.6 * gib))]
    rtx_4090 = {"Name": "NVIDIA GeForce RTX 4090", "capability": (8, 9), "memory": memory, "compute": compute}
    return module.FakeNvml({**module.FULL, **rtx_4090})


def of_the_tests(name: str) -> Any:
    """A module of the tests, by its file: they are no package, and not in `PLACE`."""
    path = REPOSITORY / "tests" / name
    described = importlib.util.spec_from_file_location(path.stem, path)
    assert described is not None and described.loader is not None
    module = importlib.util.module_from_spec(described)
    described.loader.exec_module(module)
    return module


async def make_earlier_run(name: str, changes: list[str]) -> None:
    """Launch the demo preset with `changes` and see it through; a very long run is stopped on its way."""
    from tui_ft.runs import control, launch
    from tui_ft.runs.records import ENDED
    from tui_ft.runs.truth import read_truth
    from tui_ft.spec import overrides, presets
    from tui_ft.watch.sources.tui_ft import TuiFtSource

    preset = presets.find_preset("demo", PLACE / "none")
    run = launch.start(overrides.apply(preset.spec, [f"notes.name={name}", *changes]), RUNS)
    source, is_stopped = TuiFtSource(run), False
    for _ in range(int(PATIENCE_S / 0.2)):
        source.poll()
        if name.endswith("stopped") and not is_stopped and (source.reading.step or 0) >= LIVE_STEPS:
            control.request(run, "stop", by="screenshots")
            is_stopped = True
        if read_truth(run).status in ENDED:
            return
        await asyncio.sleep(0.2)
    raise SystemExit(f"{run.id} did not end within {PATIENCE_S:.0f} s.")


def end(run: RunDirectory) -> None:
    """End a run that still goes on: its directory is about to be removed."""
    from tui_ft.runs import control
    from tui_ft.runs.records import ACTIVE
    from tui_ft.runs.truth import read_truth

    if read_truth(run).status in ACTIVE:
        control.request(run, "stop", by="screenshots", now=True)


def is_drawn(screen: RunScreen, step: int) -> bool:
    """True when the screen has read so many steps; a run that failed ends the wait."""
    reading = screen.reading
    if reading.status in ("failed", "lost"):
        raise SystemExit(f"The demo {reading.status}: {reading.reason}")
    return (reading.step or 0) >= step


async def until(pilot: Pilot[None], condition: Callable[[], bool]) -> None:
    """Wait for `condition`, then for the screen to settle. Raises `SystemExit` when it never comes."""
    for _ in range(int(PATIENCE_S / 0.05)):
        if condition():
            await pilot.pause()
            return
        await pilot.pause(0.05)
    raise SystemExit("The app never got there; it shows:\n" + "\n".join(lines(pilot)))


def lines(pilot: Pilot[None]) -> list[str]:
    """The lines of the screen as text."""
    return [strip.text for strip in pilot.app.screen._compositor.render_strips()]


def shows(pilot: Pilot[None], words: str) -> bool:
    """True when `words` stand somewhere on the screen."""
    return any(words in line for line in lines(pilot))


def picture(pilot: Pilot[None], path: Path) -> None:
    """Write the screen to `path`. Raises `SystemExit` when it would show where it was made."""
    shown = "\n".join(lines(pilot))
    for private in (str(REPOSITORY), str(Path(sys.executable).parent), socket.gethostname()):
        if re.search(rf"(?<!\w){re.escape(private)}(?!\w)", shown):
            raise SystemExit(f"{path.name} would show {private}.")
    strips = pilot.app.screen._compositor.render_strips()
    path.write_text(to_svg(strips, pilot.app.size.width, "tui-ft"), encoding="utf-8")
    sys.stderr.write(f"{path}\n")


if __name__ == "__main__":
    main()
