"""What a key began, while other keys, other screens or failures come in between."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from home_world import NO_GPU, NOON, a_run, shown, until
from scripted_source import NOW, ScriptedSource

from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.listing import RunSummary
from tui_ft.runs.records import RequestName
from tui_ft.tui import view_store
from tui_ft.tui.actions import LocalActions
from tui_ft.tui.app import TuiFtApp
from tui_ft.tui.run_poll import RunPoll
from tui_ft.tui.screens.compare import CompareScreen
from tui_ft.tui.screens.pick_run import PickRun
from tui_ft.tui.screens.run import RunScreen
from tui_ft.tui.screens.series_table import SeriesTable
from tui_ft.watch.view import View


def a_source(name: str, **fields: object) -> ScriptedSource:
    source = ScriptedSource(title=name, path=f"/runs/{name}", status="finished", **fields)
    for step in range(1, 21):
        source.add(step, loss=3.0 / step, grad_norm=1.0)
    return source


def an_app() -> TuiFtApp:
    return TuiFtApp(Path("/runs"), clock=lambda: NOW)


class SlowStart:
    """Its new run is there when `may_end` says so."""

    def __init__(self, other: RunDirectory) -> None:
        self.other = other
        self.may_end = threading.Event()
        self.starts = 0

    def restart(self, run: RunDirectory) -> RunDirectory:
        self.starts += 1
        assert self.may_end.wait(10)
        return self.other

    def resume(self, run: RunDirectory) -> RunDirectory:
        raise AssertionError

    def request(self, run: RunDirectory, name: RequestName, *, now: bool = False) -> str:
        raise AssertionError


def a_run_of_ours(actions: SlowStart) -> RunScreen:
    run = RunDirectory(Path("/runs/20261121-old-aaaa"))
    return RunScreen(a_source("old", source="tui_ft"), run, actions=actions)


async def test_a_run_is_started_once_and_shown_whatever_was_pressed_meanwhile() -> None:
    actions, app = SlowStart(RunDirectory(Path("/runs/20261121-new-bbbb"))), an_app()
    opened: list[RunDirectory] = []
    app.replace_run = opened.append  # type: ignore[method-assign]
    async with app.run_test(size=(100, 30)) as pilot:
        await app.push_screen(screen := a_run_of_ours(actions))
        await until(pilot, lambda: "finished" in "\n".join(shown(app)))
        await pilot.press("r")
        await until(pilot, lambda: actions.starts)
        await pilot.press("r", "E")
        await until(pilot, lambda: "Export what is seen" in "\n".join(shown(app)))
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen)
        actions.may_end.set()
        await until(pilot, lambda: opened)
    assert actions.starts == 1 and opened == [actions.other]


async def test_the_answer_to_a_request_comes_whatever_was_pressed_meanwhile() -> None:
    may_end, asked = threading.Event(), threading.Event()

    class SlowRequest(SlowStart):
        def request(self, run: RunDirectory, name: RequestName, *, now: bool = False) -> str:
            asked.set()
            assert may_end.wait(10)
            return ""

    app = an_app()
    async with app.run_test(size=(100, 30)) as pilot:
        actions = SlowRequest(RunDirectory(Path("/runs/none")))
        screen = a_run_of_ours(actions)
        await app.push_screen(screen)
        await until(pilot, lambda: "finished" in "\n".join(shown(app)))
        screen.action_save()
        await until(pilot, asked.is_set)
        await pilot.press("E")
        await until(pilot, lambda: "Export what is seen" in "\n".join(shown(app)))
        may_end.set()
        await until(pilot, lambda: screen._said is not None and "A checkpoint is saved" in screen._said[0])


async def test_a_run_that_was_started_takes_no_other_screen_away() -> None:
    actions, app = SlowStart(RunDirectory(Path("/runs/20261121-new-bbbb"))), an_app()
    async with app.run_test(size=(100, 30)) as pilot:
        await app.push_screen(screen := a_run_of_ours(actions))
        await until(pilot, lambda: "finished" in "\n".join(shown(app)))
        await pilot.press("r")
        await until(pilot, lambda: actions.starts)
        await pilot.press("t")
        await until(pilot, lambda: isinstance(app.screen, SeriesTable))
        actions.may_end.set()
        await until(pilot, lambda: screen._said is not None and "is started" in screen._said[0])
        assert isinstance(app.screen, SeriesTable)
        await pilot.press("escape")
        await until(pilot, lambda: "20261121-new-bbbb is started." in "\n".join(shown(app)))


async def test_a_picture_is_offered_where_the_folder_of_the_app_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    app = an_app()
    async with app.run_test(size=(120, 30)) as pilot:
        await app.push_screen(CompareScreen([a_source("one"), a_source("two")]))
        await until(pilot, lambda: "m Maximise" in shown(app)[-1])
        await pilot.press("E")
        await until(pilot, lambda: "Export what is seen" in "\n".join(shown(app)))


async def test_a_list_to_choose_from_names_no_key_that_is_not_there() -> None:
    app = an_app()
    async with app.run_test(size=(120, 30)) as pilot:
        await app.push_screen(PickRun((), list_all=lambda _: [a_run(1)]))
        await until(pilot, lambda: "demo-0001" in "\n".join(shown(app)))
        await pilot.press("slash", "z", "z")
        await until(pilot, lambda: "No run has “zz” in it" in "\n".join(shown(app)))
        assert "tour" not in "\n".join(shown(app))


@pytest.mark.parametrize("screen", ["pick", "table", "run"])
async def test_while_words_are_typed_the_last_line_shows_no_letter_as_a_key(screen: str) -> None:
    app, source = an_app(), a_source("one")
    source.log("a line")
    async with app.run_test(size=(120, 30)) as pilot:
        made = {
            "pick": lambda: PickRun((), list_all=lambda _: [a_run(1)]),
            "table": lambda: SeriesTable(source.reading),
            "run": lambda: RunScreen(source),
        }
        await app.push_screen(made[screen]())  # type: ignore[arg-type]
        await until(pilot, lambda: "q Back" in shown(app)[-1])
        await pilot.press("slash")
        await until(pilot, lambda: "Enter Keep it" in shown(app)[-1])
        assert "q Back" not in shown(app)[-1] and "/ Filter" not in shown(app)[-1]


async def test_of_two_choices_the_last_is_kept_however_long_the_first_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save, may_end = view_store.save, threading.Event()
    saved: list[View] = []

    def slow(view: View) -> None:
        if not saved:
            saved.append(view)
            assert may_end.wait(10)
        saved.append(view)
        save(view)

    monkeypatch.setattr(view_store, "save", slow)
    app = an_app()
    async with app.run_test(size=(100, 30)) as pilot:
        await app.push_screen(screen := RunScreen(a_source("one")))
        await until(pilot, lambda: screen.grid.seen)
        await pilot.press("a")
        await until(pilot, lambda: saved)
        await pilot.press("a")
        await pilot.pause(0.1)
        may_end.set()
        await until(pilot, lambda: len(saved) == 3)
        await until(pilot, lambda: view_store.load().smoothing == screen.grid.view.smoothing)
        assert screen.grid.view.smoothing == 0.9


def test_the_runs_are_listed_by_one_thread_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    busy, met = threading.Lock(), threading.Barrier(2)

    def read(self: RunPoll, now: float) -> list[RunSummary]:
        assert busy.acquire(blocking=False), "two at once"
        threading.Event().wait(0.1)
        busy.release()
        return []

    monkeypatch.setattr(RunPoll, "read", read)
    actions, answers = LocalActions(tmp_path, lambda: NO_GPU, lambda: NOON), []

    def ask() -> None:
        met.wait(10)
        answers.append(actions.list_runs())

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [[], []]
