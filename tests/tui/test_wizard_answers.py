"""The whole wizard with its real screens: back and forth, away and again, and every answer is there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from model_world import a_24gb_gpu
from wizard_world import World, at_home

from tui_ft.spec.run_spec import RunSpec
from tui_ft.tui.screens.ask_draft import AskDraft
from tui_ft.tui.screens.home import HomeScreen
from tui_ft.tui.wizard.draft import Draft

MARKS = ["›1 Goal‹", "›2 Model‹", "›3 Data‹", "›4 Method‹", "›5 Settings‹", "›6 Review‹"]
SETTLED = ["✓ Go.", "parameters", "rows can be trained on", "is recommended", "Learning rate", "Enter Start"]
"""What a step shows when it has read what it needs."""


@pytest.fixture(autouse=True)
def orders(own_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    path = own_disk / "orders.jsonl"
    rows = ({"instruction": f"Order {number}?", "output": f"{3 * number} euros."} for number in range(240))
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


async def settled(world: World, step: int) -> Draft:
    await world.sees(MARKS[step], SETTLED[step])
    draft: Draft = world.screen.draft
    return draft


async def answered(world: World) -> RunSpec:
    """Go to Review with an answer of one's own on every step."""
    await world.press("n")
    await settled(world, 0)
    await world.press(*["down"] * 11, "space")
    await world.sees("[x] A hard task")
    await world.press("enter")
    await settled(world, 1)
    await world.press("down", "enter")
    await world.sees("Which data should it learn from?", "orders.jsonl")
    await world.type("orders")
    await world.press("enter")
    await settled(world, 2)
    await world.press("t")
    await world.sees("every answer")
    await world.press("enter")
    await settled(world, 3)
    await world.press("down")
    await world.sees("▸ QLoRA")
    await world.press("enter")
    draft = await settled(world, 4)
    await world.press("down", "2", "enter")
    await world.until(lambda: draft.spec.training.epochs == 2)
    await world.press("enter")
    draft = await settled(world, 5)
    spec = draft.spec
    assert draft.goals == {"sft", "complex"}
    assert spec.model.id == "meta-llama/Llama-3.1-8B"
    assert spec.data.train_on == "assistant"
    assert spec.method.quantization == "nf4"
    return spec


async def test_back_to_the_first_step_and_forth_again_changes_nothing() -> None:
    async with at_home(a_24gb_gpu()) as world:
        spec = await answered(world)
        for step in (4, 3, 2, 1, 0):
            await world.press("escape")
            assert (await settled(world, step)).spec == spec, MARKS[step]
        for step in (1, 2, 3, 4, 5):
            await world.press("enter")
            draft = await settled(world, step)
            assert draft.spec == spec, MARKS[step]
        assert draft.goals == {"sft", "complex"}


async def test_left_in_the_middle_and_begun_again_in_another_session_changes_nothing() -> None:
    async with at_home(a_24gb_gpu()) as world:
        spec = await answered(world)
        await world.press("q")
        await world.until(lambda: isinstance(world.screen, HomeScreen))
    async with at_home(a_24gb_gpu()) as world:
        await world.press("n")
        await world.until(lambda: isinstance(world.screen, AskDraft))
        await world.press("enter")
        draft = await settled(world, 5)
        assert draft.spec == spec and draft.goals == {"sft", "complex"}
        for step in (4, 3, 2, 1, 0):
            await world.press("left_square_bracket")
            assert (await settled(world, step)).spec == spec, MARKS[step]
        for step in (1, 2, 3, 4, 5):
            await world.press("right_square_bracket")
            assert (await settled(world, step)).spec == spec, MARKS[step]
