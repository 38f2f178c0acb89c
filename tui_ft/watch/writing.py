"""Who writes the files of a run: asked seldom, and remembered, so that its end is noticed at once."""

from __future__ import annotations

import signal
import time
import weakref
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tui_ft.hardware.process_exit import ExitWatch, ProcessExit
from tui_ft.watch.held_files import HeldFiles, NobodyHolds, nobody_holds_now
from tui_ft.watch.likeness import changed_at
from tui_ft.watch.sources.protocol import Place

if TYPE_CHECKING:
    from tui_ft.watch.processes.writers import Writer

LOOK_EVERY_S = 10.0
LOOK_SELDOM_S = 60.0
"""All processes are looked through so often: while files are fresh, and when they are old. A writer that is
known is asked for with every poll, which costs one read of its /proc entry."""
OLD_S = 3600.0
MOST_WATCHED = 8
_ASKED_TO_STOP = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Writers = Callable[[Iterable[Path]], "tuple[Writer, ...]"]
"""Which living processes write these files."""


def writers_now(paths: Iterable[Path]) -> tuple[Writer, ...]:
    """Look through the processes of this box; imported with the first run of another that is opened."""
    from tui_ft.watch.processes.writers import writers

    return writers(paths)


@dataclass(frozen=True, kw_only=True)
class Writing:
    """What is known of a run's processes: those that live, and how the last one ended.

    `lives` is None while none was ever seen. The three words are sentences where the kernel told the end;
    `killed` is one for a process that a signal took by force. `is_by_name`: the name of an event file tells
    it, which may have been copied here. `is_let_go`: nobody is known, and nobody at all holds the run's logs.
    """

    lives: bool | None = None
    pids: tuple[int, ...] = ()
    finished: str = ""
    failed: str = ""
    stopped: str = ""
    killed: str = ""
    is_by_name: bool = False
    is_let_go: bool = False


class WriterWatch:
    """Remembers the processes that were seen to write a run. `clock` gives unix seconds."""

    def __init__(
        self,
        places: Sequence[Place],
        clock: Callable[[], float],
        writers: Writers | None = None,
        nobody_holds: NobodyHolds | None = None,
    ) -> None:
        self._places = tuple(places)
        self._clock = clock
        self._writers = writers_now if writers is None else writers
        self._held = HeldFiles(clock, nobody_holds or (nobody_holds_now if writers is None else _not_known))
        self._watched: dict[int, ExitWatch] = {}
        self._ended_at: dict[int, float] = {}
        self._looked_at = float("-inf")
        self.known = Writing()
        weakref.finalize(self, _let_go, self._watched)

    def poll(self, is_fresh: bool) -> bool:
        """Ask where it is time to; True when what is known changed. `is_fresh`: files have just changed."""
        now, before = time.monotonic(), self.known
        if self._watched and (alive := self._alive()):
            self.known = Writing(lives=True, pids=alive)
        elif (
            self.known.lives
            or self._is_due(now - self._looked_at, is_fresh)
            or (self.known.is_let_go and self._held.are_written(self._places))
        ):
            self._looked_at = now
            self._look()
        return before != self.known

    def watch_also(self, places: Sequence[Place]) -> None:
        """Take in sources that the run has opened since."""
        self._places += tuple(places)

    def _alive(self) -> tuple[int, ...]:
        alive = tuple(pid for pid, watch in self._watched.items() if watch.poll() is None)
        now = time.monotonic()
        for pid in self._watched.keys() - set(alive):
            self._ended_at.setdefault(pid, now)
        return alive

    def _last_end(self) -> ProcessExit:
        """How the process ended that ended last; of several at once the oldest, which started the others."""
        last = max(
            self._watched.values(), key=lambda watch: (self._ended_at.get(watch.pid, 0.0), -watch.started)
        )
        return last.poll() or ProcessExit()

    def _look(self) -> None:
        files = [file for place in self._places for file in place.files]
        for writer in self._writers(files)[:MOST_WATCHED]:
            known = self._watched.get(writer.pid)
            if known is None or known.started != writer.start_time:
                if known is not None:
                    known.close()
                self._ended_at.pop(writer.pid, None)
                self._watched[writer.pid] = ExitWatch(writer.pid, writer.start_time)
        if alive := self._alive():
            self.known = Writing(lives=True, pids=alive)
        elif self._watched:
            self.known = _ended(self._last_end())
        else:
            lives = self._named_lives()
            is_let_go = lives is None and self._held.are_let_go(self._places)
            self.known = Writing(lives=lives, is_by_name=lives is not None, is_let_go=is_let_go)

    def _named_lives(self) -> bool | None:
        """What the newest event file says by its name, which holds host and pid."""
        events = [file for place in self._places if place.format == "tensorboard" for file in place.files]
        if not events:
            return None
        from tui_ft.watch.processes.writers import named_writer_gone

        gone = named_writer_gone(max(events, key=lambda file: file.name), self._clock())
        return None if gone is None else not gone

    def _is_due(self, waited_s: float, is_fresh: bool) -> bool:
        if waited_s < LOOK_EVERY_S or waited_s >= LOOK_SELDOM_S:
            return waited_s >= LOOK_SELDOM_S
        changed = max((changed_at(place) or 0.0 for place in self._places), default=0.0)
        return is_fresh or abs(self._clock() - changed) < OLD_S


def _not_known(paths: Iterable[Path]) -> bool:
    return False


def _ended(end: ProcessExit) -> Writing:
    if end.code == 0:
        return Writing(lives=False, finished="Its process ended with exit code 0.")
    if end.code is not None:
        return Writing(lives=False, failed=f"Its process ended with exit code {end.code}.")
    if end.signal in _ASKED_TO_STOP:
        return Writing(lives=False, stopped=f"Its process ended by {signal.Signals(end.signal).name}.")
    if end.signal is not None:
        return Writing(lives=False, killed=f"Its process was killed (signal {end.signal}).")
    return Writing(lives=False)


def _let_go(watched: dict[int, ExitWatch]) -> None:
    for watch in watched.values():
        watch.close()
