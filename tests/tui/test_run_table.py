"""The table of all series and settings: it lives on, is sorted and filtered, and opens a panel."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from home_world import shown, until
from scripted_source import NOW, ScriptedSource

from tui_ft.tui.app import TuiFtApp
from tui_ft.tui.screens.run import RunScreen
from tui_ft.tui.screens.series_table import SeriesTable
from tui_ft.tui.series_rows import MOST_ROWS, series_rows, setting_rows
from tui_ft.tui.widgets.filter_line import FilterLine
from tui_ft.tui.widgets.series_list import SeriesList
from tui_ft.watch.reading import Reading
from tui_ft.watch.series import Series


@pytest.fixture
def source() -> ScriptedSource:
    made = ScriptedSource(settings={"args/learning_rate": 2e-4, "packing": True, "note": "\x1b[1mx"})
    for step in range(1, 51):
        made.add(step, loss=3.0 / step, **{"rewards/margins": math.nan if step < 4 else step / 100})
        if step % 10 == 0:
            made.add(step, eval_loss=1.0)
    return made


def an_app(source: ScriptedSource) -> TuiFtApp:
    app = TuiFtApp(Path("/runs"), clock=lambda: NOW)
    app._home_screen = lambda: RunScreen(source)  # type: ignore[method-assign]
    return app


@pytest.mark.parametrize("size", [(40, 12), (60, 15), (80, 24), (120, 40)])
async def test_every_series_has_a_line_that_follows_the_run(
    source: ScriptedSource, size: tuple[int, int]
) -> None:
    app = an_app(source)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "50/200" in "\n".join(shown(app)))
        await pilot.press("t")
        await until(pilot, lambda: isinstance(app.screen, SeriesTable) and "3 series" in shown(app)[0])
        lines = {line.split()[0].removeprefix("▸"): line.split()[1:] for line in shown(app)[2:5]}
        assert lines["loss"][0] == "0.06"
        if size[0] >= 80:
            step = ["50"] if size[0] > 80 else []
            assert lines["loss"] == ["0.06", *step, "0.06", "3", "50", "–"]
            assert lines["rewards/margins"] == ["0.5", *step, "0.04", "0.5", "50", "3"]
            assert lines["eval_loss"] == ["1", *step, "1", "1", "5", "–"]
        assert all(len(line) <= size[0] for line in shown(app))
        source.add(51, loss=0.7)
        await until(pilot, lambda: "0.7" in shown(app)[2])
        await pilot.press("q")
        await until(pilot, lambda: "51/200" in "\n".join(shown(app)))


async def test_it_is_sorted_and_filtered(source: ScriptedSource) -> None:
    app = an_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "50/200" in "\n".join(shown(app)))
        await pilot.press("t")
        await until(pilot, lambda: isinstance(app.screen, SeriesTable) and "3 series" in shown(app)[0])

        def names() -> list[str]:
            return [line.split()[0].removeprefix("▸") for line in shown(app)[2:5] if line.strip()]

        assert names() == ["loss", "rewards/margins", "eval_loss"]
        await pilot.press("o")
        await until(pilot, lambda: names() == ["eval_loss", "loss", "rewards/margins"])
        await pilot.press("o", "o")
        await until(
            pilot, lambda: names()[0] == "rewards/margins" and "by values not finite" in shown(app)[0]
        )
        await pilot.press("slash")
        await until(pilot, lambda: isinstance(app.focused, FilterLine))
        await pilot.press(*"oss")
        await until(
            pilot,
            lambda: (
                names() == ["loss", "eval_loss"] and "2 of 3 series, by values not finite" in shown(app)[0]
            ),
        )
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.focused, SeriesList))
        await pilot.press("escape")
        await until(pilot, lambda: len(names()) == 3)


async def test_the_settings_are_a_tab_away(source: ScriptedSource) -> None:
    app = an_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "50/200" in "\n".join(shown(app)))
        await pilot.press("t")
        await until(pilot, lambda: isinstance(app.screen, SeriesTable))
        assert "Tab Settings" in shown(app)[-1]
        await pilot.press("tab")
        await until(pilot, lambda: "settings and facts" in shown(app)[0])
        text = "\n".join(shown(app))
        assert "args/learning_rate" in text and "0.0002" in text and "yes" in text and "pid 4711" in text
        assert "Tab Series" in shown(app)[-1] and "Show as a panel" not in shown(app)[-1]
        await pilot.press("enter", "o")
        assert isinstance(app.screen, SeriesTable)
        await pilot.press("tab", "q")
        await until(pilot, lambda: isinstance(app.screen, RunScreen))


def test_a_run_with_ten_thousand_series_is_shown_in_part() -> None:
    series = Series()
    series.add(1, 2.0)
    reading = Reading(
        source="wandb", title="a", path="/a", status="running",
        series={f"s{i}": series for i in range(10_000)}, settings={f"k{i}": i for i in range(10_000)},
        hardware_series={"power": series},
    )  # fmt: skip
    assert len(series_rows(reading)) == MOST_ROWS
    assert len(setting_rows(reading, NOW)) == MOST_ROWS + 2


def test_hardware_stands_under_the_series_and_empty_ones_nowhere() -> None:
    one = Series()
    one.add(3, math.nan)
    reading = Reading(
        source="wandb", title="a", path="/a", status="running", series={"loss": one, "nothing": Series()},
        hardware_series={"gpu_power_w": one},
    )  # fmt: skip
    rows = series_rows(reading)
    assert [(row.name, row.last, row.at, row.low, row.nonfinite) for row in rows] == [
        ("loss", "NaN", "3", "–", 1), ("gpu_power_w", "NaN", "–", "–", 1),
    ]  # fmt: skip


async def test_enter_shows_the_series_as_a_panel(source: ScriptedSource) -> None:
    app = an_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: "50/200" in "\n".join(shown(app)))
        screen = app.screen
        assert isinstance(screen, RunScreen)
        source.add(51, **{"deep/odd thing": 1.0})
        await pilot.press("t")
        await until(pilot, lambda: "deep/odd thing" in "\n".join(shown(app)))
        await pilot.press("end", "enter")
        await until(pilot, lambda: isinstance(app.screen, RunScreen))
        await until(
            pilot, lambda: any("odd thing" in screen.grid.chart(key).cells[0] for key in screen.grid.seen)
        )
