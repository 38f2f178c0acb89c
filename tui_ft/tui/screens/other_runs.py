"""What else lies where a run was found: other sources of it, and other runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from tui_ft.tui.run_words import SOURCE_NAMES
from tui_ft.tui.text import fit, plain
from tui_ft.tui.widgets.key_bar import KeyBar
from tui_ft.tui.widgets.notice import Notice
from tui_ft.tui.widgets.row_list import Cell, RowList
from tui_ft.watch.reading import OtherSource

_SOURCE = 15
_STATUS = 10


class OtherList(RowList[OtherSource]):
    """A line a source: what it is called, what kind it is, and its state."""

    def key_of(self, row: OtherSource) -> str:
        return f"{row.source}:{row.path}"

    def heading_cells(self, width: int) -> list[Cell]:
        count = f" {len(self.rows)} more here"
        return [
            (fit(count, max(width - _SOURCE - _STATUS, 0)), "title"),
            (fit("source", _SOURCE) + fit("state", _STATUS), ""),
        ]

    def row_cells(self, row: OtherSource, width: int) -> list[Cell]:
        return [
            (fit(plain(row.title), max(width + 1 - _SOURCE - _STATUS - 2, 0)) + " ", ""),
            (fit(SOURCE_NAMES[row.source], _SOURCE), "muted"),
            (fit(row.status, _STATUS), ""),
        ]


class OtherRuns(Screen[OtherSource | None], inherit_bindings=False):
    """Dismissed with the one to open, None when the user stays."""

    CSS_PATH = "series_table.tcss"
    AUTO_FOCUS = "OtherList"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "Open", id="others.open", key_display="Enter",
                tooltip="Watch this one instead"),
        Binding("q,escape", "back", "Back", id="others.back", key_display="q", tooltip="Stay with this run"),
    ]  # fmt: skip

    def __init__(self, others: Sequence[OtherSource]) -> None:
        super().__init__()
        self._others = others

    def compose(self) -> ComposeResult:
        yield OtherList()
        yield Notice()
        yield KeyBar(palette=False)

    def on_mount(self) -> None:
        self.query_one(OtherList).set_rows(self._others)

    @on(RowList.Chosen)
    def _explain(self) -> None:
        chosen = self.query_one(OtherList).chosen
        self.query_one(Notice).show_detail(chosen.path if chosen is not None else "")

    @on(RowList.Clicked)
    def action_choose(self) -> None:
        chosen = self.query_one(OtherList).chosen
        if chosen is not None:
            self.dismiss(chosen)

    def action_back(self) -> None:
        self.dismiss(None)
