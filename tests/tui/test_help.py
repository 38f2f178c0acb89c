"""The help: what works on the screen under it at once, every other key as soon as it is loaded."""

from __future__ import annotations

from pathlib import Path

from home_world import shown, until
from scripted_source import ScriptedSource

from tui_ft.tui.app import TuiFtApp
from tui_ft.tui.screens.help import HelpScreen
from tui_ft.tui.screens.run import RunScreen
from tui_ft.tui.widgets.page import Page


async def test_the_keys_of_this_screen_come_first_and_only_those_that_work() -> None:
    source = ScriptedSource()
    source.add(1, loss=1.0)
    source.log("a line")
    app = TuiFtApp(Path("/runs"))
    app._home_screen = lambda: RunScreen(source)  # type: ignore[method-assign]
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "1/200" in "\n".join(shown(app)))
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        assert "What works here now" in shown(app)[1]
        assert shown(app)[2].split()[0] == "h"  # another's run: nothing of it is steered
        page = app.screen.query_one(Page)
        here = [text for text, _ in page._entries]
        assert any("$EDITOR" in text for text in here)  # where things are, without any other screen's keys
        assert not any("The practice tour" in text for text in here)
        await pilot.press("a")
        await until(pilot, lambda: any("The practice tour" in text for text, _ in page._entries))
        everything = "\n".join(text for text, _ in page._entries)
        for words in ("Save a checkpoint and stop the run", "Other sources and other runs", "/runs"):
            assert words in everything
        await pilot.press("a")
        assert [text for text, _ in page._entries] == here
        await pilot.press("end")
        await until(pilot, lambda: "$EDITOR" in "\n".join(shown(app)))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, RunScreen))
