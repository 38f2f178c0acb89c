"""Chooses a run to lay over others: one of the list, or whatever lies at a path."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from tui_ft.errors import TuiFtError
from tui_ft.runs.listing import RunSummary
from tui_ft.tui.actions import sentence
from tui_ft.tui.filtered_screen import FilteredScreen
from tui_ft.tui.found_source import FoundSource
from tui_ft.tui.home_list import found_of
from tui_ft.tui.text import plain
from tui_ft.tui.widgets.filter_line import FilterLine
from tui_ft.tui.widgets.key_bar import KeyBar
from tui_ft.tui.widgets.notice import Notice
from tui_ft.tui.widgets.row_list import RowList
from tui_ft.tui.widgets.run_list import RunList
from tui_ft.watch.found import FoundRun
from tui_ft.watch.log import clean_line
from tui_ft.watch.sources.protocol import Source

if TYPE_CHECKING:
    from tui_ft.tui.app import TuiFtApp

NOTHING = "There is no other run in the list."


async def pick_run(app: TuiFtApp, without: Collection[str]) -> Source | None:
    """Let the user choose a run that is not in `without` (paths); None when they left it.

    Call it in a worker of `app`.
    """
    found = await app.push_screen_wait(PickRun(without))
    return FoundSource(found, app.clock) if found is not None else None


class OfferedRuns(RunList):
    """The runs to choose from: the keys that begin a new one are not here."""

    words = ""

    def empty_lines(self) -> list[str]:
        if self.words:
            return [f"No run has “{self.words}” in it.", "Esc shows all of them again."]
        return [NOTHING, "f takes the path of a folder or file of any tool.", "q goes back."]


class PickRun(FilteredScreen[FoundRun], inherit_bindings=False):
    """Dismissed with the run that was chosen."""

    AUTO_FOCUS = "OfferedRuns"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "Take it", id="pick.choose", key_display="Enter",
                tooltip="Take the chosen run"),
        Binding("slash", "filter", "Filter", id="pick.filter",
                tooltip="Only runs that hold the words you type"),
        Binding("f", "path", "Folder or file", id="pick.path",
                tooltip="A run that is not in the list: type the path of its folder or file"),
        Binding("question_mark,f1", "help", "Help", id="pick.help", key_display="?",
                tooltip="Every key and what it does"),
        Binding("q,escape", "back", "Back", id="pick.back", key_display="q", tooltip="Take none"),
    ]  # fmt: skip

    def __init__(
        self, without: Collection[str], list_all: Callable[[Path], Sequence[RunSummary]] | None = None
    ) -> None:
        super().__init__()
        self._without = frozenset(without)
        self._list_all = list_all
        self._runs: list[RunSummary] = []

    @property
    def owner(self) -> TuiFtApp:
        """The app, which knows the runs root."""
        return cast("TuiFtApp", self.app)

    def compose(self) -> ComposeResult:
        yield OfferedRuns()
        yield FilterLine()
        yield Notice()
        yield KeyBar(palette=False)

    @property
    def runs(self) -> OfferedRuns:
        return self.query_one(OfferedRuns)

    @property
    def shown_list(self) -> RunList:
        return self.runs

    @property
    def notice(self) -> Notice:
        return self.query_one(Notice)

    @work(exclusive=True)
    async def on_mount(self) -> None:
        try:
            runs = await asyncio.to_thread(self._list_all or self._everything, self.owner.runs_root)
        except Exception as error:  # noqa: BLE001 - shown where the user looks
            self.notice.complain(f"The runs cannot be listed: {sentence(error)}")
            return
        self._runs = [run for run in runs if run.path not in self._without]
        self.show_rows()

    def _everything(self, _: Path) -> list[RunSummary]:
        """What home lists, ours and others', and what searches found beside what was opened. In a worker."""
        from tui_ft.tui.foreign_poll import ForeignRun

        ours = self.owner.actions.list_runs()
        others = self.owner.actions.list_foreign(None)[0]
        runs = {run.path: run for run in (*ours, *others) if run.path and found_of(run) is not None}
        for path, found in list(self.owner.found_here.items()):
            if path not in runs and not found.is_ours:
                runs[path] = ForeignRun(
                    id=path, path=path, status=found.status, name=clean_line(found.title), found=found
                )
        return list(runs.values())

    def show_rows(self) -> None:
        words = self.words.lower().split()
        self.runs.words = plain(self.words)
        self.runs.set_rows([run for run in self._runs if all(word in _text(run) for word in words)])
        if not self.runs.rows:
            self.runs.refresh()  # it says for what words there is none
            self.notice.show_detail("")

    @on(RowList.Chosen)
    def _explain(self) -> None:
        run = self.runs.chosen
        self.notice.show_detail(run.path if isinstance(run, RunSummary) else "")

    # --- keys ------------------------------------------------------------------------------------

    @on(RowList.Clicked)
    def action_choose(self) -> None:
        run = self.runs.chosen
        if isinstance(run, RunSummary):
            self.dismiss(found_of(run))

    def action_help(self) -> None:
        self.owner.open_help()

    @work(exclusive=True, group="path")
    async def action_path(self) -> None:
        from tui_ft.tui.screens.ask_text import AskText
        from tui_ft.watch.finding import resolve

        found: list[FoundRun] = []

        async def carry_out(answer: str) -> None:
            one = await asyncio.to_thread(resolve, self.owner.runs_root, answer.strip())
            if str(one.path) in self._without:
                raise TuiFtError(f"{plain(one.title)} is here already.", "Choose another run.")
            found.append(one)

        if await self.app.push_screen_wait(
            AskText("Which folder or file holds the run?", "Path", "", carry_out)
        ):
            self.dismiss(found[-1])


def _text(run: RunSummary) -> str:
    return f"{run.id} {run.name} {run.model} {run.method} {run.status}".lower()
