"""The Goal step: what should be better afterwards, and whether fine-tuning is the way to it."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from tui_ft.tui.actions import HomeActions, sentence
from tui_ft.tui.screens.wizard import WizardScreen
from tui_ft.tui.widgets.goal_list import GoalList
from tui_ft.tui.widgets.prose import Prose
from tui_ft.tui.widgets.row_list import RowList
from tui_ft.tui.widgets.text_panel import Entry
from tui_ft.tui.wizard.draft import Draft
from tui_ft.tui.wizard.goal_advice import Advice, advise, known_rows
from tui_ft.tui.wizard.goal_words import toggled


class GoalScreen(WizardScreen):
    """Asks for one aim and for what is true beside it; the guide may end it here with "don't"."""

    STEP = "goal"
    AUTO_FOCUS = "GoalList"
    CSS_PATH = "goal.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "mark", "Mark", id="goal.mark", key_display="Space",
                tooltip="Choose this aim, or say whether this is true"),
        Binding("g", "regardless", "Go on regardless", id="goal.regardless",
                tooltip="Go on although the guide advises against fine-tuning"),
        Binding("tab", "app.focus_next", "Scroll", id="goal.focus", show=False,
                tooltip="Go between the questions and what the guide says"),
    ]  # fmt: skip

    def __init__(self, draft: Draft, actions: HomeActions) -> None:
        super().__init__(draft, actions)
        self._advice: Advice | None = None

    @property
    def questions(self) -> GoalList:
        return self.query_one(GoalList)

    def body(self) -> ComposeResult:
        yield GoalList(self.draft.goals)
        yield Prose("What the guide says")

    def on_mount(self) -> None:
        self._explain()
        self._advise()

    # --- the guide -----------------------------------------------------------------------------------

    @work(group="advise", exclusive=True)
    async def _advise(self) -> None:
        await self._ask()

    async def _ask(self) -> Advice | None:
        """Ask the guide about the marks as they are now, and show what it says."""
        rows = known_rows(self.draft.findings)
        try:
            advice = await asyncio.to_thread(advise, self.draft.goals, rows)
        except Exception as error:  # noqa: BLE001 - shown where the user looks
            self.notice.complain(f"The guide has no answer: {sentence(error)}")
            return None
        self._advice = advice
        panel = self.query_one(Prose)
        panel.set_entries(advice_entries(advice, self.draft.went_on_despite_gate))
        panel.action_begin()
        self.refresh_bindings()
        return advice

    @property
    def _is_stopped(self) -> bool:
        return self._advice is not None and self._advice.gate.verdict == "stop"

    # --- keys ----------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer to go on regardless only where the guide says stop."""
        return self._is_stopped if action == "regardless" else True

    @on(RowList.Chosen)
    def _forget_message(self) -> None:
        self.notice.say("")
        self._explain()

    def _explain(self) -> None:
        line = self.questions.chosen
        self.notice.show_detail(line.more if line else "")

    @on(RowList.Clicked)
    def action_mark(self) -> None:
        line = self.questions.chosen
        if line is None or (line.is_aim and line.word in self.draft.goals):
            return
        self.notice.say("")
        self._take(toggled(self.draft.goals, line))

    def _take(self, goals: frozenset[str]) -> None:
        self.draft.goals = goals
        self.draft.went_on_despite_gate = False
        self.draft.touch()
        self.questions.show(goals)
        self._advise()

    def action_next(self) -> None:
        self._go_on()

    @work(group="next", exclusive=True)
    async def _go_on(self) -> None:
        """Go on, unless the guide advises against it; an aim under the cursor is the one that is meant."""
        line = self.questions.chosen
        if line is not None and line.is_aim and line.word not in self.draft.goals:
            self._take(toggled(self.draft.goals, line))
        advice = await self._ask()
        if advice is not None and advice.gate.verdict == "stop" and not self.draft.went_on_despite_gate:
            self.notice.complain("The guide advises against it, for the reason above. g goes on regardless.")
        else:
            self.finish("next")

    def action_regardless(self) -> None:
        self.draft.went_on_despite_gate = True
        self.draft.touch()
        self.finish("next")


def advice_entries(advice: Advice, went_on: bool = False) -> list[Entry]:
    """What the guide says, the verdict first; `went_on`: the user went on regardless before."""
    gate = advice.gate
    entries: list[Entry] = []
    for reason in gate.reasons:
        entries += [(f"✗ Don't fine-tune yet. {reason.text}", "bad"), (f"  {reason.more}", "")]
    if gate.verdict == "stop":
        again = "You went on regardless: Enter does so again." if went_on else "g goes on regardless."
        entries.append((f"  {again}", "muted"))
    else:
        entries.append((f"✓ Go. {advice.way}", "good"))
    for warning in gate.warnings:
        entries += [(f"! {warning.text}", "strong"), *([(f"  {warning.more}", "")] if warning.more else [])]
    if advice.why_not:
        entries.append((f"! This version cannot do that yet: {advice.why_not}.", "strong"))
        if advice.instead:
            entries.append((f"  What it can do: {advice.instead}", ""))
    return entries
