"""Somebody who has never seen it, with a file of their own: from home to a run, in 80x24, by keys alone."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hardware.fake_nvml import FakeNvml
from home_world import OpenedRun
from method_world import device
from wizard_world import World, at_home

from tui_ft import settings
from tui_ft.runs import control
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.listing import summarize
from tui_ft.runs.records import ENDED
from tui_ft.tui.screens.run import RunScreen

MOST_KEYS = 25
"""What was typed does not count."""

ROWS = 240


@pytest.fixture(autouse=True)
def a_newcomer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with data of their own to be in, no settings, an empty cache, no network."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    rows = (
        {"instruction": f"What does order {number} cost?", "output": f"It costs {3 * number + 7} euros."}
        for number in range(ROWS)
    )
    path = here / "orders.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def a_24gb_gpu() -> FakeNvml:
    return FakeNvml(device(0, "GeForce RTX 4090", 24, 23.5))


@asynccontextmanager
async def at_review(nvml: FakeNvml | None, runs_root: Path, *, launches: bool) -> AsyncIterator[World]:
    """Home, and then what every screen offers first, down to the page before the start."""
    async with at_home(nvml, runs_root=runs_root, launches=launches) as world:
        await world.sees("n for a new run", "n New")
        await world.press("n")
        await world.sees("›1 Goal‹", "✓ Go.", "Enter Next")
        await world.press("enter")
        await world.sees("›2 Model‹", "★", "Enter Next")
        await world.press("enter")
        await world.sees("›3 Data‹", "Which data should it learn from?", "orders.jsonl")
        await world.type("orders")
        await world.press("enter")
        await world.sees(f"{ROWS} of {ROWS} rows can be trained on", "Enter Next")
        await world.press("enter")
        await world.sees("›4 Method‹", "is recommended", "Enter Next")
        await world.press("enter")
        await world.sees("›5 Settings‹", "Learning rate", "Enter Next")
        await world.press("enter")
        await world.sees("›6 Review‹", "orders.jsonl", "Enter Start")
        yield world


async def test_from_home_to_the_start_in_few_keys(a_newcomer: Path) -> None:
    async with at_review(a_24gb_gpu(), Path("/runs"), launches=False) as world:
        assert all(len(line) <= 80 for line in world.lines)
        await world.press("enter")
        await world.until(lambda: world.actions.started or world.keys >= MOST_KEYS)
        await world.until(lambda: isinstance(world.screen, OpenedRun))
        ((spec, text),) = world.actions.started
        assert world.keys < MOST_KEYS
        assert spec.data.train == str(a_newcomer)
        assert spec.model.id == "Qwen/Qwen3-8B"
        assert text is not None and str(a_newcomer) in text
        assert not settings.draft_file().exists()
        assert list(a_newcomer.parent.iterdir()) == [a_newcomer], "nothing is written beside the data"


@pytest.mark.train
async def test_from_home_to_a_run_that_trains_on_their_own_rows(a_newcomer: Path, tmp_path: Path) -> None:
    root = tmp_path / "runs"
    async with at_review(None, root, launches=True) as world:
        await world.press("enter")
        await world.until(lambda: isinstance(world.screen, RunScreen), seconds=30)
        assert world.keys < MOST_KEYS
        (folder,) = (path for path in root.iterdir() if (path / "state.json").exists())
        run = RunDirectory(folder)
        try:
            await world.until(lambda: (summarize(run).step or 0) >= 1, seconds=120)
            # three passes over 228 rows, sixteen at a time
            await world.until(lambda: summarize(run).total_steps == 45)
        finally:
            control.request(run, "stop", "a test", now=True)
            await world.until(lambda: summarize(run).status in ENDED, seconds=60)
