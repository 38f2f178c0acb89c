"""Following events.jsonl: attempts, phases, checkpoints, samples, warnings and the end."""

from __future__ import annotations

from pathlib import PurePath

from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.following import AT_WORK
from tui_ft.runs.records import (
    AnyEvent,
    AttemptEvent,
    BeatEvent,
    CheckpointEvent,
    EndEvent,
    MemoryEvent,
    PhaseEvent,
    SampleEvent,
    Status,
    WarningEvent,
    decode_event,
)
from tui_ft.watch.log import clean_line
from tui_ft.watch.reading import Activity
from tui_ft.watch.sources.row_file import RowFile


class EventReader(RowFile[AnyEvent | None]):
    """Follows events.jsonl and keeps what counts of it."""

    def __init__(self, run: RunDirectory) -> None:
        super().__init__(run.events, decode_event)

    def reset(self) -> None:
        self.attempt = 1
        self.opened_at: float | None = None
        self._has_trained = False
        self.restarts = 0
        self.step: int | None = None
        self.total_steps: int | None = None
        self.time: float | None = None
        self.activity: Activity | None = None
        self.restart_steps: list[float] = []
        self.samples: dict[tuple[str, int], SampleEvent] = {}
        self.checkpoints: dict[int, CheckpointEvent] = {}
        self.saved_steps: dict[int, None] = {}
        self.warnings: list[WarningEvent] = []
        self.memory: MemoryEvent | None = None
        self.end: EndEvent | None = None

    @property
    def status(self) -> Status | None:
        """What its newest attempt is doing by its own word; None before its first phase and after its end."""
        if self.activity is None:
            return None
        if self.activity.phase == "paused":
            return "paused"
        return "running" if self._has_trained else "starting"

    def take(self, rows: list[AnyEvent | None]) -> None:
        for event in rows:
            if event is not None:
                self._take(event)

    def _take(self, event: AnyEvent) -> None:
        self.time = event.time
        match event:
            case AttemptEvent():
                self._open_attempt(event)
            case PhaseEvent():
                self._enter(event)
            case BeatEvent():
                self._beat(event)
            case CheckpointEvent():
                self._drop_checkpoints(event.removed)
                self.checkpoints[event.step] = event
                self.saved_steps[event.step] = None
            case SampleEvent():
                self.samples[event.when, event.index] = event
            case WarningEvent():
                self.warnings.append(event)
            case MemoryEvent():
                self.memory = event
            case EndEvent():
                self.end, self.activity, self.step = event, None, event.step

    def _open_attempt(self, event: AttemptEvent) -> None:
        if event.attempt > 1 or self.end is not None:
            self.restarts += 1
            self.restart_steps.append(float(event.step))
        self.attempt, self.step, self.end, self.memory = event.attempt, event.step, None, None
        self.opened_at, self.activity, self._has_trained = event.time, None, False
        self.samples = {key: sample for key, sample in self.samples.items() if key[0] == "before"}
        # newer ones were put aside, or could not be gone on from
        self.checkpoints = {step: kept for step, kept in self.checkpoints.items() if step <= event.step}

    def _enter(self, event: PhaseEvent) -> None:
        self.total_steps = event.total_steps or self.total_steps
        self._has_trained |= event.phase in AT_WORK
        self.step = event.step if event.step is not None else self.step
        self.activity = Activity(phase=event.phase, since=event.time, detail=clean_line(event.detail or ""))

    def _beat(self, event: BeatEvent) -> None:
        now = self.activity
        is_same = now is not None and now.phase == event.phase
        self._has_trained |= event.phase in AT_WORK
        self.activity = Activity(
            phase=event.phase,
            since=now.since if now is not None and is_same else event.time,
            detail=now.detail if now is not None and is_same else "",
            done=event.done,
            total=event.total,
            unit=clean_line(event.unit or ""),
        )

    def _drop_checkpoints(self, removed: list[str]) -> None:
        """Forget those that were taken away, which are told by the names of their folders."""
        names = {PurePath(path).name for path in removed}
        gone = [step for step, kept in self.checkpoints.items() if PurePath(kept.path).name in names]
        for step in gone:
            del self.checkpoints[step]
