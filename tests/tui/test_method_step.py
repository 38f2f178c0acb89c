"""The Method step of the wizard: what is recommended for the answers is under the cursor, Enter takes it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest
import wizard_world
from hardware.fake_nvml import FakeNvml
from home_world import until
from method_world import SIZES, eight_gpus, half_a_gpu, no_gpu
from wizard_world import World

from tui_ft.data.findings import Findings, Lengths
from tui_ft.spec import overrides
from tui_ft.spec.resolve import resolve
from tui_ft.spec.run_spec import DataSection, ModelSection, RunSpec
from tui_ft.tui.screens.method_step import MethodStep
from tui_ft.tui.wizard.draft import Draft
from tui_ft.tui.wizard.outcome import GoTo

DATA = "/data/own.jsonl"


@pytest.fixture(autouse=True)
def no_inherited_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def a_draft(model: str = "Qwen/Qwen3-0.6B", rows: int = 5000, longest: int = 300, *changes: str) -> Draft:
    """A draft at its Method step, with checked data."""
    draft = Draft(RunSpec(model=ModelSection(id=model), data=DataSection(train=DATA)))
    lengths = Lengths(unit="tokens", p50=100, p95=200, p99=250, max=longest, mean=110.0)
    draft.findings[DATA] = Findings(
        path=DATA, container="jsonl", format="messages", rows=rows, usable_rows=rows, lengths=lengths
    )
    draft.go_to("method")
    draft.spec = overrides.apply(draft.spec, changes)
    return draft


@asynccontextmanager
async def at_step(
    nvml: FakeNvml, draft: Draft | None = None, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[World]:
    """Open the step, and wait for its numbers."""
    async with wizard_world.at_step(MethodStep, draft or a_draft(), nvml, size) as world:
        await world.until(lambda: world.screen._view)
        yield world


@pytest.mark.parametrize("size", SIZES)
async def test_enter_takes_what_is_recommended_for_the_answers(size: tuple[int, int]) -> None:
    async with at_step(half_a_gpu(1), size=size) as at:
        await at.sees("New run", "›4 Method‹", "★ LoRA r16 is recommended", "Enter Next", "Esc Back")
        assert all(len(line) <= size[0] for line in at.lines)
        await at.press("enter")
        await until(at.pilot, lambda: at.outcomes)
    assert at.outcomes == ["next"]
    spec = at.draft.spec
    assert spec.method.kind == "lora" and spec.training.epochs == 3
    assert spec == at.draft.base, "nothing differs from the recommendation yet"
    assert spec.data.train == DATA and at.draft.shape_name


async def test_the_data_and_the_goals_are_asked_with() -> None:
    draft = a_draft(rows=20_000, longest=64)
    draft.goals = frozenset({"sft", "keep-skills"})
    async with at_step(half_a_gpu(1), draft) as at:
        await at.press("enter")
        await until(at.pilot, lambda: at.outcomes)
    assert at.draft.spec.training.epochs == 2, "20,000 rows are shown twice"
    assert at.draft.spec.training.learning_rate == pytest.approx(1e-4), "old skills must stay"
    short = a_draft(rows=20_000, longest=64)
    long = a_draft(rows=20_000, longest=1000)
    needed = []
    for one in (short, long):
        async with at_step(half_a_gpu(1), one) as at:
            view = at.screen._view
            needed.append(next(row for row in view.rows if row.method == "lora").estimate)
    assert needed[0].needed_bytes < needed[1].needed_bytes, "the longest row counts, not the length"


async def test_another_method_is_taken_with_its_own_recommendation() -> None:
    async with at_step(half_a_gpu(1), a_draft(rows=20_000)) as at:
        await at.press("down", "enter")
        await until(at.pilot, lambda: at.outcomes)
    spec = at.draft.spec
    assert (spec.method.kind, spec.method.quantization) == ("lora", "nf4")
    assert spec.training.epochs == 2 and spec == at.draft.base


async def test_what_was_set_by_hand_later_stays_and_is_told_from_the_recommendation() -> None:
    draft = a_draft()
    draft.go_to("settings")
    draft.set("training.learning_rate=0.001", "method.rank=64")
    draft.go_to("method")
    async with at_step(half_a_gpu(1), draft) as at:
        await at.sees("LoRA r64")
        await at.press("enter")
        await until(at.pilot, lambda: at.outcomes)
    assert at.draft.spec.training.learning_rate == 0.001 and at.draft.spec.method.rank == 64
    base = resolve(at.draft.base)
    assert (base.training.learning_rate, base.method.rank) == (2e-4, 16)


async def test_a_change_made_here_counts_and_can_be_undone_later() -> None:
    async with at_step(half_a_gpu(1), a_draft("Qwen/Qwen3-8B"), (120, 40)) as at:
        await at.press("up")
        await at.sees("1 ", "To make it fit")
        await at.press("1")
        await at.sees("Changed batch_size 4 → ", "u Undo")
        await at.press("enter")
        await until(at.pilot, lambda: at.outcomes)
    assert at.draft.spec.training.batch_size < 4
    assert at.draft.base.training.batch_size == 4, "which differs from the recommendation"
    assert at.draft.undo() and at.draft.spec.training.batch_size == 4


async def test_the_chosen_gpu_goes_into_the_spec() -> None:
    async with at_step(eight_gpus()) as at:
        await at.press("right", "right")
        await at.sees("[3 ● 53]")
        await at.press("enter")
        await until(at.pilot, lambda: at.outcomes)
    assert at.draft.spec.hardware.gpus == ["GPU-3"]


async def test_a_goal_that_cannot_be_started_yet_is_said_and_plain_tuning_offered() -> None:
    draft = a_draft()
    draft.goals = frozenset({"preference"})
    async with at_step(half_a_gpu(1), draft) as at:
        await at.sees("This version cannot start it: the objective dpo is not built in yet.", "Next best")
        await at.press("enter")
        await until(at.pilot, lambda: at.outcomes)
    assert at.draft.spec.objective.kind == "sft"


async def test_what_this_version_cannot_run_is_refused_in_place() -> None:
    async with at_step(no_gpu()) as at:
        await at.press("end", "enter")
        await at.sees("✗ IA3 cannot be started with this version")
        assert not at.outcomes


async def test_esc_goes_back_and_changes_nothing() -> None:
    draft = a_draft()
    before = draft.spec
    async with at_step(half_a_gpu(1), draft) as at:
        await at.press("down", "escape")
        await until(at.pilot, lambda: at.outcomes)
    assert at.outcomes == ["back"] and at.draft.spec is before
    async with at_step(half_a_gpu(1), draft) as at:
        await at.press("left_square_bracket")
        await until(at.pilot, lambda: at.outcomes)
    assert at.outcomes == [GoTo("data")]


async def test_a_preset_keeps_its_own_settings_as_the_start() -> None:
    draft = a_draft()
    preset = msgspec.structs.replace(
        overrides.apply(RunSpec(model=ModelSection(id="x/y")), ["training.weight_decay=0.05"]),
    )
    draft.preset = ("mine", preset)
    draft.spec = overrides.apply(draft.spec, ["training.weight_decay=0.05"])
    async with at_step(half_a_gpu(1), draft, (120, 40)) as at:
        await at.sees("as in mine")
        await at.press("enter")
        await until(at.pilot, lambda: at.outcomes)
    assert at.draft.spec.training.weight_decay == 0.05 == at.draft.base.training.weight_decay


async def test_who_comes_back_finds_the_method_that_was_chosen() -> None:
    draft = a_draft()
    async with at_step(half_a_gpu(1), draft) as at:
        await at.sees("★ LoRA r16 is recommended")
        at.screen.bars.choose("qlora")
        await at.press("enter")
        await until(at.pilot, lambda: at.outcomes)
    draft.go_to("settings")
    draft.go_to("method")
    async with at_step(half_a_gpu(1), draft) as at:
        assert at.screen.bars.chosen.method == "qlora"
        await at.press("enter")
        await until(at.pilot, lambda: at.outcomes)
    assert resolve(draft.spec).method.quantization == "nf4"


async def test_where_the_recommended_method_cannot_start_the_cursor_stands_on_what_can() -> None:
    draft = a_draft(rows=300)
    draft.goals = frozenset({"sft", "quick-trial"})
    async with at_step(half_a_gpu(1), draft) as at:
        assert at.screen._view.recommended == "prompt"
        assert at.screen.bars.chosen.method == "lora"
        await at.press("enter")
        await until(at.pilot, lambda: at.outcomes)
    assert at.outcomes == ["next"]
