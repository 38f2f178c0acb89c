"""The Method step of the wizard: the methods side by side for the answers given so far."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from tui_ft.guide.compare import MethodRow
from tui_ft.guide.switching import method_of
from tui_ft.tui import method_facts
from tui_ft.tui.actions import HomeActions, sentence
from tui_ft.tui.method_view import View
from tui_ft.tui.screens.method_comparison import MethodComparison
from tui_ft.tui.screens.wizard import WizardScreen
from tui_ft.tui.widgets.alert import Kind
from tui_ft.tui.wizard import method_advice
from tui_ft.tui.wizard.draft import Draft
from tui_ft.tui.wizard.outcome import Step


class MethodStep(MethodComparison, WizardScreen):
    """Enter takes the chosen method; at the first visit the cursor stands on the recommended one."""

    STEP: ClassVar[Step] = "method"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "take", "Next", id="wizard.take", key_display="Enter",
                tooltip="Take the chosen method and go to the settings"),
        Binding("slash", "model", "Model", id="wizard.model", show=False,
                tooltip="Ask for another model: a name or a folder"),
    ]  # fmt: skip

    def __init__(self, draft: Draft, actions: HomeActions) -> None:
        WizardScreen.__init__(self, draft, actions)
        self.lay_out(draft.spec, draft.preset[0] if draft.preset else "", method_advice.wish_of(draft))

    @property
    def rooms(self) -> HomeActions:
        return self.actions

    def body(self) -> ComposeResult:
        yield from self.parts()

    def begins_at(self, view: View) -> str:
        """Who comes back finds the method that was chosen; the star says which one is recommended."""
        if not self.wish.wants_advice and view.shape.name == self.draft.shape_name:
            return method_of(view.spec)
        return super().begins_at(view)

    def say(self, text: str, kind: Kind = "good") -> None:
        if kind == "bad":
            self.notice.complain(text)
        else:
            self.notice.say(text)

    def action_take(self) -> None:
        row, view = self.bars.chosen, self._view
        if row is not None and view is not None:
            self._take_row(row, view)

    @work(group="take", exclusive=True)
    async def _take_row(self, row: MethodRow, view: View) -> None:
        """Go on with `row`; on the first visit with everything that is recommended for it."""
        draft, desk = self.draft, self.desk
        assert desk.reading is not None  # there is a view
        is_advised = self.wish.wants_advice and not desk.before
        try:
            spec = method_facts.spec_to_start(row, view.seat)
            base = await asyncio.to_thread(
                method_advice.recommended,
                method_advice.untouched(draft, desk.spec),
                view.shape,
                view.seat,
                desk.reading,
                self.wish,
                row.method,
            )
        except Exception as error:  # noqa: BLE001 - shown where the user looks
            self.say(sentence(error), "bad")
            return
        draft.change(method_facts.on_seat(base, view.seat) if is_advised else spec)
        draft.base, draft.shape_name = base, view.shape.name
        self.finish("next")
