"""A source that two screens read in turn: what was read once of a long run is not read again."""

from __future__ import annotations

import threading

from tui_ft.watch.reading import Reading
from tui_ft.watch.sources.protocol import Source


class SharedSource:
    """Polls `source` from one thread at a time, whoever asks."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._lock = threading.Lock()

    @property
    def reading(self) -> Reading:
        """What was known at the end of the last poll."""
        return self.source.reading

    def poll(self, budget_s: float = 0.05) -> bool:
        """Read what is new for about `budget_s` seconds; True when the reading changed."""
        with self._lock:
            return self.source.poll(budget_s)
