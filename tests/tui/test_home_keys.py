"""Keys are declared once: each says what it does, is in the table, and means one thing in the whole app."""

from __future__ import annotations

from typing import Any

import pytest
from home_world import Rooms, an_app, ready
from textual.binding import Binding

from tui_ft.tui.keys import key_table
from tui_ft.tui.screens.ask import AskPath, Confirm
from tui_ft.tui.screens.ask_draft import AskDraft
from tui_ft.tui.screens.ask_fix import AskFix
from tui_ft.tui.screens.ask_model import AskModel
from tui_ft.tui.screens.cards import CardsScreen
from tui_ft.tui.screens.choose_model import ChooseModelScreen
from tui_ft.tui.screens.data import DataScreen
from tui_ft.tui.screens.data_columns import DataColumns
from tui_ft.tui.screens.data_files import DataFiles
from tui_ft.tui.screens.data_pick import PickData
from tui_ft.tui.screens.data_row import DataRow
from tui_ft.tui.screens.doctor import DoctorScreen
from tui_ft.tui.screens.goal import GoalScreen
from tui_ft.tui.screens.health import HealthScreen
from tui_ft.tui.screens.help import HelpScreen
from tui_ft.tui.screens.home import HomeScreen
from tui_ft.tui.screens.launch import LaunchScreen
from tui_ft.tui.screens.method import MethodScreen
from tui_ft.tui.screens.method_step import MethodStep
from tui_ft.tui.screens.money import MoneyScreen
from tui_ft.tui.screens.prune import PruneScreen
from tui_ft.tui.screens.queue import QueueScreen
from tui_ft.tui.screens.review import ReviewScreen
from tui_ft.tui.screens.run import RunScreen
from tui_ft.tui.screens.save_preset import SavePreset
from tui_ft.tui.screens.settings import SettingsScreen
from tui_ft.tui.screens.tour import TourScreen
from tui_ft.tui.screens.wizard import WizardScreen
from tui_ft.tui.widgets.field_list import FieldList
from tui_ft.tui.widgets.row_list import RowList

OWNERS = [
    HomeScreen, MethodScreen, CardsScreen, HelpScreen, Confirm, AskPath, AskModel, RowList,
    WizardScreen, GoalScreen, ChooseModelScreen, AskDraft,
    MethodStep, ReviewScreen, LaunchScreen, SavePreset,
    SettingsScreen, FieldList,
    DataScreen, PickData, DataFiles, DataColumns, DataRow, TourScreen,
    HealthScreen, AskFix, QueueScreen, DoctorScreen, MoneyScreen, PruneScreen, RunScreen,
]  # fmt: skip


@pytest.mark.parametrize("owner", OWNERS)
def test_every_binding_has_id_description_and_tooltip(owner: Any) -> None:
    for binding in owner.BINDINGS:
        assert isinstance(binding, Binding)
        assert binding.id and binding.description and binding.tooltip, binding


def test_the_table_holds_every_key_once_with_what_it_does() -> None:
    rows = key_table()
    home = [(row.key, row.what) for row in rows if row.screen == "Home"]
    assert [key for key, _ in home] == [
        "t",
        "n",
        "1-9",
        "Enter",
        "m",
        "e",
        "r",
        "s",
        "w",
        "p",
        "b",
        "Q",
        "D",
        "u",
        "/",
        "o",
        "g",
        "Space",
        "c",
        "#",
        "i",
        "a",
        "A",
        "Esc",
        "Tab",
        "?",
        "q",
    ]
    assert {"s", "S", "p", "r", "q", "?"} <= {row.key for row in rows if row.screen == "Run"}
    assert all(row.what and row.key for row in rows)
    assert len({(row.screen, row.key, row.what) for row in rows}) == len(rows)


def test_a_letter_means_the_same_at_home_and_on_a_run() -> None:
    def meanings(owner: Any) -> dict[str, str]:
        return {key: b.description for b in owner.BINDINGS for key in b.key.split(",")}

    home, run = meanings(HomeScreen), meanings(RunScreen)
    for key in ("s", "r", "question_mark"):
        assert home[key] == run[key]


async def test_the_palette_holds_every_key_of_the_home_screen() -> None:
    async with an_app(Rooms()).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        commands = {
            command.title: command.help for command in pilot.app.get_system_commands(pilot.app.screen)
        }
        for binding in HomeScreen.BINDINGS:
            assert isinstance(binding, Binding)
            title = f"{binding.description} ({pilot.app.get_key_display(binding)})"
            assert commands[title] == binding.tooltip


def test_what_a_key_does_in_turn_stands_in_one_row() -> None:
    rows = [(row.screen, row.key) for row in key_table()]
    assert len(set(rows)) == len(rows)
    (pause,) = [row.what for row in key_table() if (row.screen, row.key) == ("Run", "p")]
    assert "Hold the run" in pause and "Go on" in pause
