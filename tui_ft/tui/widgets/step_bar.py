"""The steps of the wizard on one line: which one this is, and which ones were seen already."""

from __future__ import annotations

from rich.cells import cell_len
from textual import events

from tui_ft.tui.widgets.lines import Line, Lines, Piece
from tui_ft.tui.wizard.draft import Draft
from tui_ft.tui.wizard.outcome import STEPS, TITLES, Step


class StepBar(Lines):
    """`New run  1 Goal ✓  2 Model ✓ ›3 Data‹ …`; only the name of the step where that is too long."""

    DEFAULT_CSS = """
    StepBar {
        height: 1;
        background: $surface;
        &:ansi { background: ansi_default; }
        &:nocolor { background: ansi_default; }
        & > .lines--live { color: $text-accent; text-style: bold reverse; }
    }
    """

    def __init__(self, draft: Draft, step: Step) -> None:
        super().__init__()
        self._draft = draft
        self._step = step

    def on_resize(self, event: events.Resize) -> None:
        self.show()

    def show(self) -> None:
        """Draw the steps as the draft has them now."""
        whole = step_line(self._draft, self._step)
        if sum(cell_len(text) for text, _ in whole) > self.size.width:
            whole = _short_line(self._step)
        self.set_lines([whole])


def step_line(draft: Draft, current: Step) -> Line:
    """Every step with its mark: a tick behind those that were gone through, arrows around this one."""
    pieces: list[Piece] = [(" New run ", "muted")]
    furthest = STEPS.index(draft.reached)
    for number, step in enumerate(STEPS):
        name = f"{number + 1} {TITLES[step]}"
        if step == current:
            pieces.append((f"›{name}‹", "live"))
        elif number < furthest:
            pieces += [(f" {name} ", ""), ("✓", "good"), (" ", "")]
        else:
            pieces.append((f" {name} ", "" if number == furthest else "muted"))
    return tuple(pieces)


def _short_line(current: Step) -> Line:
    return ((f" New run, step {STEPS.index(current) + 1} of {len(STEPS)}: ", "muted"),
            (TITLES[current], "live"))  # fmt: skip
