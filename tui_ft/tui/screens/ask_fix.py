"""Shows a fix as the change that it is, and what happens then; Enter does it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Label

from tui_ft.tui.text import plain
from tui_ft.tui.widgets.key_bar import KeyBar

if TYPE_CHECKING:
    from tui_ft.runs.fixes.fixing import Plan

MOST_CHANGES = 8
OTHER_LINES = 9
"""What stands around the changes, on a small screen."""
ELSEWHERE = "It was last seen on another machine: only go on if it surely does not run there."


class AskFix(ModalScreen[bool]):
    """True when it is to be done. A command is for the person: then there is nothing to say yes to."""

    CSS_PATH = "ask.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,y", "answer(True)", "Do it", id="fix.do", key_display="Enter",
                tooltip="Carry the change out: stop and save where it runs, then go on"),
        Binding("n,escape,q", "answer(False)", "Not", id="fix.leave", key_display="Esc",
                tooltip="Leave the run as it is"),
    ]  # fmt: skip

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.plan = plan

    def compose(self) -> ComposeResult:
        with Vertical(id="ask"):
            most = max((self.app.size.height - OTHER_LINES) // 2, 1)
            for text, name in fix_lines(self.plan, most):
                yield Label(plain(text), markup=False, classes=name)
        yield KeyBar(palette=False)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What a person runs is not run by a key."""
        return action != "answer" or parameters != (True,) or self.plan.how != "command"

    def action_answer(self, answer: bool) -> None:
        self.dismiss(answer)


def fix_lines(plan: Plan, most: int = MOST_CHANGES) -> list[tuple[str, str]]:
    """The question, line by line, with the class of each; of more changes than `most` the first."""
    most = min(most, MOST_CHANGES)
    lines = [(_capital(plan.fix.title), "title")]
    for change in plan.changes[:most]:
        lines += [(f"- {change.field} = {change.old}", "old"), (f"+ {change.field} = {change.new}", "new")]
    if len(plan.changes) > most:
        lines.append((f"and {len(plan.changes) - most} more changes", "fact"))
    if plan.remark:
        lines.append((plan.remark, "fact"))
    if plan.is_elsewhere and plan.how != "restart":
        lines.append((ELSEWHERE, "warn"))
    return [*lines, (plan.text, "question")]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
