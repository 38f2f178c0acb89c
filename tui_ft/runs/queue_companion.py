"""What a supervisor does for the queue: it has it looked at when its run ends, and now and then before."""

from __future__ import annotations

from pathlib import Path

from tui_ft.runs.companions import NOTHING, Sight, Wishes
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.nudging import nudge
from tui_ft.runs.records import ExitRecord, StateRecord, Status

EVERY_S = 60.0
"""Runs that may start beside this one wait for memory: somebody must be there to see it."""

GRACE_S = 150.0
"""No provider gives more than two minutes from its signal to the end (facts: peers, 6); a machine that is
there after that does not go down.
"""


class QueueCompanion:
    """Starts a process that advances the queue, never anything itself."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._next: float | None = None

    def poll(self, sight: Sight) -> Wishes:
        if self._next is None:
            self._next = sight.monotonic + EVERY_S
        elif sight.monotonic >= self._next:
            self._next = sight.monotonic + EVERY_S
            nudge(self._root, has_changed=False)
        return NOTHING

    def ended(self, sight: Sight, status: Status, record: ExitRecord) -> Wishes:
        """The next run starts at once, before results are copied; on a machine that goes down it waits."""
        nudge(self._root, after_s=GRACE_S if record.cause == "preempted" else 0.0)
        return NOTHING


def make(run: RunDirectory, state: StateRecord) -> QueueCompanion:
    """The companion of one run; its root is where its directory lies."""
    return QueueCompanion(run.path.parent)
