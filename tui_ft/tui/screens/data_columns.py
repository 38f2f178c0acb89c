"""Which column plays which part, and in which format the rows are: changed by keys, and seen at once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import ClassVar, cast

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Label

from tui_ft.tui.actions import sentence
from tui_ft.tui.app import TuiFtApp
from tui_ft.tui.text import fit
from tui_ft.tui.widgets.key_bar import KeyBar
from tui_ft.tui.widgets.notice import Notice
from tui_ft.tui.widgets.row_list import Cell, RowList
from tui_ft.tui.wizard.column_desk import ColumnDesk, Sample, read_sample
from tui_ft.tui.wizard.data_desk import DataDesk
from tui_ft.tui.wizard.data_sets import Source

_PART = 16
_NAME = 22


@dataclass(frozen=True)
class PartRow:
    """A column with its part and what stands in it; the first line, without a column, is the format."""

    key: str
    part: str
    value: str
    is_given: bool = False


class PartList(RowList[PartRow]):
    """The format, and under it every column."""

    def key_of(self, row: PartRow) -> str:
        return row.key

    def empty_lines(self) -> list[str]:
        return ["Reading the first rows …"]

    def heading_cells(self, width: int) -> list[Cell]:
        return [(" " + fit("Column", _NAME) + " " + fit("Part ←→", _PART) + "  in the first row", "title")]

    def row_cells(self, row: PartRow, width: int) -> list[Cell]:
        name = row.key or "Format"
        part = f"◂ {row.part or '–'} ▸"
        return [
            (fit(name, _NAME) + " ", "" if row.key else "title"),
            (fit(part, _PART) + "  ", "live" if row.is_given else "" if row.part else "muted"),
            (fit(row.value, max(width - _NAME - _PART - 4, 0)), "muted"),
        ]


class DataColumns(Screen[None], inherit_bindings=False):
    """Enter keeps the parts in the spec (`data.columns`, `data.format`); Esc leaves them as they were."""

    CSS_PATH = "data.tcss"
    AUTO_FOCUS = "PartList"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "keep", "Read it so", id="columns.keep", key_display="Enter",
                tooltip="Read the data with these parts and check it again"),
        Binding("left", "turn(-1)", "Part", id="columns.before", key_display="←→",
                tooltip="Give the column the part before or behind"),
        Binding("right,space", "turn(1)", "Next part", id="columns.next", show=False,
                tooltip="Give the column the part before or behind"),
        Binding("d,delete,backspace", "clear", "Found parts", id="columns.clear", key_display="d",
                tooltip="Back to the parts that were found by the columns' names"),
        Binding("question_mark,f1", "help", "Help", id="columns.help", show=False,
                tooltip="Every key and what it does"),
        Binding("escape,q", "back", "Back", id="columns.back", key_display="Esc",
                tooltip="Back to the data; the parts stay as they were"),
    ]  # fmt: skip

    def __init__(self, desk: DataDesk, source: Source, bar: Widget | None = None) -> None:
        super().__init__()
        self.desk = desk
        self.source = source
        self._bar = bar
        self._parts: ColumnDesk | None = None

    def compose(self) -> ComposeResult:
        if self._bar is not None:
            yield self._bar
        yield Label("Which column plays which part?", markup=False, id="question")
        yield PartList()
        yield Notice()
        yield KeyBar(palette=False)

    def on_mount(self) -> None:
        self._read()

    @work(group="read", exclusive=True)
    async def _read(self) -> None:
        try:
            sample = await asyncio.to_thread(read_sample, self.source.key)
        except Exception as error:  # noqa: BLE001 - shown where the user looks
            self.query_one(Notice).complain(sentence(error))
            return
        self._parts = ColumnDesk(sample, self.source.format, self.source.columns or {})
        self._show()

    def _show(self) -> None:
        parts = self._parts
        if parts is None:
            return
        sample: Sample = parts.sample
        rows = [
            PartRow("", parts.format, "how the rows are read; auto looks at them", parts.format != "auto")
        ]
        rows += [
            PartRow(name, parts.part_of(name), sample.value_of(name), parts.is_given(name))
            for name in sample.columns
        ]
        self.query_one(PartList).set_rows(rows)
        notice = self.query_one(Notice)
        problem = parts.problem()
        if problem:
            notice.complain(problem)
        else:
            notice.say("")
            notice.show_detail(parts.outcome())

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only the keys that have something to do."""
        return self._parts is not None if action in ("keep", "turn", "clear") else True

    def action_turn(self, by: int) -> None:
        chosen, parts = self.query_one(PartList).chosen, self._parts
        if chosen is None or parts is None:
            return
        if chosen.key:
            parts.turn(chosen.key, by)
        else:
            parts.turn_format(by)
        self._show()

    def action_clear(self) -> None:
        if self._parts is not None:
            self._parts.clear()
            self._show()

    def action_keep(self) -> None:
        parts = self._parts
        if parts is None:
            return
        problem = parts.problem()
        if problem:
            self.query_one(Notice).complain(problem)
            return
        self.desk.sets.read_as(self.desk.at, parts.format, parts.columns() or None)
        self.dismiss()

    def action_help(self) -> None:
        cast("TuiFtApp", self.app).open_help()

    def action_back(self) -> None:
        self.dismiss()
