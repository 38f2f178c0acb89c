"""Asks what to do about a run that does not fit: with a lesser setting, as it is, or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Label

from tui_ft.tui.text import gib, plain
from tui_ft.tui.widgets.key_bar import KeyBar

if TYPE_CHECKING:
    from tui_ft.vram.situation import StepDown

OFFERED = 5
"""More changes than that are no help to somebody who wants to start."""

Changes = tuple[str, ...]


class AskStepDown(ModalScreen[Changes | None]):
    """Returns the overrides of the chosen change, none for "as it is", None when nothing is to be started."""

    CSS_PATH = "ask.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1", "take(0)", "With the change", id="step_down.take", key_display="1-5",
                tooltip="Start with the change of that number"),
        *(Binding(str(number + 1), f"take({number})", "With the change", id=f"step_down.take{number + 1}",
                  show=False, tooltip="Start with the change of that number")
          for number in range(1, OFFERED)),
        Binding("y", "as_it_is", "As it is", id="step_down.as_it_is", tooltip="Start with nothing changed"),
        Binding("n,escape,q", "leave", "Not", id="step_down.leave", key_display="n", tooltip="Start nothing"),
    ]  # fmt: skip

    def __init__(self, question: str, facts: Sequence[str], steps: Sequence[StepDown]) -> None:
        super().__init__()
        self.question = question
        self.facts = facts
        self.steps = steps[:OFFERED]

    def compose(self) -> ComposeResult:
        with Vertical(id="ask"):
            for line in self.facts:
                yield Label(plain(line), markup=False, classes="fact")
            yield Label(plain(self.question), markup=False, id="question")
            for number, step in enumerate(self.steps, 1):
                text = f"{number}  {plain(step.change)}: {gib(step.needed_bytes)} GiB, fits"
                yield Label(text, markup=False, classes="choice")
        yield KeyBar(palette=False)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only numbers that stand there can be taken."""
        if action == "take" and isinstance(parameters[0], int):
            return parameters[0] < len(self.steps)
        return True

    def action_take(self, number: int) -> None:
        self.dismiss(self.steps[number].overrides)

    def action_as_it_is(self) -> None:
        self.dismiss(())

    def action_leave(self) -> None:
        self.dismiss(None)
