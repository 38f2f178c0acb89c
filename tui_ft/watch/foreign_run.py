"""One run of several sources: the richest that lives is read, the others say what they know of its state."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from tui_ft.runs.directory import RunDirectory
from tui_ft.watch import merging
from tui_ft.watch.found import FoundRun
from tui_ft.watch.log import clean_line
from tui_ft.watch.member import Member
from tui_ft.watch.reading import OtherSource, Reading
from tui_ft.watch.searching import Search
from tui_ft.watch.sources.protocol import Source
from tui_ft.watch.sources.tui_ft import TuiFtSource
from tui_ft.watch.state import decide
from tui_ft.watch.writing import Writers, WriterWatch

OTHERS_EVERY_S = 2.0
SHARE = 0.25
"""The sources that are not shown get so much of a poll, each of them every two seconds."""
LEAST_POLL_S = 0.005
LONGEST_BESIDE_S = 20.0
"""So long the reading of a whole history waits for the sources that are not shown."""
LIVE = ("running", "quiet")
LAST_WORDS_S = 0.2
"""All sources together get so much time for what was written last."""


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
        self._members: list[Member] = []
        self._shown: Member | None = None
        self._next = 0
        self._beside_s = 0.0
        self._is_fresh = False
        self._writers = WriterWatch(found.places, clock, writers)
        self._search = Search(clock)
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
        if not self._members:
            self._members = [Member(place, self._clock) for place in self.found.places]
            chosen = (member for member in self._members if member.place == self.found.chosen)
            self._shown = next(chosen, self._members[0])
        end = time.monotonic() + budget_s
        lived = self._writers.known.lives
        changed = self._writers.poll(self._is_fresh)
        if lived and not self._writers.known.lives:
            self._hear_all()  # what a process wrote last says why it ended
        is_alone = len(self._members) == 1
        self._is_fresh = self._shown is not None and self._shown.poll(
            budget_s if is_alone else budget_s * (1 - SHARE)
        )
        changed = self._poll_others(end) or self._is_fresh or changed
        changed = self._look_for_more() or changed
        if not changed and self._told and not self._is_due():
            return False
        return self._read()

    def _hear_all(self) -> None:
        end = time.monotonic() + LAST_WORDS_S
        for left, member in zip(range(len(self._members), 0, -1), self._members, strict=True):
            member.polled_at = float("-inf")
            member.poll(max((end - time.monotonic()) / left, LEAST_POLL_S))

    def _look_for_more(self) -> bool:
        """Now and then take in the sources that a run which goes on has opened since it was found."""
        if self._reading.status not in LIVE or not self._reading.is_complete or not self._search.is_due():
            return False
        new = self._search.new_places([member.place for member in self._members])
        self._members += [Member(place, self._clock) for place in new]
        self._writers.watch_also(new)
        return bool(new)

    def _poll_others(self, end: float) -> bool:
        """Poll the other sources in turn, as long as there is time; at least one that is due."""
        changed = False
        for _ in self._members:
            self._next = (self._next + 1) % len(self._members)
            member, now = self._members[self._next], time.monotonic()
            if member is self._shown or (member.is_read and now - member.polled_at < OTHERS_EVERY_S):
                continue
            changed = member.poll(max(end - now, LEAST_POLL_S)) or changed
            self._beside_s += time.monotonic() - now
            if time.monotonic() >= end:
                break
        return changed

    def _is_due(self) -> bool:
        """True when the state has changed by the mere passing of time, or all has been read by now."""
        if self._is_whole() != self._reading.is_complete:
            return True
        status, reason = decide(merging.combine(self._told, self._writers.known), self._clock())
        return (status, clean_line(reason)) != (self._reading.status, self._reading.reason)

    def _read(self) -> bool:
        is_alone = len(self._members) == 1
        heard = [(member, member.told(is_alone=is_alone)) for member in self._members]
        able = [(member, words) for member, words in heard if words is not None]
        notes = (*self.found.notes, *(member.trouble for member in self._members if member.trouble))
        if not able:
            before, self._shown = self._reading, None
            self._reading = replace(before, notes=notes, is_complete=True)
            return before != self._reading
        told = self._told = [words for _, words in able]
        status, reason = decide(merging.combine(told, self._writers.known), self._clock())
        current = next((at for at, (member, _) in enumerate(able) if member is self._shown), 0)
        chosen = next((at for at, (member, _) in enumerate(able) if member.place == self.found.chosen), None)
        shown = merging.choose(told, current, is_live=status in LIVE) if chosen is None else chosen
        self._shown = able[shown][0]
        merged = merging.merge(told, shown)
        self._reading = replace(
            merged,
            title=(clean_line(self.found.title) if len(self._members) > 1 else "") or merged.title,
            path=str(self.found.path),
            status=status,
            reason=clean_line(reason),
            others=self._others([one.reading for at, one in enumerate(told) if at != shown]),
            pids=self._writers.known.pids,
            notes=(*merged.notes, *notes),
            is_complete=self._is_whole(),
        )
        return True

    def _is_whole(self) -> bool:
        """True when the history is read; that of the sources beside is not waited for too long."""
        if self._shown is None or not self._shown.is_read:
            return self._shown is None
        return self._beside_s > LONGEST_BESIDE_S or all(member.is_read for member in self._members)

    def _others(self, beside: list[Reading]) -> tuple[OtherSource, ...]:
        return (*map(merging.other_of, beside), *map(_sibling, self.found.siblings))


def _sibling(run: FoundRun) -> OtherSource:
    return OtherSource(
        source=run.places[0].format,
        title=clean_line(run.title),
        path=str(run.path),
        status=run.status,
        is_run=True,
        step=run.step,
        loss=run.loss,
        updated_at=run.updated_at,
    )
