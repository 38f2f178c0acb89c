"""The lists of the home screen: any length, chosen by key, readable whatever the names hold."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

import pytest
from home_world import NOON, a_preset, a_run, shown, until
from textual.app import App, ComposeResult

from tui_ft.spec.presets import list_presets
from tui_ft.tui.widgets.preset_list import PresetList
from tui_ft.tui.widgets.row_list import RowList
from tui_ft.tui.widgets.run_columns import loss_text, progress_text, short_id, start_text
from tui_ft.tui.widgets.run_list import RunList


class ListApp(App[None]):
    def __init__(self, row_list: RowList[Any]) -> None:
        super().__init__()
        self.row_list = row_list

    def compose(self) -> ComposeResult:
        yield self.row_list


def ids(runs: RunList) -> str:
    assert runs.chosen is not None
    return runs.chosen.id


async def test_a_thousand_runs_are_walked_by_line_page_and_end() -> None:
    runs = RunList()
    async with ListApp(runs).run_test(size=(80, 24)) as pilot:
        runs.set_rows([a_run(number) for number in range(1000)])
        runs.focus()
        await pilot.press("down", "pagedown")
        assert runs.index == 23
        await pilot.press("end")
        assert runs.index == 999
        await pilot.pause()
        lines = shown(pilot.app)
        assert "1000/1000" in lines[0]
        assert lines[-1].startswith("▸") and "demo-0999" in lines[-1]
        await pilot.press("pageup", "up")
        assert runs.index == 976
        await pilot.press("home", "up")
        assert runs.index == 0


async def test_only_the_lines_that_are_seen_are_drawn() -> None:
    drawn: list[str] = []

    class Counting(RunList):
        def row_cells(self, row: Any, width: int) -> Any:
            drawn.append(row.id)
            return super().row_cells(row, width)

    runs = Counting()
    async with ListApp(runs).run_test(size=(80, 24)) as pilot:
        rows = [a_run(number) for number in range(1000)]
        runs.set_rows(rows)
        await until(pilot, lambda: len(set(drawn)) == 23)
        await pilot.pause()
        drawn.clear()
        runs.set_rows([*rows[:5], a_run(5, step=101), *rows[6:]])
        await until(pilot, lambda: drawn)
        await pilot.pause()
        assert set(drawn) == {rows[5].id}


async def test_the_choice_stays_on_its_run_when_the_list_changes() -> None:
    runs = RunList()
    async with ListApp(runs).run_test(size=(80, 24)) as pilot:
        rows = [a_run(number) for number in range(100)]
        runs.set_rows(rows)
        runs.focus()
        await pilot.press("pagedown", "pagedown", "down")
        chosen, line = ids(runs), _line_of_cursor(pilot.app)
        runs.set_rows([a_run(500), a_run(501), *rows])
        await pilot.pause()
        assert ids(runs) == chosen
        assert _line_of_cursor(pilot.app) == line
        runs.set_rows([row for row in rows if row.id != chosen])
        assert ids(runs) != chosen
        runs.set_rows([])
        assert runs.chosen is None


def _line_of_cursor(app: App[None]) -> int:
    return next(number for number, line in enumerate(shown(app)) if line.startswith("▸"))


@pytest.mark.parametrize("width", [60, 80, 120])
async def test_no_column_is_cut_off_at_the_edge(width: int) -> None:
    runs = RunList()
    rows = [
        a_run(1, "running", step=1_234_567, total_steps=2_000_000, method="Last 2 layers"),
        a_run(2, "finished", loss=0.00012, model="x" * 200),
        a_run(3, "failed", step=None, loss=math.nan, id="20261121-" + "long-" * 40 + "abcd"),
    ]
    async with ListApp(runs).run_test(size=(width, 10)) as pilot:
        runs.set_rows(rows)
        await pilot.pause()
        lines = shown(pilot.app)
        assert lines[0].endswith("start")
        for line, row in zip(lines[1:4], rows, strict=True):
            assert len(line) == width
            assert row.status in line
            assert line.endswith(start_text(row.started_at, time.time()))
        assert "61%" in lines[1] and "1.234" in lines[1] and "Last 2 layers" in lines[1]
        assert "NaN" in lines[3]


async def test_hostile_names_bring_no_control_character_to_the_terminal() -> None:
    runs, evil = RunList(), "a\x1b[2J\x07b\u202ec\u200bd\x9b31m\ne"
    async with ListApp(runs).run_test(size=(120, 10)) as pilot:
        runs.set_rows([a_run(1, id=evil, model=evil, method=evil)])
        await pilot.pause()
        text = "".join(shown(pilot.app))
        assert "a[2Jbcd31m e" in text
        assert text.isprintable()


async def test_wide_characters_keep_the_columns_in_line() -> None:
    runs = RunList()
    async with ListApp(runs).run_test(size=(80, 5)) as pilot:
        runs.set_rows([a_run(1), a_run(2, id="20261121-模型模型模型模型模型模型模型模型-abcd")])
        await pilot.pause()
        strips = pilot.app.screen._compositor.render_strips()
        assert {strip.cell_length for strip in strips} == {80}
        assert shown(pilot.app)[2].endswith(start_text(NOON - 2, time.time()))


async def test_presets_show_key_name_model_method_and_use() -> None:
    presets = PresetList()
    async with ListApp(presets).run_test(size=(80, 14)) as pilot:
        presets.set_rows([a_preset(number) for number in range(1, 12)])
        await pilot.pause()
        lines = shown(pilot.app)
        assert lines[1].startswith("▸ 1 preset-1")
        assert "demo" in lines[1] and "LoRA r16" in lines[1] and "What preset 1" in lines[1]
        assert lines[10].startswith("    preset-10")
        presets.set_rows([a_preset(1, source="user")])
        await pilot.pause()
        assert "yours" in shown(pilot.app)[1]


async def test_every_shipped_summary_is_whole_at_120_columns(tmp_path: Path) -> None:
    presets = PresetList()
    shipped, _ = list_presets(tmp_path)
    async with ListApp(presets).run_test(size=(120, 14)) as pilot:
        presets.set_rows(shipped)
        await pilot.pause()
        lines = shown(pilot.app)[1:]
        for line, preset in zip(lines, shipped, strict=False):
            assert line.endswith(preset.summary)
            assert "…" not in line


async def test_a_summary_gets_the_room_that_names_do_not_need() -> None:
    presets = PresetList()
    async with ListApp(presets).run_test(size=(80, 14)) as pilot:
        presets.set_rows([a_preset(1, summary="word " * 9 + "end.")])
        await pilot.pause()
        assert "…" not in shown(pilot.app)[1]
        presets.set_rows([a_preset(1, summary="word " * 9 + "end."), a_preset(2, "n" * 40)])
        await pilot.pause()
        assert "…" in shown(pilot.app)[1]


async def test_an_empty_preset_list_says_what_to_do() -> None:
    presets = PresetList()
    async with ListApp(presets).run_test(size=(80, 5)) as pilot:
        assert "No presets" not in "".join(shown(pilot.app))
        presets.set_rows([])
        await pilot.pause()
        assert "No presets were found" in shown(pilot.app)[1]


@pytest.mark.parametrize(
    ("step", "total", "width", "text"),
    [
        (None, 100, 5, "–"), (7, None, 5, "7"), (50, 200, 5, "25%"), (199, 200, 5, "99%"),
        (200, 200, 5, "100%"), (300, 200, 5, "100%"), (1240, 3000, 18, "1,240/3,000  41%"),
        (1_234_567, 2_000_000, 18, "61%"),
    ],
)  # fmt: skip
def test_progress(step: int | None, total: int | None, width: int, text: str) -> None:
    assert progress_text(step, total, width) == text


@pytest.mark.parametrize(
    ("loss", "text"),
    [
        (None, "–"), (0.0, "0.0000"), (1.23456, "1.235"), (0.01234, "0.0123"), (123.456, "123.5"),
        (1e-6, "1.0e-06"), (123456.0, "1.2e+05"), (math.nan, "NaN"), (math.inf, "inf"), (-math.inf, "-inf"),
    ],
)  # fmt: skip
def test_losses_fit_their_column(loss: float | None, text: str) -> None:
    assert loss_text(loss) == text
    assert len(loss_text(loss)) <= 7


def test_a_start_is_a_time_today_a_day_this_year_else_a_year() -> None:
    assert start_text(NOON - 60, NOON) == time.strftime("%H:%M", time.localtime(NOON - 60))
    assert start_text(NOON - 7 * 86400, NOON) == "Nov 14"
    assert start_text(NOON - 400 * 86400, NOON) == "2025"
    assert start_text(None, NOON) == "–"


@pytest.mark.parametrize("width", [60, 80, 120])
async def test_runs_of_one_name_are_told_apart_by_their_letters(width: int) -> None:
    runs, name = RunList(), "20261121-a-rather-long-name-that-nobody-would-type-twice-in-one-minute-"
    async with ListApp(runs).run_test(size=(width, 10)) as pilot:
        runs.set_rows([a_run(1, id=name + "k3fz"), a_run(2, id=name + "q9aa"), a_run(3, id="x" * 80)])
        await pilot.pause()
        lines = shown(pilot.app)
        assert "-k3fz " in lines[1]
        assert "-q9aa " in lines[2]
        assert "x… " in lines[3]


def test_an_id_loses_only_a_date() -> None:
    assert short_id("20261121-demo-abcd") == "demo-abcd"
    assert short_id("my-old-run") == "my-old-run"
