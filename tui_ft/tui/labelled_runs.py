"""Others' runs that somebody has labelled: they stay in the list when their processes are gone.

Called from one worker thread at a time, as `foreign_poll` is.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from tui_ft.errors import TuiFtError
from tui_ft.tui.foreign_poll import ForeignRun, line_of

if TYPE_CHECKING:
    from tui_ft.watch.found import FoundRun
    from tui_ft.watch.reading import Reading
    from tui_ft.watch.sources.protocol import Source

READ_S = 0.05
"""How long one run is read in one poll."""
POLL_S = 0.3
"""No more runs are looked at in one poll after so long; the rest comes with the next ones."""
LOOK_AGAIN_S = 60.0
"""What is not there may be on a disk that comes back; what is there may be written again."""
MOST = 200


class _Kept:
    """One labelled path: what was found there, and what it said."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.found: FoundRun | None = None
        self.source: Source | None = None
        self.whole: Reading | None = None
        self.look_at = 0.0

    def look(self, clock: Callable[[], float]) -> None:
        """Find the run, or read on in it. Never raises for what lies there."""
        now = clock()
        if now < self.look_at:
            return
        if self.source is None:
            self._find(clock)
        if self.source is None:
            self.look_at = now + LOOK_AGAIN_S
            return
        self.source.poll(READ_S)
        reading = self.source.reading
        if reading.is_complete and not reading.is_approximate:
            self.whole = reading
            self.look_at = now + LOOK_AGAIN_S

    def _find(self, clock: Callable[[], float]) -> None:
        from tui_ft.watch.finding import find_runs
        from tui_ft.watch.foreign_run import open_run

        try:
            runs = find_runs(Path(self.path), clock())
        except TuiFtError:
            return
        same = next((run for run in runs if str(run.path) == self.path), None)
        self.found = same or (runs[0] if len(runs) == 1 else None)
        if self.found is not None and not self.found.is_ours:
            self.source = open_run(self.found, clock)

    def line(self) -> ForeignRun:
        """The run as a line of the list; also while nothing is there, or not yet."""
        if self.found is None or self.source is None:
            return ForeignRun(
                id=self.path, path=self.path, status="unknown", name=Path(self.path).name,
                reason=f"No run is at {self.path} now.",
            )  # fmt: skip
        return replace(line_of(self.found, self.source.reading, self.whole), id=self.path)


class LabelledRuns:
    """Reads the labelled runs of others a little in each poll."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._kept: dict[str, _Kept] = {}
        self._lock = threading.Lock()  # a list that was left and one that came ask at the same time

    def read(self, keys: Iterable[str], listed: Collection[str]) -> list[ForeignRun]:
        """The runs of the labels `keys` that are paths and that the list does not hold already."""
        with self._lock:
            wanted = [key for key in keys if key.startswith("/") and key not in listed][-MOST:]
            self._kept = {key: self._kept.get(key) or _Kept(key) for key in wanted}
            deadline = time.monotonic() + POLL_S
            for kept in self._kept.values():
                kept.look(self._clock)
                if time.monotonic() > deadline:
                    break
            return [kept.line() for kept in self._kept.values()]
