"""Runs over each other: the legend, the settings that differ, adding, removing, and the export of it all."""

from __future__ import annotations

import csv
import os
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from home_world import shown, until
from scripted_source import NOW, ScriptedSource

from tui_ft.tui.app import TuiFtApp
from tui_ft.tui.screens.compare import CompareScreen
from tui_ft.watch.looks import LOOKS

SIZES = [(80, 24), (120, 40), (60, 15)]


def a_source(name: str, *, lowest: float = 1.0, settings: dict[str, object] | None = None) -> ScriptedSource:
    source = ScriptedSource(
        title=name, path=f"/runs/{name}", status="finished", settings=settings or {}, is_complete=True,
    )  # fmt: skip
    for step in range(1, 41):
        source.add(step, loss=3.0 / step + lowest, grad_norm=1.0 + step % 3)
    for step, value in ((20, lowest + 0.2), (30, lowest), (40, lowest + 0.1)):
        source.add(step, eval_loss=value)
    return source


def two() -> list[ScriptedSource]:
    return [
        a_source("lora-r8", lowest=1.2, settings={"training.learning_rate": 1e-4, "method.rank": 8}),
        a_source(
            "their-run", lowest=1.1, settings={"learning_rate": "1e-4", "lora_r": 16, "output_dir": "x"}
        ),
    ]


def an_app() -> TuiFtApp:
    return TuiFtApp(Path("/runs"), clock=lambda: NOW)


@pytest.mark.parametrize("size", SIZES)
async def test_it_says_who_is_best_and_shows_only_what_differs(size: tuple[int, int]) -> None:
    app = an_app()
    async with app.run_test(size=size) as pilot:
        screen = CompareScreen(two())
        await app.push_screen(screen)
        await until(pilot, lambda: "lora-r8" in " ".join(shown(app)))
        text = "\n".join(shown(app))
        assert all(len(line) <= size[0] for line in shown(app))
        assert "their-run has the lowest eval loss: 1.1 at step 30, 0.1 below the next." in " ".join(
            text.split()
        )
        assert "method.rank" in text and "16" in text
        assert "learning_rate" not in text and "output_dir" not in text
        assert screen.grid.seen, "the charts keep their room"


async def test_every_run_has_its_marker_in_the_legend_and_on_its_line() -> None:
    app = an_app()
    async with app.run_test(size=(120, 40)) as pilot:
        screen = CompareScreen(two())
        await app.push_screen(screen)
        await until(pilot, lambda: screen.list.rows)
        for row in screen.list.rows:
            marker = LOOKS[row.look].marker
            assert any(f"{marker} {row.title}" in line for line in shown(app))
            assert any(marker in line for line in screen.grid.chart("loss").cells)


async def test_a_run_that_is_removed_is_gone_and_the_others_keep_their_looks() -> None:
    app = an_app()
    async with app.run_test(size=(100, 30)) as pilot:
        screen = CompareScreen([*two(), a_source("third")])
        await app.push_screen(screen)
        await until(pilot, lambda: len(screen.list.rows) == 3)
        before = {row.title: row.look for row in screen.list.rows}
        await pilot.press("down", "delete")
        await until(pilot, lambda: len(screen.list.rows) == 2)
        after = {row.title: row.look for row in screen.list.rows}
        assert after == {name: before[name] for name in ("lora-r8", "third")}
        await pilot.press("delete", "delete")
        await until(pilot, lambda: not screen.list.rows)
        assert "No run is left. i adds one." in "\n".join(shown(app))


async def test_a_live_run_goes_on_and_one_that_cannot_be_read_is_said_and_stays() -> None:
    app = an_app()
    sources = two()
    async with app.run_test(size=(100, 30)) as pilot:
        screen = CompareScreen(sources)
        await app.push_screen(screen)
        await until(pilot, lambda: len(screen.list.rows) == 2)
        sources[0].change(status="running")
        sources[0].add(41, loss=0.5)
        await until(pilot, lambda: screen.list.rows[0].step == 41)
        sources[1].failure = OSError("the disk is gone")
        await until(pilot, lambda: "their-run cannot be read" in " ".join(" ".join(shown(app)).split()))
        assert len(screen.list.rows) == 2


async def test_all_settings_on_the_whole_screen_and_back() -> None:
    app = an_app()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = CompareScreen(two())
        await app.push_screen(screen)
        await until(pilot, lambda: screen.list.rows)
        await pilot.press("d")
        await until(pilot, lambda: "All settings" in "\n".join(shown(app)))
        text = "\n".join(shown(app))
        assert "training.learning_rate" in text and "output_dir" in text
        await pilot.press("escape")
        await until(pilot, lambda: "Settings that differ" in "\n".join(shown(app)))


async def test_hostile_names_and_settings_stay_text() -> None:
    app = an_app()
    evil = "\x1b[2J\x07[bold]x[/]\u202e"
    sources = [a_source(evil + str(n), settings={evil: f"{evil}{n}"}) for n in range(2)]
    async with app.run_test(size=(80, 24)) as pilot:
        screen = CompareScreen(sources)
        await app.push_screen(screen)
        await until(pilot, lambda: screen.list.rows)
        text = "\n".join(shown(app))
        assert not set("\x1b\x07\u202e") & set(text) and "[bold]" in text


@pytest.mark.parametrize("ending", ["svg", "png", "csv"])
async def test_what_is_seen_is_written_to_a_new_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    monkeypatch.chdir(tmp_path)
    app = an_app()
    async with app.run_test(size=(100, 30)) as pilot:
        screen = CompareScreen(two())
        await app.push_screen(screen)
        await until(pilot, lambda: screen.list.rows)
        await pilot.press("E")
        await until(pilot, lambda: "Export what is seen" in "\n".join(shown(app)))
        await pilot.press("end", "backspace", "backspace", "backspace", *ending, "enter")
        file = tmp_path / f"comparison.{ending}"
        await until(pilot, lambda: file.exists() and app.screen is screen)
        data = file.read_bytes()
    if ending == "png":
        assert data.startswith(b"\x89PNG")
    elif ending == "svg":
        text = " ".join(ElementTree.fromstring(data).itertext())
        assert "lora-r8" in text and "their-run" in text and "Gradient norm" in text
    else:
        rows = list(csv.DictReader(data.decode().splitlines()))
        assert {row["run"] for row in rows} == {"lora-r8", "their-run"} and len(rows) == 80


async def test_nothing_is_overwritten_and_a_wrong_ending_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    taken = tmp_path / "comparison.csv"
    taken.write_text("mine")
    app = an_app()
    async with app.run_test(size=(100, 30)) as pilot:
        await app.push_screen(CompareScreen(two()))
        await until(pilot, lambda: "lora-r8" in "\n".join(shown(app)))
        await pilot.press("E")
        await until(pilot, lambda: "Export what is seen" in "\n".join(shown(app)))
        await pilot.press("end", "backspace", "backspace", "backspace", *"csv", "enter")
        await until(pilot, lambda: "is there already" in " ".join("\n".join(shown(app)).split()))
        await pilot.press("x", "enter")
        await until(pilot, lambda: "must end in .svg, .png or" in " ".join("\n".join(shown(app)).split()))
    assert taken.read_text() == "mine" and os.listdir(tmp_path) == ["comparison.csv"]


async def test_evaluations_have_signs_of_their_own_which_are_told() -> None:
    app = an_app()
    async with app.run_test(size=(120, 40)) as pilot:
        screen = CompareScreen(two())
        await app.push_screen(screen)
        await until(pilot, lambda: screen.list.rows)
        loss = "\n".join(screen.grid.chart("loss").cells)
        assert "filled: training, hollow: evaluation" in loss
        assert all(LOOKS[row.look].hollow in loss for row in screen.list.rows)
        await pilot.press("delete")  # one run is left: it is named in the list, not twice in the title
        await until(pilot, lambda: len(screen.list.rows) == 1)
        assert screen.grid.chart("loss").cells[0].count("their-run") == 0
        assert "1 run " in "\n".join(shown(app))


async def test_a_cursor_is_on_the_axis_that_is_drawn_and_so_is_the_name_of_it() -> None:
    app = an_app()
    sources = two()
    for step in range(1, 41):
        sources[0].add(step, tokens=512.0 * step)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = CompareScreen(sources)
        await app.push_screen(screen)
        await until(pilot, lambda: len(screen.list.rows) == 2)
        while screen.grid.x_in_use != "tokens":
            await pilot.press("x")
        await pilot.press("c")
        await until(pilot, lambda: screen.grid.view.cursor is not None)
        await pilot.press("delete")
        await until(pilot, lambda: len(screen.list.rows) == 1)
        assert screen.grid.view.x == "tokens"
        assert screen.grid.x_in_use == "step"
        assert screen.grid.view.cursor is None
        await pilot.press("c")
        assert screen.grid.view.cursor == 40
