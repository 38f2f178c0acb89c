"""What every source of runs offers: read a little, then say what is known."""

from __future__ import annotations

from typing import Protocol

from tui_ft.watch.reading import Reading


class Source(Protocol):
    """A run to be read. `poll` is called from one worker thread; `reading` from anywhere."""

    @property
    def reading(self) -> Reading:
        """What was known at the end of the last poll."""
        ...

    def poll(self, budget_s: float = 0.05) -> bool:
        """Read what is new for about `budget_s` seconds; True when the reading changed. Never raises."""
        ...
