"""One run of several sources: the richest that lives is read, the others say what they know of its state."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from tui_ft.runs.directory import RunDirectory
from tui_ft.watch import formats, merging
from tui_ft.watch.found import FoundRun
from tui_ft.watch.likeness import Glimpse, glimpse_of
from tui_ft.watch.log import clean_line
from tui_ft.watch.reading import OtherSource, Reading
from tui_ft.watch.sources.foreign import ForeignSource
from tui_ft.watch.sources.protocol import Source
from tui_ft.watch.sources.tui_ft import TuiFtSource
from tui_ft.watch.state import decide
from tui_ft.watch.writing import Writers, WriterWatch

OTHERS_EVERY_S = 2.0
SHARE = 0.25
"""The sources that are not shown get so much of a poll, one of them each time, every two seconds."""
LEAST_POLL_S = 0.005
OVER = ("finished", "failed", "stopped", "lost")
LONGEST_BESIDE_S = 20.0
"""So long the reading of a whole history waits for the sources that are not shown."""


def open_run(
    found: FoundRun, clock: Callable[[], float] = time.time, writers: Writers | None = None
) -> Source:
    """Open a found run, ours or another's; no file is touched before the first poll.

    `writers` tells which living processes write files; by default those of this box are looked through.
    """
    if found.is_ours:
        return TuiFtSource(RunDirectory(found.path), clock=clock)
    return ForeignRun(found, clock, writers)


class ForeignRun:
    """Reads all sources of one run of another. `clock` gives unix seconds."""

    def __init__(
        self, found: FoundRun, clock: Callable[[], float] = time.time, writers: Writers | None = None
    ) -> None:
        self.found = found
        self._clock = clock
        self._sources: list[ForeignSource] = []
        self._polled_at: list[float] = []
        self._shown = 0
        self._next = 0
        self._beside_s = 0.0
        self._writers = WriterWatch(found.places, clock, writers)
        self._told: list[merging.Told] = []
        self._reading = Reading(
            source=found.places[0].format,
            title=clean_line(found.title),
            path=str(found.path),
            status="unknown",
            is_complete=False,
        )

    @property
    def reading(self) -> Reading:
        return self._reading

    def poll(self, budget_s: float = 0.05) -> bool:
        """Read what is new for about `budget_s` seconds; True when the reading changed. Never raises."""
        if not self._sources:
            self._sources = [
                formats.by_name(place.format).open(place, self._clock) for place in self.found.places
            ]
            self._polled_at = [float("-inf")] * len(self._sources)
        end = time.monotonic() + budget_s
        shown = self._sources[self._shown]
        is_alone = len(self._sources) == 1
        changed = shown.poll(budget_s if is_alone else budget_s * (1 - SHARE))
        self._polled_at[self._shown] = time.monotonic()
        changed = self._poll_others(end) or changed
        changed = self._writers.poll(changed) or changed
        if not changed and self._told and not self._is_due():
            return False
        return self._read()

    def _poll_others(self, end: float) -> bool:
        """Poll the other sources in turn, as long as there is time; at least one that is due."""
        changed = False
        for _ in range(len(self._sources) - 1):
            at = self._next = (self._next + 1) % len(self._sources)
            if at == self._shown:
                at = self._next = (self._next + 1) % len(self._sources)
            source, now = self._sources[at], time.monotonic()
            if source.reading.is_complete and now - self._polled_at[at] < OTHERS_EVERY_S:
                continue
            changed = source.poll(max(end - now, LEAST_POLL_S)) or changed
            self._polled_at[at] = time.monotonic()
            self._beside_s += self._polled_at[at] - now
            if self._polled_at[at] >= end:
                break
        return changed

    def _is_due(self) -> bool:
        """True when the state has changed by the mere passing of time, or all has been read by now."""
        if self._is_whole() != self._reading.is_complete:
            return True
        status, reason = decide(merging.combine(self._told, self._writers.known), self._clock())
        return (status, clean_line(reason)) != (self._reading.status, self._reading.reason)

    def _tell(self) -> list[merging.Told]:
        is_alone = len(self._sources) == 1
        return [
            merging.Told(
                source.reading,
                source.evidence,
                formats.richness(source.place.format),
                Glimpse() if is_alone else glimpse_of(source.reading),
            )
            for source in self._sources
        ]

    def _read(self) -> bool:
        told = self._told = self._tell()
        status, reason = decide(merging.combine(told, self._writers.known), self._clock())
        self._shown = merging.choose(told, self._shown, is_over=status in OVER)
        merged = merging.merge(told, self._shown)
        self._reading = replace(
            merged,
            title=clean_line(self.found.title) or merged.title,
            path=str(self.found.path),
            status=status,
            reason=clean_line(reason),
            others=self._others(),
            pids=self._writers.known.pids,
            notes=(*merged.notes, *self.found.notes),
            is_complete=self._is_whole(),
        )
        return True

    def _is_whole(self) -> bool:
        """True when the history is read; that of the sources beside is not waited for too long."""
        if not self._sources[self._shown].reading.is_complete:
            return False
        are_read = all(
            source.reading.is_complete and self._polled_at[at] > float("-inf")
            for at, source in enumerate(self._sources)
        )
        return are_read or self._beside_s > LONGEST_BESIDE_S

    def _others(self) -> tuple[OtherSource, ...]:
        beside = (source for at, source in enumerate(self._sources) if at != self._shown)
        return (
            *(merging.other_of(source.reading) for source in beside),
            *(
                OtherSource(
                    source=run.places[0].format,
                    title=clean_line(run.title),
                    path=str(run.path),
                    status=run.status,
                )
                for run in self.found.siblings
            ),
        )
