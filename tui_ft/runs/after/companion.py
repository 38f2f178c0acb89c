"""The supervisor's last deed: what follows a run is started, and outlives the supervisor."""

from __future__ import annotations

from tui_ft.runs.after.telling import follow_up
from tui_ft.runs.companions import NOTHING, Sight, Wishes
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.records import ExitRecord, StateRecord, Status


class Afterwards:
    """Waits for the end of an attempt, then starts the one process that looks after the rest."""

    def __init__(self, run: RunDirectory, state: StateRecord) -> None:
        self._run = run
        self._attempt = state.attempt

    def poll(self, sight: Sight) -> Wishes:
        """Nothing is to be done while it runs."""
        return NOTHING

    def ended(self, sight: Sight, status: Status, record: ExitRecord) -> Wishes:
        """Start it, if the spec asks for anything. It waits for the lock that is still held here."""
        follow_up(self._run, self._attempt)
        return NOTHING
