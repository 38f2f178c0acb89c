"""Keys that arrive in one read: they go where they would go one by one, in order, and none is lost."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from home_world import OpenedRun, Rooms, a_run, at_home, until
from textual import events
from textual.app import ComposeResult
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input

from tui_ft.tui import type_ahead
from tui_ft.tui.screens.ask_text import AskText
from tui_ft.tui.screens.home import HomeScreen

NAMES = {"/": "slash", "\r": "enter", " ": "space", "\x1b": "escape"}


def at_once(pilot: Pilot[Any], text: str) -> None:
    """What the terminal's driver does with one read: all keys are sent before any is handled."""
    driver = pilot.app._driver
    assert driver is not None
    for character in text:
        name = NAMES.get(character, character)
        driver.process_message(events.Key(name, character if character.isprintable() else None))


def some_runs() -> Rooms:
    rooms = Rooms()
    rooms.runs = [a_run(1, model="Qwen/Qwen3-8B"), a_run(2, "lost", model="Llama-3"), a_run(3)]
    return rooms


async def test_a_filter_in_one_read_filters_and_starts_nothing() -> None:
    rooms = some_runs()
    async with at_home(rooms) as pilot:
        home = pilot.app.screen
        assert isinstance(home, HomeScreen)
        at_once(pilot, "/lost1s2\r")
        await until(pilot, lambda: home.filter_line.text == "lost1s2" and home.runs.has_focus)
        assert not rooms.started and not rooms.stopped and pilot.app.screen is home


async def test_the_key_after_the_filter_opens_what_it_left() -> None:
    async with at_home(some_runs()) as pilot:
        at_once(pilot, "/lost\r\r")
        await until(pilot, lambda: isinstance(pilot.app.screen, OpenedRun))
        assert pilot.app.screen.run.id.endswith("0002")


async def test_a_note_in_one_read_is_saved_and_what_follows_is_a_command_again() -> None:
    rooms = some_runs()
    async with at_home(rooms) as pilot:
        at_once(pilot, "ibest q of all\rg")
        await until(pilot, lambda: rooms.labelled)
        assert rooms.labelled[0][1] == {"note": "best q of all"}
        await until(pilot, lambda: isinstance(pilot.app.screen, HomeScreen))  # saved, the question goes
        home = pilot.app.screen
        assert isinstance(home, HomeScreen)
        await until(pilot, lambda: home.wanted.grouping)
        assert not rooms.started


async def test_the_next_key_waits_until_an_answer_was_carried_out() -> None:
    rooms = some_runs()
    write = rooms.label

    def slowly(run_ids: list[str], **changes: Any) -> None:
        time.sleep(0.15)  # a file system that takes its time, in a worker's thread
        write(run_ids, **changes)

    rooms.label = slowly  # type: ignore[method-assign]
    async with at_home(rooms) as pilot:
        at_once(pilot, "ifirst\r/lost")
        await until(pilot, lambda: rooms.labelled)
        home = pilot.app.screen_stack[0]
        await until(pilot, lambda: home.filter_line.text == "lost")
        assert rooms.labelled[0][1] == {"note": "first"} and len(rooms.labelled) == 1


async def test_a_deed_that_takes_long_holds_no_key_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type_ahead, "LONGEST_DEED_S", 0.05)
    never = asyncio.Event()

    async def carry_out(_: str) -> None:
        await never.wait()

    async with at_home(some_runs()) as pilot:
        question = AskText("Which?", "Name", "", carry_out)
        pilot.app.push_screen(question)
        await until(pilot, lambda: pilot.app.focused is not None and pilot.app.screen is question)
        at_once(pilot, "a\rbc")
        field = question.query_one("Input")
        await until(pilot, lambda: field.value == "abc")
        at_once(pilot, "\x1b")
        await until(pilot, lambda: isinstance(pilot.app.screen, HomeScreen))


async def test_hundreds_of_keys_keep_their_order() -> None:
    text = "".join(chr(ord("a") + number % 26) for number in range(190))
    async with at_home(some_runs()) as pilot:
        home = pilot.app.screen
        began = time.monotonic()
        at_once(pilot, "/" + text)
        await until(pilot, lambda: len(home.filter_line.text) == len(text))
        assert home.filter_line.text == text
        assert time.monotonic() - began < 5


async def test_a_key_that_comes_alone_is_handled_without_waiting() -> None:
    async with at_home(some_runs()) as pilot:
        app = pilot.app
        await until(pilot, lambda: app._is_settled(with_app=True))
        at_once(pilot, "/")
        await pilot.pause()
        assert app._handing_out is None and not app._typed
        assert app.screen.filter_line.has_focus


class Asking(Screen[None]):
    """Its own handler waits for the question that it put on top of itself."""

    released = asyncio.Event()

    async def on_key(self) -> None:
        self.app.push_screen(Question())
        await self.released.wait()


class Question(Screen[None]):
    def compose(self) -> ComposeResult:
        yield Input()


async def test_a_screen_below_that_waits_for_an_answer_holds_up_no_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(type_ahead, "LONGEST_WAIT_S", 60.0)
    Asking.released = asyncio.Event()
    async with at_home(some_runs()) as pilot:
        pilot.app.push_screen(Asking())
        await until(pilot, lambda: isinstance(pilot.app.screen, Asking))
        try:
            at_once(pilot, "a")
            await until(pilot, lambda: isinstance(pilot.app.focused, Input))
            at_once(pilot, "orders")
            await until(pilot, lambda: pilot.app.screen.query_one(Input).value == "orders")
        finally:
            Asking.released.set()
