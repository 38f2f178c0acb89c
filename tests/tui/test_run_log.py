"""The log of the run screen: words are found in it, errors marked, and it follows or stands still."""

from __future__ import annotations

from pathlib import Path

import pytest
from home_world import shown, until
from scripted_source import NOW, ScriptedSource
from textual.pilot import Pilot

from tui_ft.tui.app import TuiFtApp
from tui_ft.tui.log_marks import dropped, mark_of, matches
from tui_ft.tui.screens.run import RunScreen
from tui_ft.tui.screens.series_table import SeriesTable
from tui_ft.tui.widgets.filter_line import FilterLine
from tui_ft.tui.widgets.log_tail import LogTail


@pytest.fixture
def source() -> ScriptedSource:
    made = ScriptedSource()
    made.add(1, loss=1.0)
    made.log(*(f"line {i}: all is well" for i in range(200)))
    made.log("UserWarning: this is odd", *(f"more {i}" for i in range(50)))
    made.log("Traceback (most recent call last):", "ValueError: bad value", *(f"end {i}" for i in range(40)))
    return made


def an_app(source: ScriptedSource) -> TuiFtApp:
    app = TuiFtApp(Path("/runs"), clock=lambda: NOW)
    app._home_screen = lambda: RunScreen(source)  # type: ignore[method-assign]
    return app


async def search(pilot: Pilot[None], words: str) -> LogTail:
    await pilot.press("slash")
    await until(pilot, lambda: isinstance(pilot.app.focused, FilterLine))
    await pilot.press("ctrl+u", *words, "enter")
    await until(pilot, lambda: isinstance(pilot.app.focused, LogTail))
    return pilot.app.screen.query_one(LogTail)


async def test_words_are_found_from_the_newest_line_up(source: ScriptedSource) -> None:
    app = an_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "end 39" in "\n".join(shown(app)))
        log = await search(pilot, "line 1: ALL")
        assert "not in the last 293 lines" in shown(app)[3]
        log = await search(pilot, "well")
        assert ">line 199: all is well" in shown(app)
        assert "/well: 200 of 200" in shown(app)[3]
        await pilot.press("N")
        await until(pilot, lambda: ">line 198: all is well" in shown(app))
        assert "/well: 199 of 200" in shown(app)[3]
        await pilot.press("n", "n")
        await until(pilot, lambda: ">line 0: all is well" in shown(app))
        await pilot.press("escape")
        assert not log.is_searching and app.screen.has_class("-log")
        await pilot.press("escape")
        await until(pilot, lambda: not app.screen.has_class("-log"))
        await until(pilot, lambda: "end 39" in "\n".join(shown(app)))


async def test_what_was_typed_is_words_not_keys_and_escape_takes_it_back(source: ScriptedSource) -> None:
    app = an_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "end 39" in "\n".join(shown(app)))
        screen = app.screen
        await pilot.press("slash")
        await until(pilot, lambda: isinstance(app.focused, FilterLine))
        await pilot.press(*"qtlfnsX", "escape")
        await until(pilot, lambda: isinstance(app.focused, LogTail))
        assert app.screen is screen and not screen.query_one(LogTail).is_searching
        assert screen.has_class("-log")


async def test_without_a_search_the_errors_and_warnings_are_gone_through(source: ScriptedSource) -> None:
    app = an_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "2 errors: n N" in "\n".join(shown(app)))
        await pilot.press("l", "n")
        await until(pilot, lambda: ">ValueError: bad value" in shown(app))
        assert "✗Traceback (most recent call last):" in shown(app)
        await pilot.press("N", "N")
        await until(pilot, lambda: ">UserWarning: this is odd" in shown(app))


async def test_while_the_log_has_the_screen_no_key_moves_a_chart_unseen(source: ScriptedSource) -> None:
    app = an_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "end 39" in "\n".join(shown(app)))
        screen = app.screen
        assert isinstance(screen, RunScreen)
        view = screen.grid.view
        await pilot.press("l", "m", "c", "y", "plus", "v")
        await until(pilot, lambda: screen.has_class("-log") and "v Panels" not in shown(app)[-1])
        assert app.screen is screen and screen.grid.view == view
        await pilot.press("l", "m", "l", "escape")
        await until(pilot, lambda: not screen.has_class("-log") and screen.grid.view.is_maximised)
        await pilot.press("escape")
        await until(pilot, lambda: not screen.grid.view.is_maximised and app.screen is screen)


async def test_it_stands_still_under_the_reader_while_the_front_of_it_falls_away(
    source: ScriptedSource,
) -> None:
    source.log(*(f"filling {i}" for i in range(800)))
    app = an_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "filling 799" in "\n".join(shown(app)))
        log = await search(pilot, "filling 300")
        before = log.visible_text
        source.log(*(f"new {i}" for i in range(250)))
        await until(pilot, lambda: log._lines[-1] == "new 249")
        assert log.visible_text == before
        assert ">filling 300" in shown(app)
        await pilot.press("f")
        await until(pilot, lambda: "new 249" in "\n".join(shown(app)))
        await pilot.press("f")
        stands = log.visible_text
        source.log(*(f"later {i}" for i in range(30)))
        await until(pilot, lambda: log._lines[-1] == "later 29")
        assert log.visible_text == stands
        await pilot.press("f")
        await until(pilot, lambda: "later 29" in "\n".join(shown(app)))


@pytest.mark.parametrize(
    ("line", "mark"),
    [
        ("Traceback (most recent call last):", "bad"),
        ("torch.OutOfMemoryError: CUDA out of memory.", "bad"),
        ("2026-11-21 ERROR something", "bad"),
        ("Killed", "bad"),
        ("killed two birds", ""),
        ("UserWarning: odd", "warn"),
        ("[WARNING|trainer.py:12] odd", "warn"),
        ("Saving model checkpoint to out/checkpoint-500", "good"),
        ("checkpoint 30 saved", "good"),
        ("{'loss': '0.5', 'learning_rate': '0'}", ""),
        ("the mean error rate is 0.5", ""),
        ("x" * 100_000, ""),
    ],
)
def test_lines_that_matter_are_known(line: str, mark: str) -> None:
    assert mark_of(line) == mark


def test_capitals_count_where_some_are_typed() -> None:
    lines = ["Loss", "loss", "LOSS"]
    assert matches(lines, "loss") == [0, 1, 2]
    assert matches(lines, "Loss") == [0]
    assert matches(lines, "") == []


def test_how_many_lines_fell_away() -> None:
    old = [f"line {i}" for i in range(100)]
    assert dropped(old, [*old, "new"]) == 0
    assert dropped(old, [*old[37:], "new"]) == 37
    assert dropped(old, ["another file"]) == 100
    assert dropped([*old, "torn"], [*old[3:], "torn line that has its end"]) == 3
    assert dropped(["same"] * 50, ["same"] * 49 + ["new"]) in (0, 1)
    assert dropped([], ["new"]) == 0
    assert dropped(old, []) == 100


async def test_what_is_typed_is_drawn_while_it_is_typed(
    source: ScriptedSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[str] = []
    refresh = FilterLine.refresh

    def note(line: FilterLine, *regions: object, **options: bool) -> FilterLine:
        drawn.append(line.text)
        return refresh(line, *regions, **options)  # type: ignore[arg-type]

    app = an_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "end 39" in "\n".join(shown(app)))
        await pilot.press("slash")
        await until(pilot, lambda: isinstance(app.focused, FilterLine))
        monkeypatch.setattr(FilterLine, "refresh", note)
        await pilot.press("o", "d")
        await until(pilot, lambda: "od" in drawn)


async def test_a_series_chosen_in_the_table_is_seen_though_the_log_had_the_screen(
    source: ScriptedSource,
) -> None:
    app = an_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "end 39" in "\n".join(shown(app)))
        await pilot.press("l", "t")
        await until(pilot, lambda: isinstance(app.screen, SeriesTable))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, RunScreen))
        await until(pilot, lambda: any(line.strip(" ▸").startswith("Loss") for line in shown(app)))


async def test_what_was_written_is_said_under_the_whole_log(source: ScriptedSource, tmp_path: Path) -> None:
    app = an_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "end 39" in "\n".join(shown(app)))
        await pilot.press("l", "E")
        await until(pilot, lambda: not isinstance(app.screen, RunScreen))
        await pilot.press("ctrl+u", *str(tmp_path / "a.csv"), "enter")
        await until(pilot, lambda: isinstance(app.screen, RunScreen))
        await until(pilot, lambda: "Written to" in "\n".join(shown(app)))
