"""How the guard reads a run: events and rows as they are appended, and the machine, all into one watcher."""

from __future__ import annotations

import math
import time

import msgspec

from tui_ft.health.detector import Cleared
from tui_ft.health.facts import RunFacts
from tui_ft.health.finding import Finding
from tui_ft.health.rows import number
from tui_ft.health.watcher import Watcher
from tui_ft.runs.companions import Sight
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.guarding.facts import read_thresholds, with_environment
from tui_ft.runs.guarding.history import read_before
from tui_ft.runs.guarding.sight import MachineEye
from tui_ft.runs.line_following import LineFollower
from tui_ft.runs.records import (
    AnyEvent,
    AttemptEvent,
    BeatEvent,
    CheckpointEvent,
    PhaseEvent,
    WarningEvent,
    decode_event,
    decode_metrics,
)

_GIB = 1024**3
_QUIET_S = 10.0
_ON_THE_GPU = frozenset({"training", "evaluating"})

Said = list[Finding | Cleared]


class GuardReader:
    """Follows the files of one attempt. Until `is_past_history` it learns what was there before.

    `has_begun` is True once this very attempt stands in the events: then the past is its own, too.
    """

    def __init__(self, run: RunDirectory, attempt: int, facts: RunFacts, eye: MachineEye) -> None:
        self.watcher = Watcher(facts, read_thresholds())
        self.eye = eye
        self.has_begun = False
        self._run = run
        self._attempt = attempt
        self._metrics = LineFollower(run.metrics)
        self._events = LineFollower(run.events)
        self._begins: list[AttemptEvent] = []
        self._phase = ""
        self._progress: tuple[str, int | None] = ("", None)
        self._moved_at: float | None = None
        self._has_moved = False
        self._hardware_at: float | None = None
        if self._events.is_cut:
            self._learn_before()

    @property
    def is_past_history(self) -> bool:
        return self._events.is_past_history and self._metrics.is_past_history

    @property
    def is_cut(self) -> bool:
        """Whether the files are so long that only their end is read."""
        return self._events.is_cut or self._metrics.is_cut

    def _learn_before(self) -> None:
        """That the attempt began and in which phase it is, may stand far before what is read."""
        before = read_before(self._run, self._events.offset)
        self.has_begun = before.attempt >= self._attempt
        if before.phase is not None:
            self._event(before.phase)

    def read(self, sight: Sight) -> Said:
        """Return what is said of what is new, a piece of it at most. Events first: rows belong to them."""
        self.watcher.watch_process(sight.trainer_pid)
        events, rows = self._events.poll(), self._metrics.poll()
        said = [*self._take_events(events), *self._take_rows(rows)]
        if rows or self._has_moved or self._moved_at is None:
            self._moved_at, self._has_moved = sight.monotonic, False
        if self.is_past_history:
            said += self._look(sight)
            said += self.watcher.tick(sight.now, sight.monotonic)
        return said

    def read_to_end(self) -> Said:
        """Return what is said of all that is left: nobody writes any more."""
        said: Said = []
        while lines := self._events.poll():
            said += self._take_events(lines)
        while lines := self._metrics.poll():
            said += self._take_rows(lines)
        return said

    def leave_history(self) -> None:
        """All that was there before is read: resumes whose first row has not come yet count from here."""
        for begin in self._begins:
            self.watcher.resumed(begin.step, begin.time)
        self._begins = []

    def _take_events(self, lines: list[bytes]) -> Said:
        said: Said = []
        for line in lines:
            try:
                event = decode_event(line)
            except msgspec.DecodeError:
                continue  # a torn or foreign line: readers count those
            said += self._event(event) if event is not None else []
        return said

    def _take_rows(self, lines: list[bytes]) -> Said:
        said: Said = []
        for line in lines:
            try:
                said += self._row(decode_metrics(line))
            except msgspec.DecodeError:
                continue
        return said

    def _row(self, row: dict[str, object]) -> Said:
        at = number(row.get("time"))
        at = at if at is not None and math.isfinite(at) else time.time()
        said: Said = []
        while self._begins and at >= self._begins[0].time:
            begin = self._begins.pop(0)
            said += self.watcher.resumed(begin.step, at)
        return said + self.watcher.row(row, at)

    def _event(self, event: AnyEvent) -> Said:
        match event:
            case AttemptEvent():
                return self._begin(event)
            case PhaseEvent():
                self._phase, self._has_moved = event.phase, True
                self._learn(event)
                return self.watcher.phase(event.phase, event.time, event.detail or "")
            case BeatEvent():
                return self._beat(event)
            case CheckpointEvent():
                return self.watcher.checkpoint(event.step, event.bytes / _GIB, event.blocked_s, event.time)
            case WarningEvent():
                return self.watcher.warning(event.code, event.message, event.step, event.evidence, event.time)
            case _:
                return []

    def _beat(self, event: BeatEvent) -> Said:
        """A beat says that the trainer lives, not that it gets on: only what is counted says so."""
        before, self._progress = self._progress, (event.phase, event.done)
        if before == self._progress or event.done is None:
            return []
        self._has_moved = True
        return self.watcher.progress(event.time)

    def _begin(self, event: AttemptEvent) -> Said:
        self.has_begun = self.has_begun or event.attempt == self._attempt
        if event.attempt == 1:
            return []
        if self._metrics.is_past_history:
            return self.watcher.resumed(event.step, event.time)
        self._begins.append(event)  # its place among the rows of the past is told by their times
        return []

    def _learn(self, event: PhaseEvent) -> None:
        if event.phase == "training" and not self.watcher.facts.compute:
            self.watcher.learn(with_environment(self.watcher.facts, self._run, self._attempt))
        self.watcher.learn_total(event.total_steps)

    def _look(self, sight: Sight) -> Said:
        row = sight.hardware
        if row is None or row.time == self._hardware_at:
            return []
        self._hardware_at = row.time
        is_quiet = self._moved_at is not None and sight.monotonic - self._moved_at >= _QUIET_S
        seen = self.eye.look(
            row, sight.trainer_pid, sight.monotonic, is_quiet=is_quiet, is_on_gpu=self._phase in _ON_THE_GPU
        )
        return self.watcher.machine(seen)
