"""The list of what can be removed from a run: nothing goes that is not marked, nothing unasked."""

from __future__ import annotations

from pathlib import Path

import pytest
from checkpoint_made import save
from home_world import Rooms, an_app, ready, shown, until

from tui_ft.runs import directory
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.records import StateRecord
from tui_ft.runs.state import StateFile
from tui_ft.tui.screens.prune import PruneScreen


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    run = directory.create(tmp_path, "full")
    for step, loss in ((2, 0.9), (4, 0.2), (6, 0.5), (8, 0.7)):
        save(run, step, loss)
    (run.checkpoint(2) / "optimizer.pt").write_bytes(b"cut")
    state = StateFile(run, StateRecord(status="stopped", host="h"))
    state.is_written = False
    assert state.write()
    return run


@pytest.mark.parametrize("size", [(80, 24), (60, 15)])
async def test_what_is_marked_goes_after_a_question(run: RunDirectory, size: tuple[int, int]) -> None:
    async with an_app(Rooms()).run_test(size=size) as pilot:
        await ready(pilot)
        screen = PruneScreen(run)
        await pilot.app.push_screen(screen)
        await until(pilot, lambda: screen.query("PruneList") and screen.rows.rows)
        text = " ".join(" ".join(shown(pilot.app)).split())
        assert "[x]" in text and "broken" in text, "what nothing can be resumed from is marked"
        assert "the best: eval loss 0.2" in text, "and what stays is said"
        await pilot.press("down", "space")
        assert {item.path.name for item in screen.rows.doomed} == {"checkpoint-2", "checkpoint-6"}
        await pilot.press("x")
        await until(pilot, lambda: pilot.app.screen is not screen)
        await pilot.press("n")
        await until(pilot, lambda: pilot.app.screen is screen)
        assert run.checkpoint(6).is_dir()
        await pilot.press("x")
        await until(pilot, lambda: pilot.app.screen is not screen)
        await pilot.press("y")
        await until(pilot, lambda: "freed" in "\n".join(shown(pilot.app)))
        assert [step for step, _ in run.list_checkpoints()] == [8, 4]
        await pilot.press("q")
        await until(pilot, lambda: pilot.app.screen is not screen)


async def test_where_nothing_can_go_it_says_so_and_offers_no_key_for_it(tmp_path: Path) -> None:
    run = directory.create(tmp_path, "small")
    save(run, 2)
    async with an_app(Rooms()).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        screen = PruneScreen(run)
        await pilot.app.push_screen(screen)
        await until(pilot, lambda: "Nothing can be removed" in "\n".join(shown(pilot.app)))
        assert "x Remove" not in shown(pilot.app)[-1]
        await pilot.press("x", "space", "a")
        assert pilot.app.screen is screen
