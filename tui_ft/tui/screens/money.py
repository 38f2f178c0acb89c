"""The money screen: what a run has cost, what it will, and what would cost less."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar, cast

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from tui_ft.errors import TuiFtError
from tui_ft.runs.after.telling import has_plan
from tui_ft.runs.money.bill import bill_of
from tui_ft.runs.money.idle import idle_now
from tui_ft.tui.actions import sentence
from tui_ft.tui.money_facts import Purse, money_facts
from tui_ft.tui.screens.ask_text import AskText
from tui_ft.tui.text import plain
from tui_ft.tui.widgets.key_bar import KeyBar
from tui_ft.tui.widgets.notice import Notice
from tui_ft.tui.widgets.page import Page

if TYPE_CHECKING:
    from tui_ft.runs.directory import RunDirectory
    from tui_ft.tui.app import TuiFtApp
    from tui_ft.tui.shared_source import SharedSource

LOOK_S = 5.0
"""Money moves slowly: a look every few seconds is enough, and keeps the line quiet."""

TAKEN_S = 1.5
"""After so long a request has been carried out."""

_NAMES = 11
_GOING = frozenset({"starting", "running", "paused", "quiet"})


class MoneyScreen(Screen[None], inherit_bindings=False):
    """A page that is read again every few seconds; a budget can be set from here."""

    CSS_PATH = "money.tcss"
    AUTO_FOCUS = "Page"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("b", "budget", "Budget", id="money.budget",
                tooltip="Set what the run may cost in all; then it saves and stops"),
        Binding("question_mark,f1", "help", "Help", id="money.help", key_display="?",
                tooltip="Every key and what it does"),
        Binding("q,escape", "back", "Back", id="money.back", key_display="q",
                tooltip="Back to where you were"),
    ]  # fmt: skip

    def __init__(self, source: SharedSource, run: RunDirectory | None) -> None:
        super().__init__()
        self._source = source
        self._run = run
        self._purse: Purse | None = None

    @property
    def owner(self) -> TuiFtApp:
        return cast("TuiFtApp", self.app)

    def compose(self) -> ComposeResult:
        yield Page("Money", name_width=_NAMES)
        yield Notice()
        yield KeyBar(palette=False)

    def on_mount(self) -> None:
        self.query_one(Page).set_detail(plain(self._source.reading.title))
        if self._run is None:
            self.query_one(Notice).say("Only of runs that tui-ft started is it known what they hold.")
            return
        self._look()
        self.set_interval(LOOK_S, self._look)

    def on_resize(self) -> None:
        self._show()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A budget is set for a run that goes on."""
        if action == "budget":
            return self._purse is not None and self._purse.bill.status in _GOING
        return True

    @work(group="look", exclusive=True)
    async def _look(self) -> None:
        run = self._run
        if run is None:
            return
        try:
            purse = await asyncio.to_thread(_purse_of, run, self.owner.clock())
        except Exception as error:  # noqa: BLE001 - shown where the user looks
            if self.is_attached:
                self.query_one(Notice).complain(sentence(error))
            return
        if self.is_attached:
            if (notice := self.query_one(Notice)).is_error:
                notice.say("")
            before, self._purse = self._purse, purse
            self._show()
            if before is None or before.bill.status != purse.bill.status:
                self.refresh_bindings()

    def _show(self) -> None:
        if self._purse is None:
            return
        page = self.query_one(Page)
        room = max(page.size.width - _NAMES - 2, 0)
        page.set_facts(list(money_facts(self._purse, room)))

    @work(group="act", exclusive=True)
    async def action_budget(self) -> None:
        purse, run = self._purse, self._run
        if purse is None or run is None:
            return
        budget = purse.bill.budget
        now = f"{budget:g}" if budget is not None else ""
        asked = AskText(
            f"What may {run.id} cost in all? It saves and stops in time; empty: it has no budget.",
            f"budget, {purse.bill.currency.strip()}", now, self._set,
        )  # fmt: skip
        if await self.app.push_screen_wait(asked):
            self.query_one(Notice).say("It is asked of the run, which takes it within a second.")
            self.set_timer(TAKEN_S, self._look)

    async def _set(self, text: str) -> None:
        from tui_ft.runs import control
        from tui_ft.runs.requests import user_name

        if self._run is None:
            return
        value = amount_of(text)
        await asyncio.to_thread(control.request, self._run, "budget", f"{user_name()} (app)", value)

    def action_help(self) -> None:
        self.owner.open_help()

    def action_back(self) -> None:
        self.dismiss()


def amount_of(text: str) -> float | None:
    """What was typed as an amount; None for nothing. Raises `TuiFtError`."""
    written = text.strip()
    if written in ("", "none"):
        return None
    try:
        value = float(written.replace(",", "."))
    except ValueError:
        value = -1.0
    if not 0 < value <= 1e9:
        raise TuiFtError(f"{written} is no amount.", "Give a number above 0, such as 20.")
    return value


def _purse_of(run: RunDirectory, now: float) -> Purse:
    return Purse(bill_of(run, now), idle_now(run.path.parent, now), has_plan(run))
