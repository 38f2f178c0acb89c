"""Chooses a run to lay over others: one of the list, or whatever lies at a path."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.listing import RunSummary, list_runs
from tui_ft.tui.actions import sentence
from tui_ft.tui.filtered_screen import FilteredScreen
from tui_ft.tui.found_source import FoundSource
from tui_ft.tui.widgets.filter_line import FilterLine
from tui_ft.tui.widgets.key_bar import KeyBar
from tui_ft.tui.widgets.notice import Notice
from tui_ft.tui.widgets.row_list import RowList
from tui_ft.tui.widgets.run_list import RunList
from tui_ft.watch.found import FoundRun, found_ours
from tui_ft.watch.sources.protocol import Source

if TYPE_CHECKING:
    from tui_ft.tui.app import TuiFtApp


async def pick_run(app: TuiFtApp, without: Collection[str]) -> Source | None:
    """Let the user choose a run that is not in `without` (paths); None when they left it.

    Call it in a worker of `app`.
    """
    found = await app.push_screen_wait(PickRun(without))
    return FoundSource(found, app.clock) if found is not None else None


class OfferedRuns(RunList):
    """The runs to choose from: the keys that begin a new one are not here."""

    def empty_lines(self) -> list[str]:
        return ["No run here, or none with these words."]


class PickRun(FilteredScreen[FoundRun], inherit_bindings=False):
    """Dismissed with the run that was chosen."""

    AUTO_FOCUS = "RunList"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "Take it", id="pick.choose", key_display="Enter",
                tooltip="Take the chosen run"),
        Binding("slash", "filter", "Filter", id="pick.filter",
                tooltip="Only runs that hold the words you type"),
        Binding("f", "path", "Folder or file", id="pick.path",
                tooltip="A run that is not in the list: type the path of its folder or file"),
        Binding("q,escape", "back", "Back", id="pick.back", key_display="q", tooltip="Take none"),
    ]  # fmt: skip

    def __init__(
        self, without: Collection[str], list_all: Callable[[Path], list[RunSummary]] = list_runs
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
    def runs(self) -> RunList:
        return self.query_one(RunList)

    @property
    def shown_list(self) -> RunList:
        return self.runs

    @property
    def notice(self) -> Notice:
        return self.query_one(Notice)

    @work(exclusive=True)
    async def on_mount(self) -> None:
        try:
            runs = await asyncio.to_thread(self._list_all, self.owner.runs_root)
        except Exception as error:  # noqa: BLE001 - shown where the user looks
            self.notice.complain(f"The runs cannot be listed: {sentence(error)}")
            return
        self._runs = [run for run in runs if run.path not in self._without]
        self.show_rows()

    def show_rows(self) -> None:
        words = self.words.lower().split()
        self.runs.set_rows([run for run in self._runs if all(word in _text(run) for word in words)])
        if not self.runs.rows:
            self.notice.show_detail("No run here. f takes the path of a folder or file of any tool.")

    @on(RowList.Chosen)
    def _explain(self) -> None:
        run = self.runs.chosen
        self.notice.show_detail(run.path if isinstance(run, RunSummary) else "")

    # --- keys ------------------------------------------------------------------------------------

    @on(RowList.Clicked)
    def action_choose(self) -> None:
        run = self.runs.chosen
        if isinstance(run, RunSummary):
            self.dismiss(found_ours(RunDirectory(Path(run.path))))

    @work(exclusive=True, group="path")
    async def action_path(self) -> None:
        from tui_ft.tui.screens.ask_text import AskText
        from tui_ft.watch.finding import resolve

        found: list[FoundRun] = []

        async def carry_out(answer: str) -> None:
            found.append(await asyncio.to_thread(resolve, self.owner.runs_root, answer.strip()))

        if await self.app.push_screen_wait(
            AskText("Which folder or file holds the run?", "Path", "", carry_out)
        ):
            self.dismiss(found[-1])


def _text(run: RunSummary) -> str:
    return f"{run.id} {run.name} {run.model} {run.method} {run.status}".lower()
