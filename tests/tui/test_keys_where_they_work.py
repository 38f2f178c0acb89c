"""Keys act, and are offered, where what they act on is seen; lists to choose from explain themselves."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from home_world import a_run, shown, until
from scripted_source import NOW, OTHERS, ScriptedSource
from textual import events

from tui_ft.tui import view_store
from tui_ft.tui.app import TuiFtApp
from tui_ft.tui.screens.help import HelpScreen
from tui_ft.tui.screens.other_runs import OtherRuns
from tui_ft.tui.screens.pick_run import PickRun
from tui_ft.tui.screens.run import RunScreen
from tui_ft.tui.widgets.filter_line import LONGEST, FilterLine
from tui_ft.watch.view import View


def a_source(**fields: Any) -> ScriptedSource:
    source = ScriptedSource(is_complete=True, **fields)
    for step in range(1, 21):
        source.add(step, loss=3.0 / step)
    source.log(*(f"line {number}" for number in range(100)))
    return source


def an_app() -> TuiFtApp:
    return TuiFtApp(Path("/runs"), clock=lambda: NOW)


@pytest.mark.parametrize("keys", [(), ("m",)])
async def test_a_log_that_is_not_seen_is_not_searched_and_does_not_stand(keys: tuple[str, ...]) -> None:
    app, height = an_app(), 30 if keys else 13
    async with app.run_test(size=(100, height)) as pilot:
        await app.push_screen(screen := RunScreen(a_source()))
        await until(pilot, lambda: screen.grid.seen and screen.reading.log)
        await pilot.press(*keys)
        await until(pilot, lambda: not screen.log_panel.display)
        offered = {one.binding.action for one in screen.active_bindings.values()}
        assert not offered & {"find(1)", "find(-1)", "follow"}
        assert {"log", "search"} <= offered
        await pilot.press("l")
        await until(pilot, lambda: screen.log_panel.display)
        offered = {one.binding.action for one in screen.active_bindings.values()}
        assert {"find(1)", "find(-1)", "follow"} <= offered


@pytest.mark.parametrize("name", ["pick", "others"])
@pytest.mark.parametrize("key", ["question_mark", "f1"])
async def test_lists_to_choose_from_have_their_help(name: str, key: str) -> None:
    app = an_app()
    async with app.run_test(size=(100, 30)) as pilot:
        screen = OtherRuns(OTHERS) if name == "others" else PickRun((), list_all=lambda _: [a_run(1)])
        await app.push_screen(screen)
        await until(pilot, lambda: "? Help" in shown(app)[-1])
        await pilot.press(key)
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))


async def test_a_run_that_is_there_already_is_not_added_by_its_path(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    rows = [{"step": step, "epoch": step / 10, "loss": 3.0 / step} for step in range(1, 11)]
    state = {"global_step": 10, "max_steps": 10, "log_history": rows}
    (folder / "trainer_state.json").write_text(json.dumps(state))
    (tmp_path / "link").symlink_to(folder)
    app = an_app()
    async with app.run_test(size=(100, 30)) as pilot:
        await app.push_screen(PickRun({str(folder)}, list_all=lambda _: []))
        await pilot.press("f")
        await until(pilot, lambda: "Which folder or file" in "\n".join(shown(app)))
        await pilot.press(*str(tmp_path / "link"), "enter")
        await until(pilot, lambda: "is here already" in "\n".join(shown(app)))


async def test_of_a_huge_paste_little_is_looked_at() -> None:
    app = an_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await app.push_screen(PickRun((), list_all=lambda _: [a_run(1)]))
        await pilot.press("slash")
        line = app.screen.query_one(FilterLine)
        paste = events.Paste("a \x1b" * 5_000_000)
        began = time.process_time()
        line.on_paste(paste)
        assert time.process_time() - began < 0.1
        assert 0 < len(line.text) <= LONGEST


@pytest.mark.parametrize("what", ["fifo", "folder", "large"])
def test_a_choice_of_charts_that_is_no_file_of_ours_is_not_waited_for(what: str) -> None:
    place = view_store.view_file()
    place.parent.mkdir(parents=True, exist_ok=True)
    if what == "fifo":
        os.mkfifo(place)
    elif what == "folder":
        place.mkdir()
    else:
        place.write_bytes(b'{"schema": 1, "smoothing": 0.6}' + b" " * view_store.LARGEST)
    assert view_store.load() == View()
