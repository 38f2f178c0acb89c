"""The health screen: how a run ended, or what is not well and on what evidence, and what to change."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from tui_ft.tui.actions import sentence
from tui_ft.tui.fix_rows import FixRow, fix_rows
from tui_ft.tui.health_words import health_facts
from tui_ft.tui.run_health import HealthActions
from tui_ft.tui.run_words import header_line
from tui_ft.tui.shared_source import SharedSource
from tui_ft.tui.text import plain
from tui_ft.tui.widgets.alert import Kind
from tui_ft.tui.widgets.fix_list import FixList
from tui_ft.tui.widgets.key_bar import KeyBar
from tui_ft.tui.widgets.lines import Lines
from tui_ft.tui.widgets.notice import Notice
from tui_ft.tui.widgets.page import Page
from tui_ft.tui.widgets.row_list import RowList
from tui_ft.watch.post_mortem import PostMortem
from tui_ft.watch.reading import Reading

if TYPE_CHECKING:
    from tui_ft.runs.directory import RunDirectory
    from tui_ft.tui.app import TuiFtApp

LOOK_EVERY_S, ENDED_LOOK_EVERY_S = 1.0, 3.0


class HealthScreen(HealthActions, Screen[None], inherit_bindings=False):
    """Follows one run. `run` is its directory when it is ours: only then there is something to be done."""

    CSS_PATH = "health.tcss"
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,F", "fix", "Fix", id="health.fix", key_display="Enter",
                tooltip="Show the chosen fix as a change; Enter there carries it out"),
        Binding("z", "silence", "Silence", id="health.silence",
                tooltip="Hear no more of the chosen finding in this run"),
        Binding("o", "report", "Report", id="health.report",
                tooltip="Write a Markdown report of the run, with its charts"),
        Binding("d", "prune", "Make room", id="health.prune",
                tooltip="What can be removed from the disk, with sizes"),
        Binding("tab", "other", "Scroll", id="health.other", key_display="Tab",
                tooltip="Go between the text and the fixes"),
        Binding("question_mark,f1", "help", "Help", id="health.help", key_display="?",
                tooltip="Every key and what it does"),
        Binding("q,escape,h", "back", "Back", id="health.back", key_display="q",
                tooltip="Back to where you were"),
    ]  # fmt: skip

    def __init__(self, source: SharedSource, run: RunDirectory | None) -> None:
        super().__init__()
        self.source = source
        self.run = run

    @property
    def owner(self) -> TuiFtApp:
        """The app, which knows runs root and clock."""
        return cast("TuiFtApp", self.app)

    @property
    def reading(self) -> Reading:
        """What is shown."""
        return self.source.reading

    def compose(self) -> ComposeResult:
        yield Lines(id="header")
        yield Page("Health", name_width=11)
        yield FixList()
        yield Notice()
        yield KeyBar(palette=False)

    @property
    def fixes(self) -> FixList:
        return self.query_one(FixList)

    def on_mount(self) -> None:
        self._show()
        self._follow()

    @work(group="follow", exclusive=True)
    async def _follow(self) -> None:
        shown: tuple[Reading | None, PostMortem | None] = (None, None)
        while True:
            await asyncio.to_thread(self.source.poll, 0.2)
            is_news = await self.look_into_end()
            if not self.query(Page):  # closed while the run was read
                return
            if is_news or shown != (self.reading, self.post):
                shown = (self.reading, self.post)
                self._show()
            await asyncio.sleep(ENDED_LOOK_EVERY_S if self.post is not None else LOOK_EVERY_S)

    def _show(self) -> None:
        reading, now = self.judged, self.owner.clock()
        self.query_one("#header", Lines).set_lines([header_line(reading, now, self.app.size.width)])
        page = self.query_one(Page)
        page.set_title("How it ended" if self.post is not None else "Health")
        page.set_facts(health_facts(reading, self.post, now))
        rows = fix_rows(reading, self.post) if self.run is not None else []
        had = bool(self.fixes.rows)
        self.fixes.set_rows(rows)
        if bool(rows) != had or self.focused is None:
            (self.fixes if rows else page).focus()
        self._explain()
        self.refresh_bindings()

    @on(RowList.Chosen)
    def _explain(self) -> None:
        row = self.fixes.chosen
        text = ""
        if row is not None and row.fix is not None:
            text = row.fix.command or " · ".join(row.fix.changes) or row.fix.title
        self.query_one(Notice).show_detail(plain(text))

    def say(self, text: str, kind: Kind = "good") -> None:
        notice = self.query_one(Notice)
        if kind == "bad":
            notice.complain(text)
        else:
            notice.say(text)

    def look_again(self) -> None:
        self._follow()

    def on_key(self) -> None:
        self.query_one(Notice).say("")

    # --- keys ------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what is there to be done to this run."""
        if action in ("fix", "silence", "prune", "report"):
            return self.is_health_offered(action)
        return action != "other" or bool(self.fixes.rows)

    def chosen_fix(self) -> FixRow | None:
        return self.fixes.chosen

    def meant_finding(self) -> str:
        row = self.fixes.chosen
        return row.code if row is not None and row.code else super().meant_finding()

    @on(RowList.Clicked)
    def _clicked(self) -> None:
        self.action_fix()

    def action_other(self) -> None:
        (self.query_one(Page) if self.fixes.has_focus else self.fixes).focus()

    def action_help(self) -> None:
        self.owner.open_help()

    def action_back(self) -> None:
        self.dismiss()

    @work(group="act", exclusive=True)
    async def action_report(self) -> None:
        self.say("The report is being written.")
        try:
            path = await asyncio.to_thread(self._write_report)
        except Exception as error:  # noqa: BLE001 - shown where the user looks
            self.say(sentence(error), "bad")
        else:
            self.say(f"The report is at {plain(path)}.")

    def _write_report(self) -> str:
        from tui_ft.watch.found import found_ours
        from tui_ft.watch.run_report import write_report

        assert self.run is not None
        return str(write_report(found_ours(self.run), None).path)
