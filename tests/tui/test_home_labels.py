"""Labels on several runs at once: what differs between them stays, or is said to go."""

from __future__ import annotations

from home_world import Rooms, a_run, at_home, on_screen, until
from textual.widgets import Input

from tui_ft.tui.screens.ask_text import AskText
from tui_ft.tui.screens.home import HomeScreen


def tagged() -> Rooms:
    rooms = Rooms()
    rooms.runs = [
        a_run(1, tags=("base", "old"), note="first"),
        a_run(2, tags=("base", "mine")),
        a_run(3, note="third"),
    ]
    return rooms


async def test_tags_of_several_runs_change_only_by_what_was_typed() -> None:
    rooms = tagged()
    async with at_home(rooms, (120, 30)) as pilot:
        screen = pilot.app.screen
        assert isinstance(screen, HomeScreen)
        for run in rooms.runs[:2]:
            screen.runs.mark(run)
        await pilot.press("number_sign")
        await on_screen(pilot, "Tags that all of them have")
        assert pilot.app.screen.query_one(Input).value == "base"
        await pilot.press("end", *["backspace"] * 4, *"new", "enter")
        await until(pilot, lambda: pilot.app.screen is screen and not screen.marked_runs())
    assert [run.tags for run in rooms.runs] == [("old", "new"), ("mine", "new"), ()]


async def test_a_note_on_several_runs_says_what_it_replaces() -> None:
    rooms = tagged()
    async with at_home(rooms, (120, 30)) as pilot:
        screen = pilot.app.screen
        assert isinstance(screen, HomeScreen)
        for run in rooms.runs:
            screen.runs.mark(run)
        await pilot.press("i")
        await on_screen(pilot, "it replaces the notes of 2")
        assert pilot.app.screen.query_one(Input).value == ""
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is screen)
        assert len(screen.marked_runs()) == 3, "what was left keeps its marks"
        await pilot.press("i")
        await until(pilot, lambda: isinstance(pilot.app.screen, AskText))
        await pilot.press(*"new", "enter")
        await until(pilot, lambda: pilot.app.screen is screen and not screen.marked_runs())
    assert [run.note for run in rooms.runs] == ["new"] * 3
