"""The data sets of a run: which ones it learns from and how often, and which rows are held out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import ClassVar, cast

from rich.cells import cell_len
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Label

from tui_ft.data.findings import Findings
from tui_ft.guide.volume import volume
from tui_ft.tui.app import TuiFtApp
from tui_ft.tui.text import fit, plain
from tui_ft.tui.widgets.key_bar import KeyBar
from tui_ft.tui.widgets.notice import Notice
from tui_ft.tui.widgets.row_list import Cell, RowList
from tui_ft.tui.wizard.data_desk import DataDesk
from tui_ft.tui.wizard.data_sets import Source, absolute

HELD_OUT = "held out"


@dataclass(frozen=True)
class FileRow:
    """A data set with what its check found, or (without one) the rows that are held out of them all."""

    key: str
    source: Source | None
    found: Findings | None = None
    held_out: str = ""


class SourceList(RowList[FileRow]):
    """The data sets that are trained on, and under them what is held out."""

    def key_of(self, row: FileRow) -> str:
        return row.key

    def heading_cells(self, width: int) -> list[Cell]:
        titles = fit("usable", 9, right=True) + fit("of", 11, right=True) + fit("weight", 8, right=True)
        return [(fit(" Learns from", max(width - 32, 12)), "title"), (titles, "")]

    def row_cells(self, row: FileRow, width: int) -> list[Cell]:
        if row.source is None or row.source.is_eval:
            return [
                ("Held out: ", "live"),
                *(path_cells(row.source, max(width - 10, 12)) if row.source else ((row.held_out, "live"),)),
            ]
        found = row.found
        usable = f"{found.usable_rows:,}" if found else "–"
        count = f"{found.rows:,}" if found else "–"
        numbers = fit(usable, 9, right=True) + fit(count, 11, right=True)
        return [
            *path_cells(row.source, max(width - 31, 12)),
            (numbers, "muted"),
            (fit(f"{row.source.weight:g}×", 8, right=True), "live"),
        ]


def path_cells(source: Source, width: int) -> list[Cell]:
    """The name of a file, and as much of the end of its folder as there is room for."""
    name = plain(source.name)
    folder = source.path[: -len(source.name)] if source.name != source.path else ""
    rest = max(width - cell_len(name) - 2, 0)
    if cell_len(folder) > rest:
        folder = f"…{folder[-max(rest - 1, 0) :]}" if rest > 8 else ""
    return [(fit(name, min(cell_len(name), width)) + "  ", ""), (fit(folder, rest), "muted")]


class DataFiles(Screen[None], inherit_bindings=False):
    """Changes are made in the draft at once; `u` on the Data step takes them back one by one."""

    CSS_PATH = "data.tcss"
    AUTO_FOCUS = "SourceList"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "Other file", id="files.choose", key_display="Enter",
                tooltip="Choose another file in place of this one; for the held-out rows: their own file"),
        Binding("a", "add", "Add", id="files.add", tooltip="Learn from one more data set"),
        Binding("d,delete", "remove", "Remove", id="files.remove", key_display="d",
                tooltip="Take this data set away; the file itself stays"),
        Binding("plus,equals_sign", "weigh(1)", "Weight, share", id="files.more", key_display="+-",
                tooltip="Show its rows more or less often, or hold a larger or smaller share out"),
        Binding("minus", "weigh(-1)", "Less", id="files.less", show=False,
                tooltip="Show its rows more or less often, or hold a larger or smaller share out"),
        Binding("u", "undo", "Undo", id="files.undo", tooltip="Take the last change back"),
        Binding("question_mark,f1", "help", "Help", id="files.help", show=False,
                tooltip="Every key and what it does"),
        Binding("escape,q", "back", "Back", id="files.back", key_display="Esc", tooltip="Back to the data"),
    ]  # fmt: skip

    def __init__(
        self, desk: DataDesk, pick: Callable[[str], Awaitable[str | None]], bar: Widget | None = None
    ) -> None:
        super().__init__()
        self.desk = desk
        self._pick = pick
        self._bar = bar

    @property
    def list(self) -> SourceList:
        return self.query_one(SourceList)

    def compose(self) -> ComposeResult:
        if self._bar is not None:
            yield self._bar
        yield Label("What it learns from, and what is held out to measure it", markup=False, id="question")
        yield SourceList()
        yield Notice()
        yield KeyBar(palette=False)

    def on_mount(self) -> None:
        self._show()
        source = self.desk.source
        if source is not None:
            self.list.choose(_key(self.desk.at, source))

    def _show(self) -> None:
        desk = self.desk
        rows = [FileRow(_key(at, one), one, desk.findings_of(one)) for at, one in enumerate(desk.sets.learnt)]
        held = Source(desk.data.eval, is_eval=True) if desk.data.eval else None
        self.list.set_rows([*rows, FileRow(HELD_OUT, held, held_out=self._held_out())])
        amount = volume(desk.draft.spec, desk.draft.findings)
        text = "A weight of 2 shows each row twice an epoch, 0.5 every second one."
        if amount.rows is not None:
            text = f"{amount.rows:,} rows an epoch, {amount.held_out_rows or 0:,} held out. {text}"
        self.query_one(Notice).show_detail(text)
        self.refresh_bindings()

    def _held_out(self) -> str:
        data = self.desk.data
        if not data.eval_fraction:
            return "nothing, so overfitting will not be seen (+ holds rows out)"
        return (
            f"{data.eval_fraction * 100:g} % of the rows, chosen by seed {data.seed} (Enter: a file instead)"
        )

    @property
    def _is_held_out(self) -> bool:
        chosen = self.list.chosen
        return chosen is None or chosen.key == HELD_OUT

    # --- keys ----------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only the keys that have something to do."""
        return self.desk.sets.can_undo if action == "undo" else True

    @work(group="pick", exclusive=True)
    async def action_choose(self) -> None:
        if self._is_held_out:
            path = await self._pick("Which rows should be held out?")
            if path is not None:
                self.desk.sets.hold_out(path)
        else:
            path = await self._pick("Which data should it learn from?")
            if path is not None:
                self.desk.sets.replace(self.list.index, path)
        self._show()

    @work(group="pick", exclusive=True)
    async def action_add(self) -> None:
        path = await self._pick("Which data should it learn from, too?")
        if path is None:
            return
        if absolute(path) in (one.path for one in self.desk.sets.learnt):
            self.query_one(Notice).complain("That one is learnt from already: + shows its rows more often.")
            return
        self.desk.sets.add(path)
        last = len(self.desk.sets.learnt) - 1
        self.desk.look_at(last)
        self._show()
        self.list.choose(_key(last, self.desk.sets.learnt[last]))

    def action_remove(self) -> None:
        if self._is_held_out:
            self.desk.sets.hold_out(None)
        else:
            self.desk.sets.remove(self.list.index)
        self._show()

    def action_weigh(self, by: int) -> None:
        if not self._is_held_out:
            self.desk.sets.weigh(self.list.index, by)
        elif self.desk.data.eval:
            self.query_one(Notice).complain("A file of its own is held out: d splits a share off instead.")
        else:
            self.desk.sets.share(by)
        self._show()

    def action_undo(self) -> None:
        self.desk.sets.undo()
        self._show()

    def action_help(self) -> None:
        cast("TuiFtApp", self.app).open_help()

    def action_back(self) -> None:
        self.dismiss()


def _key(at: int, source: Source) -> str:
    return f"{at} {source.path}"
