"""A spec becomes a preset from the run screen, from home and from the wizard, under a name and a key."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from home_world import Rooms, a_run, an_app, ready, shown, until
from textual.app import App
from textual.pilot import Pilot
from textual.widgets import Input

from tui_ft import settings
from tui_ft.runs import directory
from tui_ft.spec import preset_store, presets, toml
from tui_ft.spec.run_spec import DataSection, ModelSection, RunSpec, TrainingSection
from tui_ft.tui.screens.run import RunScreen
from tui_ft.tui.screens.save_preset import SavePreset, save_as_preset
from tui_ft.watch.sources.tui_ft import TuiFtSource

SPEC = RunSpec(
    model=ModelSection(id="demo"), data=DataSection(train="/data/own.jsonl", eval="/data/eval.jsonl"),
    training=TrainingSection(epochs=2.0),
)  # fmt: skip


@pytest.fixture(autouse=True)
def own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def kept() -> dict[str, presets.Preset]:
    found, problems = presets.list_presets(settings.user_presets_folder())
    assert not problems
    return {preset.name: preset for preset in found}


class Asking(App[None]):
    """Shows the dialog on nothing."""

    def __init__(self, text: str | None = None) -> None:
        super().__init__()
        self.text = text
        self.answers: list[Any] = []

    def on_mount(self) -> None:
        async def ask() -> None:
            self.answers.append(await save_as_preset(self, SPEC, "My Run", self.text))

        self.run_worker(ask())


async def opened(pilot: Pilot[Any]) -> None:
    """Wait until the dialog takes keys."""
    await until(pilot, lambda: isinstance(pilot.app.focused, Input) and pilot.app.focused.id == "name")
    assert isinstance(pilot.app.screen, SavePreset)


async def test_enter_keeps_it_with_its_data_under_the_name_and_key() -> None:
    app = Asking(text="# my words\n" + toml.dumps(SPEC))
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        assert "Name my-run" in "\n".join(shown(app))
        await pilot.press("tab", "3")
        await until(pilot, lambda: "3 starts lora-3b-24gb now" in " ".join(shown(app)))
        await pilot.press("enter")
        await until(pilot, lambda: app.answers)
    (preset,) = app.answers
    assert (preset.name, preset.key, preset.source) == ("my-run", "3", "user")
    assert preset.spec == SPEC and preset.text.startswith("# my words\n")
    assert kept()["lora-3b-24gb"].key != "3"


async def test_without_its_data_it_asks_for_them_at_the_start() -> None:
    app = Asking()
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await pilot.press("tab", "tab", "space", "enter")
        await until(pilot, lambda: app.answers)
    spec = kept()["my-run"].spec
    assert spec.data.train is None and spec.data.eval is None and spec.training.epochs == 2.0


async def test_a_name_that_is_taken_is_replaced_only_after_a_second_enter() -> None:
    preset_store.save(RunSpec(model=ModelSection(id="demo")), "my-run")
    app = Asking()
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: "There is a preset my-run already" in " ".join(shown(app)))
        await pilot.press("x")
        await until(pilot, lambda: "already" not in " ".join(shown(app)))
        await pilot.press("backspace", "enter")
        await until(pilot, lambda: "Enter again replaces it" in " ".join(shown(app)))
        assert kept()["my-run"].spec != SPEC
        await pilot.press("enter")
        await until(pilot, lambda: app.answers)
    assert kept()["my-run"].spec == SPEC


async def test_a_second_enter_while_it_is_kept_keeps_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, may_go = threading.Event(), threading.Event()
    save, calls = preset_store.save, []

    def slow(*arguments: Any, **options: Any) -> presets.Preset:
        calls.append(arguments)
        begun.set()
        may_go.wait(10)
        return save(*arguments, **options)

    monkeypatch.setattr(preset_store, "save", slow)
    app = Asking()
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await pilot.press("enter")
        await until(pilot, begun.is_set)
        await pilot.press("enter")
        may_go.set()
        await until(pilot, lambda: app.answers)
    assert len(calls) == 1 and "my-run" in kept()


@pytest.mark.parametrize(
    ("keys", "said"),
    [(("ctrl+u", *"a/b"), "cannot be the name of a preset"), (("tab", "0"), "The keys are 1 to 9")],
)
async def test_what_cannot_be_is_said_and_the_dialog_stays(keys: tuple[str, ...], said: str) -> None:
    app = Asking()
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await pilot.press(*keys, "enter")
        await until(pilot, lambda: said in " ".join(" ".join(shown(app)).split()))
        await pilot.press("escape")
        await until(pilot, lambda: app.answers == [None])
    assert all(preset.source == "shipped" for preset in kept().values())


async def test_the_run_screen_keeps_the_spec_of_its_run(tmp_path: Path) -> None:
    run = directory.create(tmp_path, "earlier")
    run.spec.write_text("# what I tried\n" + toml.dumps(SPEC))
    app = an_app(Rooms())
    app._run_screen = lambda run: RunScreen(TuiFtSource(run), run)  # type: ignore[method-assign, assignment]
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        app.open_run(run)
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.is_mounted)
        await pilot.press("w")
        await opened(pilot)
        await pilot.press("ctrl+u", *"tried", "enter")
        await until(pilot, lambda: "Saved as the preset tried" in " ".join(shown(app)))
    assert kept()["tried"].spec == SPEC and kept()["tried"].text.startswith("# what I tried\n")


async def test_home_keeps_the_spec_of_the_chosen_run(tmp_path: Path) -> None:
    run = directory.create(tmp_path, "earlier")
    run.spec.write_text(toml.dumps(SPEC))
    rooms = Rooms()
    rooms.runs = [a_run(1, id=run.id, path=str(run.path))]
    app = an_app(rooms)
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("w")
        await opened(pilot)
        await pilot.press("ctrl+u", *"mine", "enter")
        await until(pilot, lambda: "Saved as the preset mine" in " ".join(shown(app)))
    assert "mine" in kept()


async def test_a_run_whose_spec_is_damaged_is_a_sentence(tmp_path: Path) -> None:
    run = directory.create(tmp_path, "earlier")
    run.spec.write_text("[method]\nkind = 3\n")
    app = an_app(Rooms())
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        app.push_screen(RunScreen(TuiFtSource(run), run))
        await until(pilot, lambda: isinstance(app.screen, RunScreen) and app.screen.is_mounted)
        await pilot.press("w")
        await until(pilot, lambda: "method.kind" in " ".join(shown(app)))
