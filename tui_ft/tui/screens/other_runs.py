"""What else lies where a run was found: other sources of it, and other runs; filtered and ordered."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from tui_ft.tui.filtered_screen import FilteredScreen
from tui_ft.tui.run_words import SOURCE_NAMES
from tui_ft.tui.text import fit, plain
from tui_ft.tui.widgets.filter_line import FilterLine
from tui_ft.tui.widgets.key_bar import KeyBar
from tui_ft.tui.widgets.notice import Notice
from tui_ft.tui.widgets.row_list import Cell, RowList
from tui_ft.watch.eta import clock_label
from tui_ft.watch.reading import OtherSource
from tui_ft.watch.scales import number_label

if TYPE_CHECKING:
    from tui_ft.tui.app import TuiFtApp

_SOURCE, _STATUS, _STEP, _LOSS, _DATE = 14, 10, 8, 9, 13
_NARROW = 70
"""Below so many columns the kind and the date are left to the line of the chosen one."""

ORDERS = ("as found", "newest first", "by loss", "most steps", "by name")


def in_order(others: Sequence[OtherSource], order: str) -> list[OtherSource]:
    """Return them in one of ORDERS; what is not known comes last."""
    if order == "by name":
        return sorted(others, key=lambda other: other.title.lower())
    if order == "by loss":  # NaN is the worst of all that is known
        return sorted(
            others, key=lambda other: (other.loss is None, other.loss != other.loss, other.loss or 0)
        )
    if order == "most steps":
        return sorted(others, key=lambda other: (other.step is None, -(other.step or 0)))
    if order == "newest first":
        return sorted(others, key=lambda other: -(other.updated_at or 0.0))
    return list(others)


def holding(others: Sequence[OtherSource], words: str) -> list[OtherSource]:
    """Return those whose name, path, kind or state has every one of the words."""
    wanted = words.lower().split()
    return [
        other
        for other in others
        if all(
            word in f"{other.title} {other.path} {SOURCE_NAMES[other.source]} {other.status}".lower()
            for word in wanted
        )
    ]


class OtherList(RowList[OtherSource]):
    """A line a source: what it is called, what kind it is, its state, and how far it is."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__()
        self._clock = clock

    def key_of(self, row: OtherSource) -> str:
        return f"{row.source}:{row.path}"

    def heading_cells(self, width: int) -> list[Cell]:
        count = f" {len(self.rows)} more here"
        name, has_kinds = _columns(width)
        kinds = fit("source", _SOURCE) if has_kinds else ""
        date = fit("  last word", _DATE) if has_kinds else ""
        numbers = fit("step", _STEP, right=True) + fit("loss", _LOSS, right=True)
        return [(fit(count, name + 1), "title"), (kinds + fit("state", _STATUS) + numbers + date, "")]

    def row_cells(self, row: OtherSource, width: int) -> list[Cell]:
        name, has_kinds = _columns(width)
        step = "–" if row.step is None else str(row.step)
        loss = "–" if row.loss is None else number_label(row.loss)
        date = "–" if row.updated_at is None else clock_label(row.updated_at, self._clock())
        return [
            (fit(plain(row.title), name) + " ", ""),
            (fit(SOURCE_NAMES[row.source], _SOURCE) if has_kinds else "", "muted"),
            (fit(row.status, _STATUS), ""),
            (fit(step, _STEP, right=True) + fit(loss, _LOSS, right=True), ""),
            (fit(f"  {date}", _DATE) if has_kinds else "", "muted"),
        ]


def _columns(width: int) -> tuple[int, bool]:
    """The cells of the name, and whether kind and date have room beside it."""
    has_kinds = width >= _NARROW
    fixed = _STATUS + _STEP + _LOSS + (_SOURCE + _DATE if has_kinds else 0)
    return max(width - fixed - 2, 0), has_kinds


class OtherRuns(FilteredScreen[OtherSource], inherit_bindings=False):
    """Dismissed with the one to open, None when the user stays."""

    CSS_PATH = "series_table.tcss"
    AUTO_FOCUS = "OtherList"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "Open", id="others.open", key_display="Enter",
                tooltip="Watch this one instead"),
        Binding("slash", "filter", "Filter", id="others.filter", key_display="/",
                tooltip="Type words of a name, a path, a kind or a state; only what has them stays"),
        Binding("o", "order", "Order", id="others.order",
                tooltip="As found, newest first, by loss, most steps, by name"),
        Binding("question_mark,f1", "help", "Help", id="others.help", key_display="?",
                tooltip="Every key and what it does"),
        Binding("q,escape", "back", "Back", id="others.back", key_display="q",
                tooltip="Stay with this run; a filter is taken back first"),
    ]  # fmt: skip

    def __init__(self, others: Sequence[OtherSource], clock: Callable[[], float] = time.time) -> None:
        super().__init__()
        self._others = others
        self._clock = clock
        self._order = 0

    def compose(self) -> ComposeResult:
        yield OtherList(self._clock)
        yield FilterLine()
        yield Notice()
        yield KeyBar(palette=False)

    def on_mount(self) -> None:
        self.show_rows()

    @property
    def shown_list(self) -> OtherList:
        return self.query_one(OtherList)

    def show_rows(self) -> None:
        self.shown_list.set_rows(in_order(holding(self._others, self.words), ORDERS[self._order]))
        self._explain()

    def action_order(self) -> None:
        self._order = (self._order + 1) % len(ORDERS)
        self.query_one(FilterLine).show_words(ORDERS[self._order] if self._order else "")
        self.show_rows()

    @on(RowList.Chosen)
    def _explain(self) -> None:
        chosen = self.shown_list.chosen
        nothing = f"Nothing has “{self.words}” in it." if self.words else ""
        self.query_one(Notice).show_detail(chosen.path if chosen is not None else nothing)

    @on(RowList.Clicked)
    def action_choose(self) -> None:
        chosen = self.shown_list.chosen
        if chosen is not None:
            self.dismiss(chosen)

    def action_help(self) -> None:
        cast("TuiFtApp", self.app).open_help()
