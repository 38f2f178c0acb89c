"""Reads the run of a screen: off the event loop, piece by piece, as often as what is known asks for."""

from __future__ import annotations

import asyncio

from tui_ft.tui.actions import sentence
from tui_ft.tui.run_words import OVER
from tui_ft.tui.shared_source import SharedSource

FIRST_READ_S = 0.05
LONG_READ_S = 0.4
"""How long one poll may read: a little before the first picture, then long stretches of a long history."""
READ_ON_S, STUCK_S = 0.02, 0.25
"""The pause between two stretches of a long history, and when the last one brought nothing."""
LIVE_S = 0.5
ENDED_S = 3.0
CALM = OVER | {"unknown"}
"""A run that is over, or of which nobody knows a writer, can only change by something unusual."""


class RunReader:
    """`trouble` is a sentence while the source cannot be read."""

    def __init__(self, source: SharedSource) -> None:
        self.source = source
        self.trouble = ""
        self._is_first = True
        self._has_read = True

    async def poll(self) -> bool:
        """Read what is new; True when there is something else to show."""
        before = self.trouble
        budget_s = FIRST_READ_S if self._is_first else LONG_READ_S
        try:
            changed = await asyncio.to_thread(self.source.poll, budget_s)
        except Exception as error:  # noqa: BLE001 - shown where the user looks
            self.trouble = f"The run cannot be read: {sentence(error)}"
            return self.trouble != before
        self.trouble, self._is_first, self._has_read = "", False, changed
        return changed or bool(before)

    def pause_s(self, *, is_owed: bool) -> float:
        """How long until the next poll; not long while what was read is not all shown yet."""
        reading = self.source.reading
        if not reading.is_complete and not self.trouble:
            return READ_ON_S if self._has_read else STUCK_S
        return ENDED_S if reading.status in CALM and not is_owed else LIVE_S
