"""Every key of every screen as a table, made from the bindings: for the help, and for the README."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from textual.binding import Binding, BindingType

_NAMES = {
    "question_mark": "?",
    "enter": "Enter",
    "escape": "Esc",
    "tab": "Tab",
    "space": "Space",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "home": "Home",
    "end": "End",
    "plus": "+",
    "minus": "-",
    "slash": "/",
    "number_sign": "#",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "equals_sign": "=",
    "dollar_sign": "$",
    "delete": "Del",
    "backspace": "Backspace",
    "f1": "F1",
    "shift+tab": "Shift+Tab",
    "ctrl+up": "Ctrl+↑",
}


class KeyRow(NamedTuple):
    """A key, or several that do the same, on the screen where it works."""

    screen: str
    key: str
    what: str


def key_table() -> list[KeyRow]:
    """All keys of the app, screen by screen, in the order of their bindings."""
    from tui_ft.tui.app import TuiFtApp
    from tui_ft.tui.screens.ask import AskPath, Confirm
    from tui_ft.tui.screens.ask_draft import AskDraft
    from tui_ft.tui.screens.ask_fix import AskFix
    from tui_ft.tui.screens.ask_model import AskModel
    from tui_ft.tui.screens.ask_step_down import AskStepDown
    from tui_ft.tui.screens.cards import CardsScreen
    from tui_ft.tui.screens.choose_model import ChooseModelScreen
    from tui_ft.tui.screens.compare import CompareScreen
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
    from tui_ft.tui.screens.other_runs import OtherRuns
    from tui_ft.tui.screens.panels import PanelsScreen
    from tui_ft.tui.screens.pick_run import PickRun
    from tui_ft.tui.screens.presets import PresetsScreen
    from tui_ft.tui.screens.prune import PruneScreen
    from tui_ft.tui.screens.queue import QueueScreen
    from tui_ft.tui.screens.review import ReviewScreen
    from tui_ft.tui.screens.run import RunScreen
    from tui_ft.tui.screens.save_preset import SavePreset
    from tui_ft.tui.screens.series_table import SeriesTable
    from tui_ft.tui.screens.settings import SettingsScreen
    from tui_ft.tui.screens.tour import TourScreen
    from tui_ft.tui.screens.wizard import WizardScreen
    from tui_ft.tui.widgets.field_list import FieldList
    from tui_ft.tui.widgets.filter_line import FilterLine
    from tui_ft.tui.widgets.row_list import RowList

    screens: list[tuple[str, Iterable[BindingType]]] = [
        ("Home", HomeScreen.BINDINGS),
        ("Home, the filter", FilterLine.BINDINGS),
        ("Lists", RowList.BINDINGS),
        ("Run", RunScreen.BINDINGS),
        ("Its health", HealthScreen.BINDINGS),
        ("A fix for it", AskFix.BINDINGS),
        ("Its money", MoneyScreen.BINDINGS),
        ("Its disk", PruneScreen.BINDINGS),
        ("Its table", SeriesTable.BINDINGS),
        ("Its panels", PanelsScreen.BINDINGS),
        ("What else is there", OtherRuns.BINDINGS),
        ("Runs compared", CompareScreen.BINDINGS),
        ("A run to compare", PickRun.BINDINGS),
        ("A new run, every step", WizardScreen.BINDINGS),
        ("Its goal", GoalScreen.BINDINGS),
        ("Its model", ChooseModelScreen.BINDINGS),
        ("Its data", DataScreen.BINDINGS),
        ("A file for it", PickData.BINDINGS),
        ("Its files", DataFiles.BINDINGS),
        ("Its columns", DataColumns.BINDINGS),
        ("A row of it", DataRow.BINDINGS),
        ("Its method", MethodStep.BINDINGS),
        ("Its settings", SettingsScreen.BINDINGS),
        ("A value of them", FieldList.BINDINGS),
        ("Its review", ReviewScreen.BINDINGS),
        ("Its smoke run", LaunchScreen.BINDINGS),
        ("Method", MethodScreen.BINDINGS),
        ("Model", AskModel.BINDINGS),
        ("Cards", CardsScreen.BINDINGS),
        ("Practice tour", TourScreen.BINDINGS),
        ("Queue", QueueScreen.BINDINGS),
        ("Doctor", DoctorScreen.BINDINGS),
        ("Presets", PresetsScreen.BINDINGS),
        ("Save as a preset", SavePreset.BINDINGS),
        ("What does not fit", AskStepDown.BINDINGS),
        ("A run that was begun", AskDraft.BINDINGS),
        ("A question", Confirm.BINDINGS),
        ("Data path", AskPath.BINDINGS),
        ("Help", HelpScreen.BINDINGS),
        ("Everywhere", [*TuiFtApp.BINDINGS, Binding("ctrl+p", "command_palette", "", tooltip=_PALETTE)]),
    ]
    return [row for name, bindings in screens for row in key_rows(name, bindings)]


_PALETTE = "The palette: every key by name"


def key_rows(screen: str, bindings: Iterable[BindingType]) -> Iterator[KeyRow]:
    """The rows of one screen: one for keys that do the same, and for what one key does in turn."""
    seen: set[str] = set()
    rows: dict[str, list[str]] = {}
    for binding in bindings:
        if not isinstance(binding, Binding):
            continue
        what = binding.tooltip or binding.description
        if what in seen:
            continue
        seen.add(what)
        rows.setdefault(_shown(binding), []).append(what)
    for key, whats in rows.items():
        yield KeyRow(screen, key, " / ".join(whats))


def _shown(binding: Binding) -> str:
    if binding.key_display and "," not in binding.key:
        return binding.key_display
    return " ".join(_key(key.strip()) for key in binding.key.split(","))


def _key(key: str) -> str:
    if key.startswith("ctrl+") and key not in _NAMES:
        return f"Ctrl+{key[5:].upper()}"
    return _NAMES.get(key, key)
