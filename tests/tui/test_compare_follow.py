"""A comparison follows its runs whatever one of them does, and takes no run away that nobody chose."""

from __future__ import annotations

import asyncio
import csv
import threading
from pathlib import Path
from typing import Any

import pytest
from home_world import shown, until
from scripted_source import NOW, ScriptedSource

from tui_ft.tui import export
from tui_ft.tui.app import TuiFtApp
from tui_ft.tui.screens.compare import CompareScreen
from tui_ft.tui.screens.run import RunScreen
from tui_ft.tui.widgets import panel_grid


def a_source(name: str, **fields: Any) -> ScriptedSource:
    known = {"title": name, "path": f"/runs/{name}", "status": "finished", "is_complete": True}
    source = ScriptedSource(**{**known, **fields})
    for step in range(1, 21):
        source.add(step, loss=3.0 / step, grad_norm=1.0)
    return source


def an_app() -> TuiFtApp:
    return TuiFtApp(Path("/runs"), clock=lambda: NOW)


async def test_a_run_that_cannot_be_read_for_a_moment_stays_and_goes_on() -> None:
    app, sources = an_app(), [a_source("one", status="running"), a_source("two")]
    async with app.run_test(size=(100, 30)) as pilot:
        await app.push_screen(screen := CompareScreen(sources))
        await until(pilot, lambda: len(screen.list.rows) == 2)
        sources[0].failure = OSError("the disk is away")
        await until(pilot, lambda: "one cannot be read" in "\n".join(shown(app)))
        assert len(screen.list.rows) == 2
        polls = sources[1].polls
        await until(pilot, lambda: sources[1].polls > polls)
        sources[0].failure = None
        sources[0].add(21, loss=0.1)
        await until(pilot, lambda: screen.list.rows[0].step == 21)
        await until(pilot, lambda: "cannot be read" not in "\n".join(shown(app)))


async def test_what_wakes_it_while_it_reads_is_not_forgotten() -> None:
    app, source = an_app(), a_source("one")
    async with app.run_test(size=(100, 30)) as pilot:
        await app.push_screen(screen := CompareScreen([source, a_source("two")]))
        await until(pilot, lambda: source.polls)
        await pilot.pause()
        screen._wake.set()
        await asyncio.wait_for(screen._pause(), 1.0)  # and not the five seconds of runs that are over
        assert not screen._wake.is_set()


async def test_it_ends_quietly_when_it_is_closed_while_it_reads() -> None:
    app = an_app()
    async with app.run_test(size=(100, 30)) as pilot:
        await app.push_screen(screen := CompareScreen([a_source("one"), a_source("two")]))
        await until(pilot, lambda: len(screen.list.rows) == 2)
        follow = next(worker for worker in screen.workers if worker.node is screen)
        await screen.query_one("#differences").remove()  # as when an app closes: one part after the other
        screen._sources[0].change(step=20)  # type: ignore[attr-defined]
        screen._wake.set()
        await until(pilot, lambda: follow.is_finished)
        assert follow.error is None


async def test_a_run_may_be_removed_from_a_comparison_while_it_cannot_be_read() -> None:
    may_fail, is_asked = threading.Event(), threading.Event()

    class Failing(ScriptedSource):
        def poll(self, budget_s: float = 0.05) -> bool:
            is_asked.set()
            assert may_fail.wait(10)
            raise OSError("gone")

    app = an_app()
    async with app.run_test(size=(100, 30)) as pilot:
        good = a_source("good")
        screen = CompareScreen([Failing(title="bad", path="/runs/bad"), good])
        await app.push_screen(screen)
        await until(pilot, lambda: is_asked.is_set() and len(screen.list.rows) == 2)
        await pilot.press("delete")
        assert [row.title for row in screen.list.rows] == ["good"]
        may_fail.set()
        await until(pilot, lambda: good.polls)
        assert [row.title for row in screen.list.rows] == ["good"]
        assert "cannot be read" not in "\n".join(shown(app))


async def test_a_covered_comparison_rests_and_one_that_gets_nothing_asks_seldom(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rests: list[float] = []
    sleep = asyncio.sleep

    async def noted(seconds: float) -> None:
        rests.append(seconds)
        await sleep(seconds)

    app, source = an_app(), a_source("long", is_complete=False)
    async with app.run_test(size=(100, 30)) as pilot:
        await app.push_screen(CompareScreen([source, a_source("other")]))
        await until(pilot, lambda: source.polls > 1)
        monkeypatch.setattr("tui_ft.tui.screens.compare.asyncio.sleep", noted)
        polls = source.polls
        await until(pilot, lambda: source.polls > polls + 2)
        assert 0.25 in rests
        await pilot.press("question_mark")
        await until(pilot, lambda: "What works here now" in "\n".join(shown(app)))
        await sleep(0.3)  # what it began before is over
        polls = source.polls
        rests.clear()
        await sleep(0.6)
        assert source.polls == polls and not [rest for rest in rests if rest in (0.02, 0.25)]


async def test_the_keys_of_charts_are_not_offered_while_settings_have_their_room() -> None:
    app = an_app()
    async with app.run_test(size=(120, 30)) as pilot:
        await app.push_screen(screen := CompareScreen([a_source("one"), a_source("two")]))
        await until(pilot, lambda: "m Maximise" in shown(app)[-1])
        await pilot.press("d")
        await until(pilot, lambda: "Maximise" not in shown(app)[-1])
        before = screen.grid.view
        await pilot.press("c", "y")
        assert screen.grid.view == before
        await pilot.press("d")
        await until(pilot, lambda: "m Maximise" in shown(app)[-1])


async def test_delete_removes_a_run_only_while_the_list_has_the_keys() -> None:
    app = an_app()
    async with app.run_test(size=(100, 30)) as pilot:
        await app.push_screen(screen := CompareScreen([a_source("one"), a_source("two")]))
        await until(pilot, lambda: "Del Remove" in shown(app)[-1])
        await pilot.press("tab")
        await until(pilot, lambda: not screen.list.has_focus and "Del Remove" not in shown(app)[-1])
        await pilot.press("delete", "backspace")
        assert len(screen._sources) == 2
        await pilot.press("shift+tab")
        await until(pilot, lambda: screen.list.has_focus)
        await pilot.press("delete")
        assert len(screen._sources) == 1


@pytest.mark.parametrize("is_one", [True, False])
async def test_a_picture_is_drawn_by_a_thread_when_it_is_asked_for(
    is_one: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn_by: list[str] = []
    charts = panel_grid._charts

    def noted(*args: Any) -> Any:
        drawn_by.append(threading.current_thread().name)
        return charts(*args)

    monkeypatch.setattr(panel_grid, "_charts", noted)
    monkeypatch.chdir(tmp_path)
    app, sources = an_app(), [a_source("comparison"), a_source("two")]
    async with app.run_test(size=(100, 30)) as pilot:
        screen = RunScreen(sources[0]) if is_one else CompareScreen(sources)
        await app.push_screen(screen)
        await until(pilot, lambda: screen.grid.seen)
        await pilot.press("E")
        await until(pilot, lambda: "Export what is seen" in "\n".join(shown(app)))
        assert not drawn_by
        await pilot.press("enter")
        await until(pilot, lambda: (tmp_path / "comparison.svg").exists() and app.screen is screen)
    assert len(drawn_by) == 1 and drawn_by[0] != threading.main_thread().name


async def test_a_table_of_a_run_that_is_still_read_says_so(tmp_path: Path) -> None:
    sources = [a_source("one", is_complete=False), a_source("two")]
    assert export.unread([sources[1].reading]) == ""
    said = export.unread([source.reading for source in sources])
    assert said == ", with what was read so far: one is still being read."


async def test_a_table_holds_what_was_read_until_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    app, source = an_app(), a_source("one", status="running")
    async with app.run_test(size=(100, 30)) as pilot:
        await app.push_screen(screen := CompareScreen([source, a_source("two")]))
        await until(pilot, lambda: screen.grid.seen)
        await pilot.press("E")
        await until(pilot, lambda: "Export what is seen" in "\n".join(shown(app)))
        source.add(21, loss=0.125)
        await pilot.press("end", "backspace", "backspace", "backspace", *"csv", "enter")
        await until(pilot, lambda: app.screen is screen)
    with (tmp_path / "comparison.csv").open(newline="") as file:
        steps = [row["step"] for row in csv.DictReader(file) if row["run"] == "one"]
    assert steps[-1] == "21"
