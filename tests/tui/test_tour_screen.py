"""The tour by its keys at 80x24: pages, the run in the middle, and the way out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from home_world import NO_GPU, OpenedRun, shown, until
from textual.pilot import Pilot
from tour_world import TourRun

from tui_ft.errors import TuiFtError
from tui_ft.tour import guided
from tui_ft.tui.app import TuiFtApp
from tui_ft.tui.screens.tour import TourScreen


@asynccontextmanager
async def a_tour(root: Path) -> AsyncIterator[Pilot[Any]]:
    """The app, opened for the tour, on its first page."""
    app = TuiFtApp(root, tour=(), read_gpus=lambda: NO_GPU)
    app._run_screen = OpenedRun  # type: ignore[method-assign, assignment]
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: sees(pilot, "The task: Pellworth Lamps"))
        yield pilot


def sees(pilot: Pilot[Any], text: str) -> bool:
    return any(text in line for line in shown(pilot.app))


async def on(pilot: Pilot[Any], text: str, key: str = "enter") -> None:
    await pilot.press(key)
    await until(pilot, lambda: sees(pilot, text))


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TourRun:
    """The run that the tour starts."""
    run = TourRun(tmp_path)
    run.begin_training()
    run.live_here()
    monkeypatch.setattr(guided, "start_tour", lambda root, changes=(): run.run)
    return run


async def test_from_the_task_to_the_report(tmp_path: Path, made: TourRun) -> None:
    async with a_tour(tmp_path) as pilot:
        await on(pilot, "The answer is empty")
        await on(pilot, "Go: LoRA.")
        assert sees(pilot, "Stop. Retrieval")
        await on(pilot, "Enter starts the run")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, OpenedRun))
        made.advance(20)
        await pilot.press("q")
        await until(pilot, lambda: sees(pilot, "step 20 of 40"))
        made.advance(20)
        made.finish(right=22)
        await until(pilot, lambda: sees(pilot, "on to the answers"))
        await on(pilot, "0 before, 22 after")
        await on(pilot, "# Corporate Documentation Assistant")
        assert (made.run.result / "report.md").is_file()
        await pilot.press("enter")
        await until(pilot, lambda: not pilot.app.is_running)


async def test_while_the_run_is_at_work_enter_shows_it_and_escape_leaves_it(
    tmp_path: Path, made: TourRun
) -> None:
    async with a_tour(tmp_path) as pilot:
        for text in ("Somebody wrote", "Go: LoRA.", "Enter starts the run"):
            await on(pilot, text)
        for _ in range(2):
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(pilot.app.screen, OpenedRun))
            await pilot.press("q")
            await until(pilot, lambda: sees(pilot, "Enter: the live screen."))
        await pilot.press("escape")
        await until(pilot, lambda: not pilot.app.is_running)
    assert made.state.status == "running"


async def test_a_run_that_failed_is_said_and_has_no_report(tmp_path: Path, made: TourRun) -> None:
    async with a_tour(tmp_path) as pilot:
        for text in ("Somebody wrote", "Go: LoRA.", "Enter starts the run"):
            await on(pilot, text)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, OpenedRun))
        made.fail("out of memory")
        await pilot.press("q")
        await until(pilot, lambda: sees(pilot, "The run is failed"))
        await on(pilot, "0 before, – after")
        await on(pilot, "There is no report")


async def test_a_start_that_is_refused_is_a_sentence_and_can_be_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(root: Path, changes: Any = ()) -> None:
        raise TuiFtError("The disk is full.", "Delete something.")

    monkeypatch.setattr(guided, "start_tour", refuse)
    async with a_tour(tmp_path) as pilot:
        for text in ("Somebody wrote", "Go: LoRA.", "Enter starts the run"):
            await on(pilot, text)
        for _ in range(2):
            await on(pilot, "The disk is full.")


async def test_one_can_turn_back_and_no_further_than_the_first_page(tmp_path: Path) -> None:
    async with a_tour(tmp_path) as pilot:
        await on(pilot, "Somebody wrote")
        await on(pilot, "The task: Pellworth Lamps", "left")
        await pilot.press("left")
        await on(pilot, "Somebody wrote")


async def test_keys_pressed_faster_than_pages_are_found_lose_nothing(tmp_path: Path, made: TourRun) -> None:
    async with a_tour(tmp_path) as pilot:
        await pilot.press("enter", "enter", "enter")
        await until(pilot, lambda: sees(pilot, "Enter starts the run"))
        assert isinstance(pilot.app.screen, TourScreen)
        await pilot.press("enter", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, OpenedRun))
        await asyncio.sleep(0)
        assert sum(isinstance(screen, OpenedRun) for screen in pilot.app.screen_stack) == 1


async def test_a_tour_that_was_left_is_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left = TourRun(tmp_path, start=time.time())
    left.set_state("starting", model="handbook-reader", name="tour")
    left.begin_training()
    left.live_here()
    left.advance(7)
    monkeypatch.setattr(guided, "start_tour", lambda root, changes=(): pytest.fail("a second run"))
    async with a_tour(tmp_path) as pilot:
        for text in ("Somebody wrote", "Go: LoRA.", "it is gone on with"):
            await on(pilot, text)
        await until(pilot, lambda: sees(pilot, "step 7 of 40"))
        left.advance(33)
        left.finish(right=24)
        await until(pilot, lambda: sees(pilot, "on to the answers"))
        await on(pilot, "0 before, 24 after")
