"""What every step of the wizard has in common: the bar of the steps, the keys, and a place for a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from tui_ft.tui.actions import HomeActions
from tui_ft.tui.widgets.key_bar import KeyBar
from tui_ft.tui.widgets.notice import Notice
from tui_ft.tui.widgets.step_bar import StepBar
from tui_ft.tui.wizard.draft import Draft
from tui_ft.tui.wizard.outcome import STEPS, GoTo, Outcome, Step

if TYPE_CHECKING:
    from tui_ft.tui.app import TuiFtApp


class WizardScreen(Screen[Outcome]):
    """One step. A subclass names its `STEP`, yields what it shows from `body`, and may refuse in `why_not`.

    Nothing is lost by any key: what was answered stands in the draft, which is kept.
    """

    STEP: ClassVar[Step] = "goal"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "next", "Next", id="wizard.next", key_display="Enter",
                tooltip="Take this answer and go to the next step"),
        Binding("escape", "back", "Back", id="wizard.back", key_display="Esc",
                tooltip="Go one step back; from the first step: leave, and keep the answers"),
        Binding("left_square_bracket", "go(-1)", "Step before", id="wizard.before", show=False,
                tooltip="Look at the step before"),
        Binding("right_square_bracket", "go(1)", "Step behind", id="wizard.behind", show=False,
                tooltip="Look at the step behind, if it was seen already"),
        Binding("q", "leave", "Leave", id="wizard.leave",
                tooltip="Leave the wizard; the answers are kept for the next time"),
        Binding("question_mark,f1", "help", "Help", id="wizard.help", show=False,
                tooltip="Every key and what it does"),
    ]  # fmt: skip

    def __init__(self, draft: Draft, actions: HomeActions) -> None:
        super().__init__()
        self.draft = draft
        self.actions = actions

    @property
    def owner(self) -> TuiFtApp:
        """The app, which knows runs root, GPU reader and clock."""
        return cast("TuiFtApp", self.app)

    @property
    def notice(self) -> Notice:
        return self.query_one(Notice)

    def compose(self) -> ComposeResult:
        yield StepBar(self.draft, self.STEP)
        yield from self.body()
        yield Notice()
        yield KeyBar()

    def body(self) -> ComposeResult:
        """What stands between the bar of the steps and the notice."""
        yield from ()

    def why_not(self) -> str:
        """Why Enter cannot go on, as a sentence with a remedy; "" when it can."""
        return ""

    def finish(self, outcome: Outcome) -> None:
        """End this step and its workers, which have nothing left to show on; the first of two keys counts."""
        if self.is_active:  # Textual calls the screen under the active one current, too
            self.workers.cancel_node(self)
            self.dismiss(outcome)

    # --- keys ----------------------------------------------------------------------------------------

    def action_next(self) -> None:
        refusal = self.why_not()
        if refusal:
            self.notice.complain(refusal)
        else:
            self.finish("next")

    def action_back(self) -> None:
        self.finish("back")

    def action_go(self, by: int) -> None:
        place = STEPS.index(self.STEP) + by
        if not 0 <= place < len(STEPS):
            return
        if self.draft.has_seen(STEPS[place]):
            self.finish(GoTo(STEPS[place]))
        else:
            self.notice.complain("That step was not seen yet: Enter goes on.")

    def action_leave(self) -> None:
        self.finish("leave")

    def action_help(self) -> None:
        self.owner.open_help()
