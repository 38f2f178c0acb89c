"""The list of runs under its own keys: filter as you type, order, groups, marks, labels, the archive."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from home_world import NOON, OpenedRun, Rooms, a_run, at_home, on_screen, shown, until
from textual.pilot import Pilot

from tui_ft.errors import TuiFtError
from tui_ft.runs.labels import read_labels
from tui_ft.tui import home_reading
from tui_ft.tui.actions import LocalActions
from tui_ft.tui.screens.ask_text import AskText
from tui_ft.tui.screens.compare import CompareScreen
from tui_ft.tui.screens.home import HomeScreen
from tui_ft.tui.widgets.run_columns import start_text


def ids(pilot: Pilot[Any]) -> list[str]:
    """The ids of the runs that are listed; a group's line as its title."""
    return [getattr(row, "id", None) or row.title for row in pilot.app.screen.runs.rows]


def some_runs() -> list[Any]:
    return [
        a_run(1, model="Qwen/Qwen3-8B", tags=("best",)),
        a_run(2, "failed", model="Llama-3", loss=0.5, reason="out of memory"),
        a_run(3, "running", method="Full", note="the long one"),
        a_run(4, archived=True, started_at=NOON - 99),
    ]


LIVE_FIRST = ["20261121-demo-0003", "20261121-demo-0001", "20261121-demo-0002"]


async def test_what_goes_on_stands_first_and_what_is_archived_is_hidden() -> None:
    rooms = Rooms()
    rooms.runs = some_runs()
    async with at_home(rooms) as pilot:
        assert ids(pilot) == LIVE_FIRST


async def test_a_filter_works_as_it_is_typed_and_esc_takes_it_away() -> None:
    rooms = Rooms()
    rooms.runs = some_runs()
    async with at_home(rooms) as pilot:
        await pilot.press("slash", *"qwen")
        assert ids(pilot) == ["20261121-demo-0003", "20261121-demo-0001"]
        await on_screen(pilot, "/ qwen 2 of 4")
        await pilot.press("backspace", *"q 1")
        assert ids(pilot) == []
        await on_screen(pilot, "No run has “qweq 1” in it. Esc shows all of them again.")
        await pilot.press("ctrl+u", *"#best", "enter")
        assert ids(pilot) == ["20261121-demo-0001"]
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, OpenedRun))
        await pilot.press("q")
        await until(pilot, lambda: isinstance(pilot.app.screen, HomeScreen))
        assert ids(pilot) == ["20261121-demo-0001"]
        await pilot.press("escape")
        assert ids(pilot) == LIVE_FIRST
        assert "/" not in shown(pilot.app)[1][:3]


async def test_letters_digits_and_quit_go_into_the_filter_and_do_nothing_else() -> None:
    rooms = Rooms()
    rooms.runs = some_runs()
    async with at_home(rooms) as pilot:
        await pilot.press("slash", *"q1snA#", "space")
        assert pilot.app.screen.filter_line.text == "q1snA# "
        await until(pilot, lambda: shown(pilot.app)[-1] == "Enter Keep it  Esc Show all  ^p Palette")
        assert not rooms.started and not rooms.stopped and pilot.app.is_running
        await pilot.press("escape")
        assert pilot.app.screen.runs.has_focus


async def test_arrows_choose_a_run_while_the_filter_is_typed() -> None:
    rooms = Rooms()
    rooms.runs = some_runs()
    async with at_home(rooms) as pilot:
        await pilot.press("slash", *"demo", "down", "down", "up", "tab", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, OpenedRun))
        assert pilot.app.screen.run.id == "20261121-demo-0001"


async def test_a_filter_that_is_pasted_loses_its_control_characters() -> None:
    from textual.events import Paste

    rooms = Rooms()
    rooms.runs = some_runs()
    async with at_home(rooms) as pilot:
        await pilot.press("slash")
        pilot.app.screen.filter_line.post_message(Paste("qw\x1b[2J\nen"))
        await until(pilot, lambda: pilot.app.screen.filter_line.text)
        assert pilot.app.screen.filter_line.text == "qw[2J en"


async def test_the_filter_holds_for_what_a_new_reading_brings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home_reading, "RUNS_EVERY_S", 0.01)
    rooms = Rooms()
    rooms.runs = some_runs()
    async with at_home(rooms) as pilot:
        await pilot.press("slash", *"llama")
        rooms.runs = [a_run(7, model="Llama-4"), *rooms.runs]
        await on_screen(pilot, "/ llama 2 of 5")
        assert ids(pilot) == ["20261121-demo-0002", "20261121-demo-0007"]


async def test_an_order_is_said_and_comes_round() -> None:
    rooms = Rooms()
    rooms.runs = some_runs()
    async with at_home(rooms) as pilot:
        orders = []
        for _ in range(7):
            await pilot.press("o")
            orders.append((shown(pilot.app)[1].strip(), [run_id[-4:] for run_id in ids(pilot)]))
        assert ("newest first", ["0001", "0002", "0003"]) in orders
        assert ("lowest loss first", ["0002", "0001", "0003"]) in orders
        assert ("by status", ["0003", "0002", "0001"]) in orders
        assert orders[-1][1] == [run_id[-4:] for run_id in LIVE_FIRST]
        assert "first" not in orders[-1][0]


@pytest.mark.parametrize("width", [60, 80, 120])
async def test_no_line_is_cut_off_at_the_edge_whatever_is_marked_and_grouped(width: int) -> None:
    rooms = Rooms()
    rooms.runs = [a_run(n, model="m" * 60, method="LLaMA-Factory", tags=("t" * 32,)) for n in range(3)]
    async with at_home(rooms, (width, 24)) as pilot:
        await pilot.press("space", "g", "g", "g", "g", "A")
        await on_screen(pilot, "grouped by tag")
        rows = [line for line in shown(pilot.app) if "✓ finished" in line]
        assert len(rows) == 3
        starts = {start_text(run.started_at, time.time()) for run in rooms.runs}
        assert all(line.endswith(tuple(starts)) for line in rows)


async def test_groups_have_a_line_each_that_folds() -> None:
    rooms = Rooms()
    rooms.runs = some_runs()
    async with at_home(rooms) as pilot:
        await pilot.press("g")
        await on_screen(pilot, "grouped by model")
        assert ids(pilot) == [
            "Llama-3", "20261121-demo-0002", "Qwen/Qwen3-8B", "20261121-demo-0003", "20261121-demo-0001",
        ]  # fmt: skip
        await on_screen(pilot, "▾ Qwen/Qwen3-8B 2 runs")
        await pilot.press("home", "enter")
        assert ids(pilot)[:2] == ["Llama-3", "Qwen/Qwen3-8B"]
        await on_screen(pilot, "▸ Llama-3 1 run, hidden: Enter shows them")
        await pilot.press("s")
        await on_screen(pilot, "No run is chosen to stop.")
        await pilot.press("enter")
        assert len(ids(pilot)) == 5


async def test_the_cursor_stays_on_its_run_whatever_the_list_does() -> None:
    rooms = Rooms()
    rooms.runs = [a_run(n, tags=("x", "y")) for n in range(30)]
    async with at_home(rooms) as pilot:
        await pilot.press(*["down"] * 7)
        for key in ("o", "o", "g", "g", "g", "g", "g", "slash", "x", "escape", "g"):
            await pilot.press(key)
            assert pilot.app.screen.runs.chosen_run.id == "20261121-demo-0007"


async def test_marked_runs_are_seen_and_kept_through_a_filter() -> None:
    rooms = Rooms()
    rooms.runs = some_runs()
    async with at_home(rooms) as pilot:
        await pilot.press("space", "space")
        await on_screen(pilot, "2 marked")
        assert [run.id for run in pilot.app.screen.marked_runs()] == LIVE_FIRST[:2]
        assert sum("● " in line for line in shown(pilot.app)) == 2
        await pilot.press("slash", *"llama", "enter", "space")
        assert [run.id for run in pilot.app.screen.marked_runs()] == LIVE_FIRST
        await pilot.press("escape", "escape")
        assert pilot.app.screen.marked_runs() == []
        await until(pilot, lambda: "marked" not in " ".join(shown(pilot.app)))


async def test_marked_runs_are_laid_over_each_other(tmp_path: Path) -> None:
    rooms = Rooms()
    rooms.runs = [a_run(n, path=str(tmp_path / f"20261121-demo-000{n}")) for n in range(3)]
    async with at_home(rooms) as pilot:
        await pilot.press("c")
        await on_screen(pilot, "✗ Two runs at least are compared: mark them with Space, then press c.")
        await pilot.press("space")
        assert [found.title[-1] for found in pilot.app.screen.compared_runs()] == ["0", "1"]
        await pilot.press("c")
        await until(pilot, lambda: isinstance(pilot.app.screen, CompareScreen))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, HomeScreen))
        assert len(pilot.app.screen.marked_runs()) == 1


async def test_a_run_that_has_ended_goes_to_the_archive_and_back() -> None:
    rooms = Rooms()
    rooms.runs = some_runs()
    async with at_home(rooms) as pilot:
        await pilot.press("a")
        await on_screen(pilot, "✗ 20261121-demo-0003 is running: only what has ended is archived.")
        await pilot.press("down", "a")
        await on_screen(pilot, "20261121-demo-0001 is in the archive: A shows it.")
        await until(pilot, lambda: "20261121-demo-0001" not in ids(pilot))
        await pilot.press("A")
        await on_screen(pilot, "with the archive")
        assert len(ids(pilot)) == 4
        pilot.app.screen.runs.choose("20261121-demo-0004")
        await pilot.press("a")
        await until(pilot, lambda: rooms.labelled[-1] == (["20261121-demo-0004"], {"archived": False}))


async def test_all_marked_runs_are_archived_at_once() -> None:
    rooms = Rooms()
    rooms.runs = [a_run(n) for n in range(5)]
    async with at_home(rooms) as pilot:
        await pilot.press("space", "space", "space", "a")
        await on_screen(pilot, "3 runs are in the archive: A shows it.")
        await until(pilot, lambda: len(ids(pilot)) == 2)
        assert pilot.app.screen.marked_runs() == []


async def test_tags_and_notes_are_asked_for_and_shown() -> None:
    rooms = Rooms()
    rooms.runs = [a_run(1, tags=("old",)), a_run(2)]
    async with at_home(rooms, (120, 30)) as pilot:
        await pilot.press("number_sign")
        await until(pilot, lambda: isinstance(pilot.app.screen, AskText))
        await until(pilot, lambda: pilot.app.screen.query_one("Input").value == "old")
        await pilot.press("end", *" #best", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, HomeScreen))
        await on_screen(pilot, "demo-0001 #old #best")
        await pilot.press("i")
        await until(pilot, lambda: isinstance(pilot.app.screen, AskText))
        await pilot.press(*"keep it", "enter")
        await on_screen(pilot, "20261121-demo-0001 is finished · #old #best · keep it")
        await pilot.press("number_sign")
        await until(pilot, lambda: isinstance(pilot.app.screen, AskText))
        await pilot.press(*"x" * 40, "enter")
        await on_screen(pilot, "✗ A tag has at most 32 characters")


async def test_labels_that_cannot_be_written_are_said() -> None:
    rooms = Rooms()
    rooms.runs = [a_run(1)]
    rooms.failure = TuiFtError("labels.json cannot be written: No space left on device.", "Make room.")
    async with at_home(rooms) as pilot:
        await pilot.press("a")
        await on_screen(pilot, "✗ labels.json cannot be written: No space left on device. Make room.")


async def test_labels_that_cannot_be_read_are_said_and_the_runs_listed() -> None:
    rooms = Rooms()
    rooms.runs = [a_run(1)]
    rooms.label_trouble = "labels.json is damaged."
    async with at_home(rooms) as pilot:
        await on_screen(pilot, "✗ labels.json is damaged.")
        assert len(ids(pilot)) == 1


async def test_hostile_tags_models_and_notes_bring_no_control_character() -> None:
    rooms, evil = Rooms(), "a\x1b[2J\x07b\u202ec\nd"
    rooms.runs = [a_run(1, model=evil, tags=(evil,), note=evil, method=evil)]
    async with at_home(rooms, (120, 30)) as pilot:
        for _ in range(5):
            await pilot.press("g")
            await pilot.pause()
            assert "".join(shown(pilot.app)).isprintable()


def test_the_real_rooms_write_labels_beside_the_runs(tmp_path: Path) -> None:
    actions = LocalActions(tmp_path, lambda: None, lambda: NOON)  # type: ignore[arg-type, return-value]
    assert actions.list_runs() == [] and actions.label_problem() == ""
    actions.label(["20261121-demo-abcd", "/elsewhere/run"], tags=("x",))
    assert set(read_labels(tmp_path)) == {"20261121-demo-abcd", "/elsewhere/run"}
    (tmp_path / "labels.json").write_text("{")
    actions.list_runs()
    assert "damaged" in actions.label_problem()


@pytest.mark.parametrize("size", [(80, 24), (60, 15), (120, 40)])
async def test_ten_thousand_runs_are_filtered_between_two_keys(size: tuple[int, int]) -> None:
    rooms = Rooms()
    rooms.runs = [a_run(n) for n in range(10_000)]
    async with at_home(rooms, size) as pilot:
        await pilot.press("slash", *"0042")
        assert ids(pilot) == ["20261121-demo-0042"]
        await pilot.press("escape", "end")
        assert pilot.app.screen.runs.chosen_run.id == "20261121-demo-9999"
        assert all(len(line) <= size[0] for line in shown(pilot.app))
