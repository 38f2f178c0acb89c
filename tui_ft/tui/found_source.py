"""A run that was found is opened with its first poll: in the worker that reads, never in the event loop."""

from __future__ import annotations

from collections.abc import Callable

from tui_ft.watch.found import FoundRun
from tui_ft.watch.log import clean_line
from tui_ft.watch.reading import Reading
from tui_ft.watch.sources.protocol import Source


class FoundSource:
    """Stands for the source of `found` until its files are open. `clock` gives unix seconds."""

    def __init__(self, found: FoundRun, clock: Callable[[], float]) -> None:
        self.found = found
        self._clock = clock
        self._source: Source | None = None
        self._before = Reading(
            source=found.places[0].format, title=clean_line(found.title), path=str(found.path),
            status="unknown", is_complete=False,
        )  # fmt: skip

    @property
    def reading(self) -> Reading:
        """What was known at the end of the last poll; before the first one no more than the name."""
        return self._before if self._source is None else self._source.reading

    def poll(self, budget_s: float = 0.05) -> bool:
        """Read what is new for about `budget_s` seconds; True when the reading changed."""
        if self._source is None:
            from tui_ft.watch.foreign_run import open_run

            self._source = open_run(self.found, self._clock)
            self._source.poll(budget_s)
            return True
        return self._source.poll(budget_s)
