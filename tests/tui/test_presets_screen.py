"""The Presets screen with real files: what it says of a preset, and what its keys do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hardware.fake_nvml import FakeNvml
from home_world import shown, until
from method_world import SIZES, Actions, device, no_gpu
from textual.pilot import Pilot

from tui_ft import settings
from tui_ft.hardware.gpu import GpuReader
from tui_ft.spec import overrides, preset_store, toml
from tui_ft.spec.presets import find_preset
from tui_ft.spec.run_spec import RunSpec
from tui_ft.tui.app import TuiFtApp
from tui_ft.tui.screens.presets import PresetsScreen

MINE = '# My own, by hand.\n[model]\nid = "demo"  # tiny\n[data]\ntrain = "demo"\n'


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("CONFIG", "CACHE", "STATE", "DATA"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    return tmp_path


def keep(name: str, *changes: str, text: str = MINE, key: str | None = None) -> RunSpec:
    spec = overrides.apply(toml.loads(text), changes)
    return preset_store.save(spec, name, text=text, key=key).spec


def names() -> list[str]:
    return sorted(path.stem for path in settings.user_presets_folder().glob("[!.]*.toml"))


class World:
    def __init__(self, pilot: Pilot[None], app: TuiFtApp, actions: Actions) -> None:
        self.pilot, self.app, self.actions = pilot, app, actions

    @property
    def screen(self) -> PresetsScreen:
        found = self.app.screen
        assert isinstance(found, PresetsScreen)
        return found

    async def choose(self, name: str) -> None:
        wanted = next(row for row in self.screen.presets.rows if row.name == name)
        self.screen.presets.choose(self.screen.presets.key_of(wanted))
        await self.pilot.pause()

    @property
    def text(self) -> str:
        return "\n".join(shown(self.app))

    async def says(self, *texts: str) -> None:
        await until(self.pilot, lambda: all(text in self.text for text in texts))

    async def write(self, text: str) -> None:
        await self.pilot.press(*("end", *["backspace"] * 40), *text)
        await self.pilot.press("enter")


@asynccontextmanager
async def presets(nvml: FakeNvml | None = None, size: tuple[int, int] = (80, 24)) -> AsyncIterator[World]:
    app = TuiFtApp(Path("/runs"), read_gpus=GpuReader(nvml or no_gpu()).read)
    async with app.run_test(size=size) as pilot:
        actions = Actions(app)
        screen = PresetsScreen(actions)
        await app.push_screen(screen)
        await until(pilot, lambda: len(screen._found) == len(screen.presets.rows) > 0)
        yield World(pilot, app, actions)


@pytest.mark.parametrize("size", SIZES)
async def test_a_preset_is_shown_with_what_stands_against_it(size: tuple[int, int], places: Path) -> None:
    keep("mine")
    keep("gone", f"data.train={places}/gone.jsonl")
    async with presets(size=size) as world:
        await world.choose("mine")
        await world.says("My own, by hand.", "It can start")
        await world.choose("gone")
        await world.says("There is no data file")
        assert "✗ gone" in world.text


async def test_what_does_not_fit_says_what_would() -> None:
    async with presets(FakeNvml(device(0, "GeForce RTX 4090", 23.99, 23.2))) as world:
        await world.choose("lora-8b-80gb")
        await world.says("does not fit", "Enter offers what would fit")


async def test_two_presets_are_compared_field_by_field() -> None:
    async with presets(size=(120, 40)) as world:
        await world.choose("qlora-8b-24gb")
        await world.pilot.press("c")
        await world.says("Choose another preset")
        await world.choose("lora-8b-80gb")
        await world.says("method.quantization", "nf4")
        assert "model.id" not in world.text
        await world.pilot.press("a")
        await world.says("model.id")
        assert "a All fields" in world.text and "Delete" not in world.text
        await world.pilot.press("d")
        assert isinstance(world.pilot.app.screen, PresetsScreen)
        await world.pilot.press("c")
        await world.says("asked for at the start")


async def test_rename_refuses_a_taken_name_and_goes_on() -> None:
    keep("mine")
    keep("other")
    async with presets() as world:
        await world.choose("mine")
        await world.pilot.press("r")
        await world.says("What shall mine be called?")
        await world.write("other")
        await world.says("already")
        await world.write("better")
        await until(world.pilot, lambda: names() == ["better", "other"])
        await until(world.pilot, lambda: isinstance(world.app.screen, PresetsScreen))
        await until(world.pilot, lambda: world.screen.presets.chosen.name == "better")


async def test_a_key_is_chosen_and_the_other_preset_takes_the_old_one() -> None:
    keep("mine")
    async with presets() as world:
        await world.choose("qlora-8b-24gb")
        await world.pilot.press("k")
        await world.says("Which key")
        await world.write("1")
        await until(world.pilot, lambda: isinstance(world.app.screen, PresetsScreen))
        await until(world.pilot, lambda: world.screen.presets.chosen.key == "1")
        keys = {row.name: row.key for row in world.screen.presets.rows}
        assert (keys["qlora-8b-24gb"], keys["demo"], keys["mine"]) == ("1", "2", "9")


async def test_delete_asks_and_leaves_shipped_ones_alone() -> None:
    keep("mine")
    async with presets() as world:
        await world.choose("mine")
        await world.pilot.press("d")
        await world.says("Delete mine for good?")
        await world.pilot.press("n")
        assert names() == ["mine"]
        await world.pilot.press("d")
        await world.says("Delete mine for good?")
        await world.pilot.press("y")
        await until(world.pilot, lambda: names() == [])
        await until(world.pilot, lambda: isinstance(world.app.screen, PresetsScreen))
        await world.choose("demo")
        await world.pilot.press("d")
        await world.says("comes with tui-ft")


async def test_a_copy_keeps_what_was_written() -> None:
    keep("mine")
    async with presets() as world:
        await world.choose("mine")
        await world.pilot.press("w")
        await world.says("Save as a preset")
        await world.pilot.press("enter")
        await until(world.pilot, lambda: names() == ["mine", "mine-copy"])
        assert find_preset("mine-copy", settings.user_presets_folder()).text == MINE


async def test_an_edited_preset_is_kept_byte_for_byte(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep("mine")
    edited = MINE.replace('"demo"\n', '"other.jsonl"\n')

    def edit(app: TuiFtApp, draft: object) -> bool:
        draft.path.write_text(edited)
        draft.text = edited
        return True

    monkeypatch.setattr("tui_ft.tui.editor.edit", edit)
    async with presets() as world:
        await world.choose("mine")
        await world.pilot.press("e")
        path = find_preset("mine", settings.user_presets_folder()).path
        await until(world.pilot, lambda: path.read_text() == edited)


async def test_enter_starts_the_preset() -> None:
    keep("mine")
    async with presets() as world:
        await world.choose("mine")
        await world.pilot.press("enter")
        await until(world.pilot, lambda: len(world.actions.started) == 1)
        assert world.actions.started[0][0].model.id == "demo"


async def test_esc_goes_back() -> None:
    async with presets() as world:
        await world.pilot.press("escape")
        assert not isinstance(world.app.screen, PresetsScreen)
