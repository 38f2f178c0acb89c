"""Which panels are shown, in which order, and what of it is remembered."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from chart_world import GridApp, GridScreen, press, run_of
from textual.app import App
from textual.pilot import Pilot

from tui_ft.tui import view_store
from tui_ft.tui.screens.panels import PanelList, PanelsScreen
from tui_ft.tui.widgets.panel_grid import PanelGrid
from tui_ft.watch.view import View, Zoom


async def until_screen(pilot: Pilot[None], kind: type) -> None:
    for _ in range(200):
        await pilot.pause(0.01)
        if isinstance(pilot.app.screen, kind) and pilot.app.screen.is_mounted:
            return
    raise AssertionError(f"no {kind.__name__}")


async def until_kept(pilot: Pilot[None], **wanted: object) -> None:
    for _ in range(300):
        await pilot.pause(0.01)
        path = view_store.view_file()
        if path.exists() and wanted.items() <= json.loads(path.read_bytes()).items():
            return
    raise AssertionError(wanted)


async def test_panels_are_hidden_shown_and_moved_in_a_list_and_remembered() -> None:
    app = GridApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        app.grid.show(run_of())
        await press(pilot, "v")
        await until_screen(pilot, PanelsScreen)
        rows = app.screen.query_one(PanelList).rows
        assert [row.key for row in rows if row.is_shown] == ["loss", "grad_norm", "learning_rate"]
        await press(pilot, "down", "space", "end", "enter", "K", "shift+up", "q")
        await until_screen(pilot, GridScreen)
        assert "grad_norm" not in app.grid.seen
        assert "tokens" in app.grid.seen
        seen = app.grid.seen
        await press(pilot, "y", "a", "x")
        assert app.grid.view.log_y
        assert app.grid.view.x == "time"
        await until_kept(pilot, smoothing=0.6, hidden=["grad_norm"], shown=["tokens"])
    again = GridApp()
    async with again.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        again.grid.show(run_of())
        assert again.grid.seen == seen
        assert (again.grid.view.x, again.grid.view.log_y, again.grid.view.smoothing) == ("step", False, 0.6)
        await press(pilot, "v")
        await until_screen(pilot, PanelsScreen)
        await press(pilot, "d", "q")
        await until_screen(pilot, GridScreen)
        assert again.grid.seen == ["loss", "grad_norm", "learning_rate"]
        await press(pilot, "v")
        await until_screen(pilot, PanelsScreen)
        await press(pilot, "o", "escape")
        await until_screen(pilot, GridScreen)
        assert len(again.grid.seen) == 1


async def test_a_given_view_is_not_remembered(own_state: Path) -> None:
    app = App[None]()
    async with app.run_test(size=(80, 24)) as pilot:
        grid = PanelGrid(view=View(smoothing=0.9))
        await app.mount(grid)
        grid.show(run_of())
        grid.next_axis()
        grid.next_smoothing()
        await pilot.pause()
        await app.workers.wait_for_complete()
    assert not view_store.view_file().exists()


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"x": "miles"}', b'{"smoothing": 1e999}', b'{"order": 5}', b"\xff" * 99]
)
def test_a_damaged_file_is_as_none(content: bytes) -> None:
    path = view_store.view_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    assert view_store.load() == View()


def test_what_is_kept_comes_back_without_the_place_in_one_run() -> None:
    view = View(
        x="tokens", log_y=True, smoothing=0.9, order=("b",), shown=frozenset("b"), hidden=frozenset("a")
    )
    view_store.save(replace(view, zoom=Zoom(low=1, span=10), cursor=3.0, chosen="b", is_maximised=True))
    # a logarithmic axis hides another run's points without a word, tokens it may not have
    assert view_store.load() == replace(view, x="step", log_y=False)
    assert view_store.view_file().stat().st_mode & 0o777 == 0o600


async def test_a_choice_that_cannot_be_kept_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/proc/nowhere")
    app = GridApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        app.grid.show(run_of())
        await press(pilot, "a")
        for _ in range(200):
            await pilot.pause(0.01)
            if app.charts.said:
                break
        assert "cannot be kept" in app.charts.said[-1]
