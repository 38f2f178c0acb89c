"""Several runs over each other, ours and others': curves, best evaluations, and the settings that differ."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from tui_ft.tui.actions import sentence
from tui_ft.tui.compare_words import compared, setting_lines, winner
from tui_ft.tui.export import Export, ask_and_export
from tui_ft.tui.panel_keys import PANEL_ACTIONS, PANEL_KEYS, PanelActions
from tui_ft.tui.run_reader import READ_ON_S, STUCK_S
from tui_ft.tui.run_words import OVER
from tui_ft.tui.widgets.compared_list import ComparedList
from tui_ft.tui.widgets.key_bar import KeyBar
from tui_ft.tui.widgets.notice import Notice
from tui_ft.tui.widgets.panel_grid import PanelGrid
from tui_ft.tui.widgets.row_list import RowList
from tui_ft.tui.widgets.text_panel import TextPanel
from tui_ft.watch.compare import differing, setting_rows
from tui_ft.watch.compare_panels import compared_panels
from tui_ft.watch.looks import assign
from tui_ft.watch.sources.protocol import Source

if TYPE_CHECKING:
    from tui_ft.tui.app import TuiFtApp

EVERY_S = 1.0
READ_S = 0.1
"""How long one poll of one run may read: several long histories come in turn."""
TALL_ROWS = 34


class CompareScreen(PanelActions):
    """Follows all its runs; it only reads, and can be left at any moment."""

    CSS_PATH = "compare.tcss"
    AUTO_FOCUS = "ComparedList"
    VERTICAL_BREAKPOINTS = [(0, "-short"), (TALL_ROWS, "-tall")]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("i", "add", "Add a run", id="compare.add", tooltip="Choose another run to lay over these"),
        Binding("delete,backspace", "remove", "Remove", id="compare.remove", key_display="Del",
                tooltip="Leave the chosen run out of the comparison; the run itself stays as it is"),
        Binding("enter", "open", "Open", id="compare.open", key_display="Enter", show=False,
                tooltip="Open the chosen run"),
        Binding("d", "settings", "Settings", id="compare.settings",
                tooltip="All settings of the runs on the whole screen, and back to those that differ"),
        *PANEL_KEYS,
        Binding("E", "export", "Export", id="compare.export",
                tooltip="Write the charts as SVG or PNG, or all data as CSV"),
        Binding("tab", "app.focus_next", "Scroll", id="compare.focus", show=False,
                tooltip="Go between the runs and their settings"),
        Binding("question_mark,f1", "help", "Help", id="compare.help", key_display="?",
                tooltip="Every key and what it does"),
        Binding("q,escape", "back", "Back", id="compare.back", key_display="q",
                tooltip="Leave the comparison; runs go on"),
    ]  # fmt: skip

    def __init__(self, sources: Sequence[Source]) -> None:
        super().__init__()
        self._sources = list(sources)
        self._looks: dict[str, int] = {}
        self._trouble: dict[Source, str] = {}
        self._wake = asyncio.Event()
        self._told = ""
        self._parts = 0

    @property
    def owner(self) -> TuiFtApp:
        """The app, which knows runs root and clock."""
        return cast("TuiFtApp", self.app)

    def compose(self) -> ComposeResult:
        yield ComparedList()
        yield PanelGrid()
        yield TextPanel("Settings that differ", id="differences")
        yield Notice()
        yield KeyBar(palette=False)

    @property
    def list(self) -> ComparedList:
        return self.query_one(ComparedList)

    @property
    def notice(self) -> Notice:
        return self.query_one(Notice)

    # --- following -------------------------------------------------------------------------------

    def on_mount(self) -> None:
        self._parts = len(self.children)
        self.list.is_ascii = self.owner.is_ascii
        self._follow()

    def on_screen_resume(self) -> None:
        self._wake.set()

    def on_resize(self, event: events.Resize) -> None:
        self.call_after_refresh(self._show)

    @work(group="follow", exclusive=True)
    async def _follow(self) -> None:
        self._show()
        while True:
            if self._is_looked_at:
                changed = [await self._poll(source) for source in list(self._sources)]
                if len(self.children) < self._parts:  # closed while a run was read: they go one by one
                    return
                if any(changed):
                    self._show()
            if not self._is_looked_at or not any(self._is_owed(source) for source in self._sources):
                await self._pause()
            else:
                await asyncio.sleep(READ_ON_S if any(changed) else STUCK_S)

    @property
    def _is_looked_at(self) -> bool:
        """Whether it is on top, or under a question; Textual counts every screen under the top as seen."""
        top = self.app.screen
        return top is self or (top.is_modal and self.is_current)

    async def _poll(self, source: Source) -> bool:
        try:
            changed = await asyncio.to_thread(source.poll, READ_S)
        except Exception as error:  # noqa: BLE001 - shown where the user looks, as long as it lasts
            told = self._trouble.get(source, "")
            self._trouble[source] = f"{source.reading.title} cannot be read: {sentence(error)}"
            return self._trouble[source] != told
        return self._trouble.pop(source, "") != "" or changed

    def _is_owed(self, source: Source) -> bool:
        """Whether more of its history is to be read at once."""
        return not source.reading.is_complete and source not in self._trouble

    async def _pause(self) -> None:
        is_live = bool(self._trouble) or any(source.reading.status not in OVER for source in self._sources)
        try:
            await asyncio.wait_for(self._wake.wait(), EVERY_S if is_live else 5 * EVERY_S)
        except TimeoutError:
            return
        self._wake.clear()

    def _show(self) -> None:
        if not self.is_mounted or len(self.children) < self._parts:
            return
        readings = [source.reading for source in self._sources]
        self._looks = assign([reading.path for reading in readings], self._looks)
        rows = compared(readings, self._looks)
        self.list.styles.height = max(len(rows), 1) + 1
        self.list.set_rows(rows)
        self.grid.show_panels(compared_panels(readings, self._looks), readings)
        self._show_settings()
        self._trouble = {one: told for one, told in self._trouble.items() if one in self._sources}
        self._show_trouble(" ".join(self._trouble.values()))
        if not self.notice.is_error:
            self.notice.show_detail(winner(rows))
        self.refresh_bindings()

    def _show_trouble(self, trouble: str) -> None:
        before, self._told = self._told, trouble
        if trouble:
            self.notice.complain(trouble)
        elif before:
            self.notice.say("")

    def _show_settings(self) -> None:
        readings = [source.reading for source in self._sources]
        is_all = self.has_class("-settings")
        rows = setting_rows(readings) if is_all else differing(readings)
        looks = [self._looks[reading.path] for reading in readings]
        lines = setting_lines(rows, looks, self.size.width - 2, is_ascii=self.owner.is_ascii)
        panel = self.query_one("#differences", TextPanel)
        known = sum(bool(reading.settings) for reading in readings)
        if not lines:
            lines = ["None that is known." if known > 1 else "The settings of fewer than two runs are known."]
        panel.set_detail(f"({len(rows)})" if rows else "")
        panel.set_entries([(line, "") for line in lines])
        panel.styles.height = "1fr" if is_all else len(lines) + 1

    # --- keys ------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A run can be removed while it is seen to be chosen; under the settings no chart is seen."""
        if action in PANEL_ACTIONS and self.has_class("-settings"):
            return False
        if action == "remove" and self.is_mounted and not self.list.has_focus:
            return False
        return bool(self._sources) if action in ("remove", "open", "export") else True

    @on(RowList.Clicked)
    def action_open(self) -> None:
        chosen = self.list.chosen
        if chosen is not None:
            self._open(chosen.path)

    @work(group="open", exclusive=True)
    async def _open(self, path: str) -> None:
        from tui_ft.watch.finding import resolve

        try:
            found = await asyncio.to_thread(resolve, self.owner.runs_root, path)
        except Exception as error:  # noqa: BLE001 - shown where the user looks
            self.notice.complain(sentence(error))
            return
        self.owner.open_found(found)

    def action_remove(self) -> None:
        chosen = self.list.chosen
        if chosen is not None:
            self._sources = [one for one in self._sources if one.reading.path != chosen.path]
            self._show()

    @work(group="add", exclusive=True)
    async def action_add(self) -> None:
        from tui_ft.tui.screens.pick_run import pick_run

        source = await pick_run(self.owner, {one.reading.path for one in self._sources})
        if source is not None:
            self._sources.append(source)
            self._wake.set()
            self._show()

    def action_settings(self) -> None:
        self.toggle_class("-settings")
        panel = self.query_one("#differences", TextPanel)
        panel.set_title("All settings" if self.has_class("-settings") else "Settings that differ")
        if self.has_class("-settings"):
            panel.focus()
        else:
            self.list.focus()
        self.refresh_bindings()
        self._show_settings()

    @work(group="export", exclusive=True)
    async def action_export(self) -> None:
        sources = list(self._sources)
        readings = [source.reading for source in sources]
        export = Export(
            title="comparison", subtitle=winner(compared(readings, self._looks)), x_name=self.grid.x_in_use,
            charts=self.grid.picture(), readings=lambda: [source.reading for source in sources],
        )  # fmt: skip
        try:
            said = await ask_and_export(self.app, export)
        except Exception as error:  # noqa: BLE001 - shown where the user looks
            self.notice.complain(sentence(error))
        else:
            self.notice.say(said)

    @on(PanelGrid.Said)
    def _say(self, event: PanelGrid.Said) -> None:
        self.notice.say(event.text)

    def action_help(self) -> None:
        self.owner.open_help()

    def action_back(self) -> None:
        if self.has_class("-settings"):
            self.action_settings()
        else:
            self.owner.leave_run()
