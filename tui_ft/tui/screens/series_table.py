"""The table of everything that a run logged; Enter shows a series as a panel. Its settings are a Tab away."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from tui_ft.tui import series_rows
from tui_ft.tui.filtered_screen import FilteredScreen
from tui_ft.tui.series_rows import ORDERS, SeriesRow, SettingRow
from tui_ft.tui.text import plain
from tui_ft.tui.widgets.filter_line import FilterLine
from tui_ft.tui.widgets.key_bar import KeyBar
from tui_ft.tui.widgets.lines import Lines
from tui_ft.tui.widgets.notice import Notice
from tui_ft.tui.widgets.row_list import RowList
from tui_ft.tui.widgets.series_list import SeriesList, SettingList
from tui_ft.watch.process_facts import ProcessFacts, facts_of
from tui_ft.watch.reading import Reading

if TYPE_CHECKING:
    from tui_ft.tui.app import TuiFtApp

MOST_PROCESSES = 4
"""Of a run with more the others are workers like them."""

EVERY_S = 1.0
"""Numbers are written again at most so often."""


class SeriesTable(FilteredScreen[str], inherit_bindings=False):
    """Dismissed with the name of the series to show, None when it was only looked at.

    Who opened it goes on reading the run and hands every reading to `show`.
    """

    CSS_PATH = "series_table.tcss"
    AUTO_FOCUS = "SeriesList"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "Show as a panel", id="table.show", key_display="Enter",
                tooltip="Show this series as a panel of the run screen"),
        Binding("slash", "filter", "Filter", id="table.filter", tooltip="Only what holds the words you type"),
        Binding("o", "order", "Order", id="table.order",
                tooltip="As logged, by name, by points, by values that are not finite"),
        Binding("tab", "other", "Settings", id="table.other", key_display="Tab",
                tooltip="Go between the series and the settings that are known of the run"),
        Binding("tab", "back_to_series", "Series", id="table.series", key_display="Tab",
                tooltip="Go between the series and the settings that are known of the run"),
        Binding("question_mark,f1", "help", "Help", id="table.help", key_display="?",
                tooltip="Every key and what it does"),
        Binding("q,escape,t", "back", "Back", id="table.back", key_display="q",
                tooltip="Back to the curves; Esc first takes a filter back"),
    ]  # fmt: skip

    def __init__(self, reading: Reading, clock: Callable[[], float] = time.time) -> None:
        super().__init__()
        self._reading = reading
        self._clock = clock
        self._order = 0
        self._shown_at = -EVERY_S
        self._parts = 0
        self._pids: tuple[int, ...] = ()
        self._told: list[ProcessFacts] = []

    def compose(self) -> ComposeResult:
        yield Lines()
        yield SeriesList()
        yield SettingList()
        yield FilterLine()
        yield Notice()
        yield KeyBar(palette=False)

    def on_mount(self) -> None:
        self._parts = len(self.children)
        self.show_rows()

    @property
    def series(self) -> SeriesList:
        return self.query_one(SeriesList)

    @property
    def settings(self) -> SettingList:
        return self.query_one(SettingList)

    def show(self, reading: Reading) -> None:
        """Take a newer reading; the numbers follow at most once a second."""
        self._reading = reading
        is_there = 0 < self._parts <= len(self.children)  # closed parts go one by one
        if is_there and time.monotonic() - self._shown_at >= EVERY_S:
            self.show_rows()

    def show_rows(self) -> None:
        self._shown_at = time.monotonic()
        of_all = series_rows.series_rows(self._reading)
        rows = series_rows.in_order(series_rows.holding(of_all, self.words), ORDERS[self._order])
        known = series_rows.setting_rows(self._reading, self._clock(), self._processes())
        settings = series_rows.settings_holding(known, self.words)
        if self.has_class("-settings"):
            what = f" {_count(settings, known)} settings and facts"
        else:
            what = f" {_count(rows, of_all)} series, {ORDERS[self._order]}"
        self.query_one(Lines).set_lines([((what, "strong"),)])
        self.series.set_rows(rows)
        self.settings.set_rows(settings)
        self._explain()

    def _processes(self) -> list[ProcessFacts]:
        """What the run's processes say of themselves: asked once, as long as they are the same."""
        pids = self._reading.pids[:MOST_PROCESSES]
        if pids != self._pids:
            self._pids, self._told = pids, [facts_of(pid) for pid in pids]
        return self._told

    def _explain(self) -> None:
        notice = self.query_one(Notice)
        if self.has_class("-settings"):
            chosen = self.settings.chosen
            notice.show_detail(f"{chosen.name}: {chosen.value}" if chosen else "")
        else:
            row = self.series.chosen
            notice.show_detail(_words_of(row) if row else "")

    @on(RowList.Chosen)
    def _chosen(self) -> None:
        self._explain()

    # --- keys ------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A setting is no panel, and has no order of its own."""
        if action == "back_to_series":
            return self.has_class("-settings")
        return action not in ("choose", "order", "other") or not self.has_class("-settings")

    def action_choose(self) -> None:
        row = self.series.chosen
        if row is not None:
            self.dismiss(row.name)

    @on(RowList.Clicked)
    def _clicked(self) -> None:
        if not self.has_class("-settings"):
            self.action_choose()

    def action_order(self) -> None:
        self._order = (self._order + 1) % len(ORDERS)
        self.show_rows()

    def action_other(self) -> None:
        self.toggle_class("-settings")
        self.shown_list.focus()
        self.refresh_bindings()
        self.show_rows()

    def action_back_to_series(self) -> None:
        self.action_other()

    @property
    def shown_list(self) -> RowList[Any]:
        return self.settings if self.has_class("-settings") else self.series

    def action_help(self) -> None:
        cast("TuiFtApp", self.app).open_help()


def _count(rows: list[SeriesRow] | list[SettingRow], of_all: list[SeriesRow] | list[SettingRow]) -> str:
    return f"{len(rows):,}" if len(rows) == len(of_all) else f"{len(rows):,} of {len(of_all):,}"


def _words_of(row: SeriesRow) -> str:
    where = "over time" if row.is_hardware else f"at step {row.at}"
    bad = f", {row.nonfinite:,} of {row.points:,} not finite" if row.nonfinite else ""
    return f"{plain(row.name)}: last {row.last} {where}; {row.low} to {row.high}{bad}"
