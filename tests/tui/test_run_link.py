"""A slow link holds frames back instead of queueing them, and a terminal that changed is written anew."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from queue import Queue
from types import SimpleNamespace
from typing import Any

import pytest
from synthetic_run import SyntheticRun
from textual import events
from textual.geometry import Size
from textual.pilot import Pilot

from tui_ft.errors import TuiFtError
from tui_ft.tui import cell_diff
from tui_ft.tui.app import TuiFtApp
from tui_ft.tui.main import run_app


class Link:
    """What the app wrote, and a queue of writes that the terminal has not taken yet."""

    def __init__(self) -> None:
        self.written: list[str] = []
        self.waiting: Queue[str] = Queue()

    @property
    def characters(self) -> int:
        return sum(map(len, self.written))


@pytest.fixture
def made(tmp_path: Path) -> Iterator[SyntheticRun]:
    with SyntheticRun(tmp_path) as run:
        run.begin_training()
        run.advance(40)
        run.finish()
        yield run


@asynccontextmanager
async def linked(made: SyntheticRun, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Any, Link]]:
    """An app on a driver that notes what is written."""
    link = Link()
    app = TuiFtApp(made.run.path.parent, made.run, clock=lambda: made.now)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        monkeypatch.setattr(type(app), "is_headless", property(lambda _: False))
        monkeypatch.setattr(app._driver, "write", link.written.append)
        thread = SimpleNamespace(_queue=link.waiting)
        monkeypatch.setattr(app._driver, "_writer_thread", thread, raising=False)
        yield app, link
        monkeypatch.undo()


async def settle(pilot: Pilot[None]) -> None:
    for _ in range(5):
        await pilot.pause()


async def painted(app: TuiFtApp, link: Link, at_least: int) -> None:
    for _ in range(300):
        if link.characters >= at_least:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"{link.characters} characters were written")


async def test_an_unchanged_screen_is_written_once(
    made: SyntheticRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with linked(made, monkeypatch) as (app, link):
        app.screen.refresh()
        await painted(app, link, 2_000)
        await asyncio.sleep(0.1)
        link.written.clear()
        app.screen.refresh()
        await asyncio.sleep(0.2)
        assert link.written == []


async def test_while_the_link_is_behind_nothing_is_queued_and_then_the_newest_is_written(
    made: SyntheticRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with linked(made, monkeypatch) as (app, link):
        for _ in range(3):
            link.waiting.put("a frame that the terminal has not taken")
        for _ in range(5):
            app.screen.refresh()
            await asyncio.sleep(0.03)
        assert link.written == []
        while not link.waiting.empty():
            link.waiting.get()
        await painted(app, link, 2_000)


async def test_after_a_resize_or_a_redraw_everything_is_written_again(
    made: SyntheticRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cell_diff, "SETTLED_S", 0.0)
    async with linked(made, monkeypatch) as (app, link):
        app.screen.refresh()
        await painted(app, link, 2_000)
        await asyncio.sleep(0.1)
        link.written.clear()
        app.action_redraw()
        await painted(app, link, 2_000)
        link.written.clear()
        app.post_message(events.Resize(Size(80, 24), Size(80, 24)))
        await asyncio.sleep(0.05)
        app.screen.refresh()
        await painted(app, link, 2_000)


def test_without_a_terminal_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(TuiFtError, match=r"needs a terminal.*--no-ui"):
        run_app(tmp_path)
