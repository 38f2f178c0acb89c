"""What a supervisor does for the queue: it has it looked at when its run ends, and now and then before."""

from __future__ import annotations

from pathlib import Path

from tui_ft.errors import TuiFtError
from tui_ft.runs.companions import NOTHING, Sight, Wishes
from tui_ft.runs.directory import RunDirectory, without_date
from tui_ft.runs.health_rows import DeedRow
from tui_ft.runs.queueing.nudging import first_waiting, nudge
from tui_ft.runs.queueing.queue_file import read_queue
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
        goes_down = record.cause == "preempted"
        if not nudge(self._root, after_s=GRACE_S if goes_down else 0.0):
            return NOTHING
        when = f" in {GRACE_S:.0f} s, if the machine stays" if goes_down else ""
        message = f"The queue goes on{when}{_next(self._root)}."
        return Wishes(rows=(DeedRow(time=sight.now, deed="queue", message=message),))


def _next(root: Path) -> str:
    try:
        first = first_waiting(read_queue(root))
    except TuiFtError:
        return ""
    return f": {without_date(first.id)} is next" if first is not None else ""


def make(run: RunDirectory, state: StateRecord) -> QueueCompanion:
    """The companion of one run; its root is where its directory lies."""
    return QueueCompanion(run.path.parent)
