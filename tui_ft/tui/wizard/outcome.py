"""The steps of the wizard, and the ways in which one of them ends."""

from __future__ import annotations

from typing import Literal, NamedTuple

from tui_ft.runs.directory import RunDirectory

Step = Literal["goal", "model", "data", "method", "settings", "review"]

STEPS: tuple[Step, ...] = ("goal", "model", "data", "method", "settings", "review")

TITLES: dict[Step, str] = {
    "goal": "Goal",
    "model": "Model",
    "data": "Data",
    "method": "Method",
    "settings": "Settings",
    "review": "Review",
}
"""What people read."""


class GoTo(NamedTuple):
    """Go to `step`, whichever it is."""

    step: Step


class Launched(NamedTuple):
    """The run was started: the wizard is done, and its draft is not needed any more."""

    run: RunDirectory


Outcome = Literal["next", "back", "leave"] | GoTo | Launched
"""`next` and `back` go one step, `back` from the first one and `leave` end the wizard and keep the draft."""
