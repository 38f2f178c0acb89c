"""What opens from home: the tour, the presets, the wizard; and what a key does where there is nothing."""

from __future__ import annotations

from typing import Any

import pytest
from home_world import Rooms, a_run, an_app, ready, shown, until

from tui_ft.errors import TuiFtError
from tui_ft.tui import home_doors
from tui_ft.tui.screens.goal import GoalScreen
from tui_ft.tui.screens.home import HomeScreen
from tui_ft.tui.screens.presets import PresetsScreen
from tui_ft.tui.screens.tour import TourScreen

DOORS: list[tuple[str, type]] = [("t", TourScreen), ("p", PresetsScreen), ("n", GoalScreen)]


@pytest.mark.parametrize(("key", "screen"), DOORS)
@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_a_key_opens_its_screen_and_escape_comes_back(
    key: str, screen: type, size: tuple[int, int]
) -> None:
    async with an_app(Rooms()).run_test(size=size) as pilot:
        await ready(pilot)
        await pilot.press(key)
        await until(pilot, lambda: isinstance(pilot.app.screen, screen))
        await until(pilot, lambda: pilot.app.screen.query("KeyBar"))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, HomeScreen))


@pytest.mark.parametrize(("key", "screen"), DOORS)
async def test_a_key_that_is_pressed_twice_opens_one_screen(key: str, screen: type) -> None:
    async with an_app(Rooms()).run_test(size=(80, 24)) as pilot:
        home: Any = await ready(pilot)
        action = {"t": home.action_tour, "p": home.action_presets, "n": home.action_new}[key]
        action()
        action()
        await until(pilot, lambda: isinstance(pilot.app.screen, screen))
        await pilot.pause()
        assert sum(isinstance(one, screen) for one in pilot.app.screen_stack) == 1


async def test_the_last_line_shows_the_tour_until_there_is_a_run() -> None:
    rooms = Rooms()
    async with an_app(rooms).run_test(size=(80, 24)) as pilot:
        home = await ready(pilot)
        assert "t Tour" in shown(pilot.app)[-1] and "r Restart" not in shown(pilot.app)[-1]
        rooms.runs = [a_run(1)]
        home.read_runs_now()
        await until(pilot, lambda: "r Restart" in shown(pilot.app)[-1])
        assert "t Tour" not in shown(pilot.app)[-1]
        await pilot.press("tab")
        await until(pilot, lambda: "e Edit" in shown(pilot.app)[-1])
        assert "r Restart" not in shown(pilot.app)[-1]
        assert len(shown(pilot.app)[-1]) <= 80


async def test_a_door_that_does_not_open_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    async def jammed(*_: Any) -> None:
        raise TuiFtError("The screen cannot be loaded.", "Install it again.")

    monkeypatch.setattr(home_doors, "open_screen", jammed)
    async with an_app(Rooms()).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("p")
        await until(pilot, lambda: "✗ The screen cannot be loaded. Install it again." in shown(pilot.app)[-2])


async def test_saving_needs_a_run() -> None:
    async with an_app(Rooms()).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("w")
        await until(pilot, lambda: "No run is chosen to save" in shown(pilot.app)[-2])
