"""Who writes the files of a run: asked seldom, and remembered, so that its end is noticed at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tui_ft.hardware import processes
from tui_ft.watch.likeness import changed_at
from tui_ft.watch.sources.protocol import Place

if TYPE_CHECKING:
    from tui_ft.watch.processes.writers import Writer

LOOK_EVERY_S = 10.0
LOOK_SELDOM_S = 60.0
CHECK_EVERY_S = 1.0
"""All processes are looked through so often: while files are fresh, and when they are old; a known writer
is asked for every second."""
OLD_S = 3600.0

Writers = Callable[[Iterable[Path]], "tuple[Writer, ...]"]
"""Which living processes write these files."""


def writers_now(paths: Iterable[Path]) -> tuple[Writer, ...]:
    """Look through the processes of this box; imported with the first run of another that is opened."""
    from tui_ft.watch.processes.writers import writers

    return writers(paths)


class WriterWatch:
    """Remembers the processes that were seen to write a run. `clock` gives unix seconds."""

    def __init__(
        self, places: Sequence[Place], clock: Callable[[], float], writers: Writers | None = None
    ) -> None:
        self._places = places
        self._clock = clock
        self._writers = writers_now if writers is None else writers
        self._seen: dict[int, int] = {}
        self._looked_at = self._checked_at = float("-inf")
        self.lives: bool | None = None
        self.pids: tuple[int, ...] = ()

    def poll(self, is_fresh: bool) -> bool:
        """Ask where it is time to; True when what is known changed. `is_fresh`: files have just changed."""
        now = time.monotonic()
        before = (self.lives, self.pids)
        if self._seen:
            if now - self._checked_at >= CHECK_EVERY_S:
                self._checked_at = now
                self._check(now)
        elif now - self._looked_at >= (LOOK_EVERY_S if is_fresh or self._is_young() else LOOK_SELDOM_S):
            self._look(now)
        return before != (self.lives, self.pids)

    def _check(self, now: float) -> None:
        alive = tuple(pid for pid, started in self._seen.items() if processes.is_alive(pid, started))
        if not alive and self.lives is not False:
            self._look(now)  # another process may have taken over
            return
        if alive:
            self.lives, self.pids = True, alive
        elif now - self._looked_at >= LOOK_EVERY_S:
            self._look(now)

    def _look(self, now: float) -> None:
        self._looked_at = now
        files = [file for place in self._places for file in place.files]
        found = {writer.pid: writer.start_time for writer in self._writers(files)}
        self._seen.update(found)
        self.pids = tuple(pid for pid, started in found.items() if processes.is_alive(pid, started))
        if self._seen:
            self.lives = bool(self.pids)
        else:
            self.lives = self._named_lives()

    def _named_lives(self) -> bool | None:
        """What the newest event file says by its name, which holds host and pid."""
        events = [file for place in self._places if place.format == "tensorboard" for file in place.files]
        if not events:
            return None
        from tui_ft.watch.processes.writers import named_writer_gone

        gone = named_writer_gone(max(events, key=lambda file: file.name), self._clock())
        return None if gone is None else not gone

    def _is_young(self) -> bool:
        changed = max((changed_at(place) or 0.0 for place in self._places), default=0.0)
        return abs(self._clock() - changed) < OLD_S
