"""The Settings step for tests: a checked data set of a thousand rows, and a model that a small GPU holds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from checked_data import DATA, findings
from hardware.fake_nvml import FakeNvml
from method_world import device
from wizard_world import World, at_step

from tui_ft.spec import overrides
from tui_ft.spec.run_spec import DataSection, ModelSection, RunSpec
from tui_ft.tui.screens.settings import SettingsScreen
from tui_ft.tui.wizard.draft import Draft


def a_draft(*changes: str, model: str = "Qwen/Qwen3-8B", checked: bool = True) -> Draft:
    """QLoRA of an 8B model as recommended, from a preset with a smaller rank."""
    spec = RunSpec(model=ModelSection(id=model), data=DataSection(train=DATA))
    spec = overrides.apply(spec, ["method.kind=qlora", *changes])
    draft = Draft(spec, preset=("small-rank", overrides.apply(spec, ["method.rank=8"])))
    if checked:
        draft.findings[DATA] = findings()
    draft.reached = draft.step = "settings"
    return draft


def a_gpu(free_gib: float = 23.1) -> FakeNvml:
    return FakeNvml(device(0, "GeForce RTX 4090", 23.99, free_gib))


@asynccontextmanager
async def at_settings(
    draft: Draft | None = None, nvml: FakeNvml | None = None, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[World]:
    """Open the step and wait for its numbers."""
    async with at_step(SettingsScreen, draft or a_draft(), nvml or a_gpu(), size) as world:
        await world.until(lambda: world.screen.head.outlook)
        yield world


async def go_to(world: World, path: str) -> None:
    """Put the cursor on a field."""
    fields = world.screen.fields
    fields.choose(path)
    await world.until(lambda: fields.chosen.path == path)
