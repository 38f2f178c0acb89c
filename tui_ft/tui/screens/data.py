"""The Data step: which data it learns from, every row of them checked, and a row as the model sees it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from tui_ft.errors import TuiFtError
from tui_ft.tui.actions import HomeActions, sentence
from tui_ft.tui.screens.data_pick import PickData
from tui_ft.tui.screens.wizard import WizardScreen
from tui_ft.tui.text import plain
from tui_ft.tui.widgets.data_panel import DataPanel
from tui_ft.tui.widgets.row_list import RowList
from tui_ft.tui.widgets.step_bar import StepBar
from tui_ft.tui.wizard import data_tokenizer, data_words
from tui_ft.tui.wizard.checking import Checks
from tui_ft.tui.wizard.data_desk import DataDesk
from tui_ft.tui.wizard.data_sets import Source
from tui_ft.tui.wizard.draft import Draft
from tui_ft.tui.wizard.outcome import Step

TALL_ROWS = 32
WIDE_COLUMNS = 72


class DataScreen(WizardScreen):
    """Checks what was chosen as soon as it is chosen; nothing is written beside the user's files."""

    STEP: ClassVar[Step] = "data"
    CSS_PATH = "data.tcss"
    AUTO_FOCUS = "ProblemList"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE_COLUMNS, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-short"), (TALL_ROWS, "-tall")]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("v", "view", "Rows", id="data.view",
                tooltip="See rows as they are trained, those with the chosen problem first"),
        Binding("f", "files", "Files", id="data.files",
                tooltip="Choose another file, add files with weights, hold rows out"),
        Binding("c", "columns", "Columns", id="data.columns",
                tooltip="Say which column plays which part, and which format it is"),
        Binding("t", "train_on", "Trained", id="data.train_on",
                tooltip="Train on the last answer, on every answer, or on every token"),
        Binding("l", "length", "Length", id="data.length",
                tooltip="Cut rows at the suggested length, which fits nearly all of them"),
        Binding("g", "get_tokenizer", "Tokens", id="data.tokenizer",
                tooltip="Download the model's tokenizer, a few megabytes, to count tokens"),
        Binding("w", "write_usable", "Write usable", id="data.write", show=False,
                tooltip="Write the usable rows to a new file and learn from that one"),
        Binding("left", "turn(-1)", "File", id="data.before", key_display="←→",
                tooltip="Look at another data set of this run"),
        Binding("right", "turn(1)", "Next file", id="data.behind", show=False,
                tooltip="Look at another data set of this run"),
        Binding("r", "again", "Check again", id="data.again", show=False,
                tooltip="Check the data again, every row"),
        Binding("u", "undo", "Undo", id="data.undo", show=False, tooltip="Take the last change back"),
        Binding("tab", "app.focus_next", "Scroll", id="data.focus", show=False,
                tooltip="Go between the problems and the text under them"),
    ]  # fmt: skip

    def __init__(self, draft: Draft, actions: HomeActions) -> None:
        super().__init__(draft, actions)
        self.desk = DataDesk(draft)
        self.checks = Checks(self.desk, self._follow_check)

    @property
    def panel(self) -> DataPanel:
        return self.query_one(DataPanel)

    def body(self) -> ComposeResult:
        self.add_class("-tall" if self.app.size.height >= TALL_ROWS else "-short")
        yield DataPanel(self.desk)

    def on_mount(self) -> None:
        if self.desk.source is None:
            self._pick_first()
        else:
            self._begin()

    # --- choosing ------------------------------------------------------------------------------------

    @work(group="pick", exclusive=True)
    async def _pick_first(self) -> None:
        path = await self.pick("Which data should it learn from?")
        if path is None:
            self.finish("back")
            return
        self.desk.sets.take(path)
        self._begin()

    async def pick(self, question: str) -> str | None:
        """Ask for a data set, first in the folder of the one there is."""
        start = await asyncio.to_thread(_folder_of, self.desk.source)
        return await self.app.push_screen_wait(PickData(question, start, StepBar(self.draft, self.STEP)))

    @work(group="files", exclusive=True)
    async def action_files(self) -> None:
        from tui_ft.tui.screens.data_files import DataFiles

        await self.app.push_screen_wait(DataFiles(self.desk, self.pick, StepBar(self.draft, self.STEP)))
        if self.desk.source is None:
            self._pick_first()
        else:
            self._begin()

    @work(group="columns", exclusive=True)
    async def action_columns(self) -> None:
        from tui_ft.tui.screens.data_columns import DataColumns

        source = self.desk.source
        if source is None or not source.is_here:
            return
        await self.app.push_screen_wait(DataColumns(self.desk, source, StepBar(self.draft, self.STEP)))
        self._begin()

    # --- the check -----------------------------------------------------------------------------------

    def _begin(self) -> None:
        """Show what is known, and check what is not."""
        self.notice.say("")
        self._show()
        if not self.checks.is_current:
            self._check_all()

    @work(group="check", exclusive=True)
    async def _check_all(self) -> None:
        await self.checks.all()

    def _follow_check(self) -> None:
        """Something came of the checks: progress, or findings."""
        if self.checks.running is not None:
            self._show_progress()
        else:
            self._show()

    def _show(self) -> None:
        self._show_progress()
        self.panel.show()
        self.refresh_bindings()

    def _show_progress(self) -> None:
        """Show how far the check of this data set is; that of another one stands in the notice."""
        running = self.checks.running
        is_own = running is not None and running.source == self.desk.source
        self.panel.show_progress(running if is_own else None)
        other = running.source.name if running and not is_own else ""
        self.notice.show_detail(data_words.hint(self.desk, other))

    # --- keys ----------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only the keys that have something to do."""
        found, source = self.desk.findings, self.desk.source
        if action == "turn":
            return len(self.desk.sets.all) > 1
        if action == "get_tokenizer":
            return self.desk.known.loaded.can_be_fetched
        if action == "length":
            return bool(found and found.suggested_max_length not in (None, self.desk.data.max_length))
        if action == "write_usable":
            return self.desk.can_be_written
        if action == "undo":
            return self.desk.sets.can_undo
        if action in ("view", "columns"):
            return bool(source and source.is_here)
        return True

    def why_not(self) -> str:
        if self.checks.running is not None:
            return "The check is still running: Esc stops it, then Enter goes on with what was found."
        return self.desk.refusal()

    def action_back(self) -> None:
        if self.checks.stop():
            self.notice.say("")
        else:
            super().action_back()

    def action_turn(self, by: int) -> None:
        self.desk.turn(by)
        self.panel.forget()
        self._begin()

    def action_train_on(self) -> None:
        self.desk.sets.train_on()
        self._begin()

    def action_length(self) -> None:
        found = self.desk.findings
        if found is not None and found.suggested_max_length is not None:
            before = self.desk.data.max_length
            self.desk.sets.cut_at(found.suggested_max_length)
            self._begin()
            now = found.suggested_max_length
            self.notice.say(f"Rows are cut at {now:,} tokens now, before at {before:,}. u takes it back.")

    def action_again(self) -> None:
        self.desk.forget()
        self._begin()

    def action_undo(self) -> None:
        if self.desk.sets.undo():
            self._begin()
            self.notice.say("The last change is taken back.")

    @on(RowList.Clicked)
    def action_view(self) -> None:
        from tui_ft.tui.screens.data_row import DataRow

        source = self.desk.source
        if source is not None and source.is_here:
            self._view(DataRow(self.desk, source, self.panel.problem))

    @work(group="view", exclusive=True)
    async def _view(self, screen: object) -> None:
        await self.app.push_screen_wait(screen)  # type: ignore[call-overload]
        self._begin()

    @work(group="write", exclusive=True)
    async def action_write_usable(self) -> None:
        from tui_ft.tui.screens.data_write import write_usable

        told = await write_usable(self.app, self.desk)
        if told:
            self._begin()
            self.notice.say(told)

    @work(group="fetch", exclusive=True)
    async def action_get_tokenizer(self) -> None:
        self.notice.say(f"Fetching the tokenizer of {plain(self.draft.spec.model.id or '')} …")
        try:
            await asyncio.to_thread(data_tokenizer.fetch, self.draft.spec.model)
        except TuiFtError as error:
            self.notice.complain(sentence(error))
            return
        self._begin()


def _folder_of(source: Source | None) -> str:
    """The folder of a data set, with its slash; "" for the one that the app was started in."""
    if source is None or not source.path.startswith("/"):
        return ""
    folder = Path(source.path).parent
    return f"{str(folder).rstrip('/')}/" if folder.is_dir() else ""
