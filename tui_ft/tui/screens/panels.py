"""The panels of a run as a list: which are shown, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from tui_ft.tui.text import fit
from tui_ft.tui.widgets.key_bar import KeyBar
from tui_ft.tui.widgets.row_list import Cell, RowList
from tui_ft.watch.panels import Panel
from tui_ft.watch.scales import steady_label
from tui_ft.watch.view import View

_GROUPS = {
    "training": "training", "hardware": "hardware", "rewards": "rewards", "evaluation": "evaluation",
    "other": "",
}  # fmt: skip
_GROUP, _LAST, _COUNT = 11, 11, 10


@dataclass(frozen=True, kw_only=True)
class PanelRow:
    """A panel as a line of the list."""

    key: str
    title: str
    group: str
    is_shown: bool
    last: float | None
    points: int


class PanelList(RowList[PanelRow]):
    """The panels in their order; those that are shown have a mark."""

    def key_of(self, row: PanelRow) -> str:
        return row.key

    def heading_cells(self, width: int) -> list[Cell]:
        shown = sum(row.is_shown for row in self.rows)
        text = f" {shown} of {len(self.rows)} panels shown"
        return [(fit(text, width - _GROUP - _LAST - _COUNT), ""), (_columns("", "last", "points"), "")]

    def row_cells(self, row: PanelRow, width: int) -> list[Cell]:
        mark = "✓ " if row.is_shown else "· "
        last = "–" if row.last is None else steady_label(row.last)
        room = width - _GROUP - _LAST - _COUNT - 3
        return [
            (" " + mark, "good" if row.is_shown else "muted"),
            (fit(row.title, room), "" if row.is_shown else "muted"),
            (_columns(row.group, last, f"{row.points:,}"), "muted"),
        ]

    def empty_lines(self) -> list[str]:
        return ["This run has logged nothing yet."]


def _columns(group: str, last: str, points: str) -> str:
    return fit(group, _GROUP) + fit(last, _LAST, right=True) + fit(points, _COUNT, right=True)


class PanelsScreen(Screen[View]):
    """Changes which panels a view shows; closing it hands the changed view back."""

    AUTO_FOCUS = "PanelList"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space,enter", "toggle_panel", "Show / hide", id="panels.toggle", key_display="Space",
                tooltip="Show the panel or hide it"),
        Binding("shift+up,K", "shift(-1)", "Up", id="panels.up", key_display="Shift+↑",
                tooltip="Move the panel up (K does, too)"),
        Binding("shift+down,J", "shift(1)", "Down", id="panels.down", key_display="Shift+↓",
                tooltip="Move the panel down (J does, too)"),
        Binding("o", "only", "Only this", id="panels.only", tooltip="Show this panel and no other"),
        Binding("d", "defaults", "As at first", id="panels.defaults",
                tooltip="The panels as they are before anything is chosen"),
        Binding("question_mark", "app.show_help_panel", "Help", id="panels.help", show=False,
                tooltip="Every key and what it does"),
        Binding("q,escape,v", "back", "Back", id="panels.back", key_display="q",
                tooltip="Back to the charts"),
    ]  # fmt: skip

    def __init__(self, panels: Sequence[Panel], view: View) -> None:
        super().__init__()
        self._panels = list(panels)
        self._view = view

    def compose(self) -> ComposeResult:
        yield PanelList()
        yield KeyBar(palette=False)

    def on_mount(self) -> None:
        self._show()

    @property
    def _list(self) -> PanelList:
        return self.query_one(PanelList)

    def _show(self) -> None:
        self._list.set_rows([self._row(panel) for panel in self._view.ordered(self._panels)])
        if self._view.chosen:
            self._list.choose(self._view.chosen)

    def _row(self, panel: Panel) -> PanelRow:
        line = panel.lines[0].series if panel.lines else None
        last = line.last if line is not None else None
        return PanelRow(
            key=panel.key, title=panel.titles[0], group=_GROUPS[panel.group],
            is_shown=self._view.is_visible(panel), last=last[1] if last is not None else None,
            points=len(line) if line is not None else 0,
        )  # fmt: skip

    def _chosen(self) -> Panel | None:
        row = self._list.chosen
        return next((panel for panel in self._panels if row is not None and panel.key == row.key), None)

    def _change(self, view: View, panel: Panel) -> None:
        self._view = replace(view, chosen=panel.key)
        self._show()

    @on(RowList.Clicked)
    def action_toggle_panel(self) -> None:
        if (panel := self._chosen()) is not None:
            self._change(self._view.toggled(panel), panel)

    def action_shift(self, by: int) -> None:
        if (panel := self._chosen()) is not None:
            self._change(self._view.moved(panel, by, self._panels), panel)

    def action_only(self) -> None:
        if (panel := self._chosen()) is not None:
            others = frozenset(other.key for other in self._panels if other.key != panel.key)
            self._change(replace(self._view, shown=frozenset({panel.key}), hidden=others), panel)

    def action_defaults(self) -> None:
        self._view = replace(self._view, order=(), shown=frozenset(), hidden=frozenset(), chosen="")
        self._show()

    def action_back(self) -> None:
        self.dismiss(self._view)
