"""The supervisor's last deed: what follows a run is started, and outlives the supervisor."""

from __future__ import annotations

from tui_ft.runs.after.telling import follow_up, owe
from tui_ft.runs.companions import NOTHING, Sight, Wishes
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.records import ExitRecord, StateRecord, Status

_AGAIN_S = 30.0
"""Between two tries to write down what is owed, on a disk without room."""


class Afterwards:
    """Waits for the end of an attempt, then starts the one process that looks after the rest.

    That something is to follow is written down at the beginning: whoever is killed at the end, and whatever
    the disk says then, the next command finds it.
    """

    def __init__(self, run: RunDirectory, state: StateRecord) -> None:
        self._run = run
        self._attempt = state.attempt
        self._is_written = owe(run, state.attempt)
        self._tries_at = 0.0

    def poll(self, sight: Sight) -> Wishes:
        """Nothing is to be done while it runs, but for what the disk had no room for."""
        if not self._is_written and sight.monotonic >= self._tries_at:
            self._is_written = owe(self._run, self._attempt)
            self._tries_at = sight.monotonic + _AGAIN_S
        return NOTHING

    def ended(self, sight: Sight, status: Status, record: ExitRecord) -> Wishes:
        """Start it, if the spec asks for anything. It waits for the lock that is still held here."""
        follow_up(self._run, self._attempt)
        return NOTHING
