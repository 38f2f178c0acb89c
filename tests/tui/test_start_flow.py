"""A start with one key: what does not fit offers what would, what is gone says so before anything starts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from home_world import NO_GPU, Rooms, a_preset, a_run, an_app, ready, shown, until
from method_world import half_a_gpu
from textual.pilot import Pilot

from tui_ft.hardware.gpu import GpuReader
from tui_ft.runs import directory
from tui_ft.spec import overrides, toml
from tui_ft.spec.run_spec import DataSection, ModelSection, RunSpec
from tui_ft.tui.screens.ask import Confirm
from tui_ft.tui.screens.ask_step_down import AskStepDown
from tui_ft.tui.starting import StartFacts, gather
from tui_ft.vram.situation import StepDown

BATCH = StepDown(
    change="batch 4 to 1, accumulation 4 to 16",
    overrides=("training.batch_size=1", "training.gradient_accumulation=16"),
    needed_bytes=20 * 2**30,
    verdict="fits",
)
TOO_LARGE = StartFacts(
    model="Qwen/Qwen3-8B", method="LoRA r16", gpu="GPU 0",
    memory="27.6 GiB needed, 24.0 free: does not fit",
    lack="It does not fit: 27.6 GiB are needed, 24.0 are free.", step_downs=(BATCH,),
)  # fmt: skip


@pytest.fixture(autouse=True)
def no_inherited_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


@asynccontextmanager
async def asked(rooms: Rooms, key: str = "1") -> AsyncIterator[Pilot[Any]]:
    """Home, with the question about what does not fit."""
    app = an_app(rooms)
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press(key)
        await until(pilot, lambda: isinstance(app.screen, AskStepDown))
        yield pilot


async def test_the_change_is_taken_and_the_text_stays_the_users() -> None:
    rooms = Rooms()
    rooms.facts = TOO_LARGE
    async with asked(rooms) as pilot:
        text = " ".join(" ".join(shown(pilot.app)).split())
        assert "It does not fit: 27.6 GiB are needed, 24.0 are free. How is demo to start?" in text
        assert "1 batch 4 to 1, accumulation 4 to 16: 20.0 GiB, fits" in text
        await pilot.press("1")
        await until(pilot, lambda: rooms.started)
    (spec,) = rooms.started
    assert (spec.training.batch_size, spec.training.gradient_accumulation) == (1, 16)
    assert rooms.texts == [rooms.presets[0].text]


async def test_as_it_is_or_not_at_all() -> None:
    rooms = Rooms()
    rooms.facts = TOO_LARGE
    async with asked(rooms) as pilot:
        await pilot.press("n")
        await until(pilot, lambda: "Nothing was started." in " ".join(shown(pilot.app)))
        assert not rooms.started
    async with asked(rooms) as pilot:
        await pilot.press("y")
        await until(pilot, lambda: rooms.started == [rooms.presets[0].spec])


async def test_who_holds_the_gpu_is_asked_about_as_well() -> None:
    rooms = Rooms()
    rooms.facts = msgspec.structs.replace(TOO_LARGE, held="1 process, 11.5 GiB in use")
    async with asked(rooms) as pilot:
        await pilot.press("1")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        assert "It does not fit" not in " ".join(shown(pilot.app)), "that was answered"
        await pilot.press("y")
        await until(pilot, lambda: rooms.started)


async def test_a_restart_takes_the_change_too_and_keeps_the_comments(tmp_path: Path) -> None:
    rooms = Rooms()
    rooms.facts = TOO_LARGE
    run = directory.create(tmp_path, "earlier")
    run.spec.write_text("# tried before\n" + toml.dumps(rooms.presets[0].spec))
    rooms.runs = [a_run(1, id=run.id, path=str(run.path))]
    async with asked(rooms, "r") as pilot:
        await pilot.press("1")
        await until(pilot, lambda: rooms.started)
    assert rooms.started[0].training.batch_size == 1 and not rooms.restarted
    text = rooms.texts[0]
    assert text is not None and text.startswith("# tried before\n")
    assert toml.loads(text) == rooms.started[0]
    rooms = Rooms()
    rooms.facts = TOO_LARGE
    rooms.runs = [a_run(1, id=run.id, path=str(run.path))]
    async with asked(rooms, "r") as pilot:
        await pilot.press("y")
        await until(pilot, lambda: rooms.restarted == [run.id])


async def test_where_nothing_would_fit_it_is_asked_as_before() -> None:
    rooms = Rooms()
    rooms.facts = msgspec.structs.replace(TOO_LARGE, step_downs=())
    app = an_app(rooms)
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("1")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        assert "Start demo all the same?" in " ".join(" ".join(shown(app)).split())


async def test_what_is_gone_is_said_and_nothing_is_asked(tmp_path: Path) -> None:
    rooms = Rooms()
    preset = a_preset(1, "mine", train=str(tmp_path / "gone.jsonl"))
    rooms.presets = [preset]
    rooms.facts = gather(preset.spec, NO_GPU, tmp_path)
    app = an_app(rooms)
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("1")
        await until(pilot, lambda: "There is no data file" in " ".join(shown(app)))
        assert not rooms.started and not isinstance(app.screen, Confirm)


def test_the_facts_of_what_does_not_fit_name_what_would(tmp_path: Path) -> None:
    spec = RunSpec(model=ModelSection(id="Qwen/Qwen3-8B"), data=DataSection(train="demo"))
    reading = GpuReader(half_a_gpu(1)).read()
    facts = gather(spec, reading, tmp_path)
    assert facts.lack and facts.step_downs and not facts.problems
    for step in facts.step_downs:
        lesser = gather(overrides.apply(spec, step.overrides), reading, tmp_path)
        assert not lesser.lack and not lesser.step_downs, step.change
