"""The source of our own runs: a run directory, read incrementally and within a time budget."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.records import ACTIVE, SCHEMA, StateRecord, Status
from tui_ft.watch.log import LogBuffer, clean_line
from tui_ft.watch.reading import Reading
from tui_ft.watch.sources.events import EventReader
from tui_ft.watch.sources.hardware import HardwareReader
from tui_ft.watch.sources.health import HealthReader
from tui_ft.watch.sources.metrics import MetricsReader
from tui_ft.watch.sources.predicted import PredictionReader
from tui_ft.watch.sources.spec_settings import SettingsReader
from tui_ft.watch.sources.table import MOST_SERIES

if TYPE_CHECKING:
    from tui_ft.runs.truth import Truth

MOST_SILENCED = 50
TRUTH_EVERY_S = 1.0
"""Whether a process lives is asked at most so often."""


def read_truth_now(run: RunDirectory, now: float) -> Truth:
    """Ask what is true of a run; imported with the first poll, not with the app."""
    from tui_ft.runs.truth import read_truth

    return read_truth(run, now)


def _living(state: StateRecord | None) -> tuple[int, ...]:
    """The processes that write a run which goes on here."""
    if state is None or state.status not in ACTIVE:
        return ()
    from tui_ft.hardware import processes
    from tui_ft.runs.truth import is_here

    if not is_here(state):
        return ()
    alive = (one.pid for one in state.processes if processes.is_alive(one.pid, one.start_time))
    return tuple(dict.fromkeys(alive))


class TuiFtSource:
    """Reads one run directory of ours. `clock` gives unix seconds."""

    def __init__(
        self,
        run: RunDirectory,
        *,
        clock: Callable[[], float] = time.time,
        read_truth: Callable[[RunDirectory, float], Truth] = read_truth_now,
    ) -> None:
        self.run = run
        self._clock = clock
        self._read_truth = read_truth
        self._truth: Truth | None = None
        self._truth_at = -TRUTH_EVERY_S
        self._metrics = MetricsReader(run.metrics)
        self._settings = SettingsReader(run)
        self._events = EventReader(run)
        self._foreseen = PredictionReader(run)
        self._hardware = HardwareReader(run)
        self._health = HealthReader(run)
        self._log = LogBuffer(run.output)
        self._reading = Reading(
            source="tui_ft", title=clean_line(run.id), path=str(run.path), status="unknown", is_complete=False
        )

    @property
    def reading(self) -> Reading:
        return self._reading

    def poll(self, budget_s: float = 0.05) -> bool:
        """Read what is new for about `budget_s` seconds; True when the reading changed. Never raises."""
        end = time.monotonic() + budget_s
        changed = [
            self._poll_truth(),
            self._events.poll(end),
            self._hardware.poll(end),
            self._health.poll(end),
            self._log.poll(),
            self._metrics.poll(end),
        ]
        if not any(changed):
            return False
        self._reading = self._read()
        return True

    def _poll_truth(self) -> bool:
        if time.monotonic() - self._truth_at < TRUTH_EVERY_S:
            return False
        self._truth_at = time.monotonic()
        before, self._truth = self._truth, self._read_truth(self.run, self._clock())
        return before is None or (before.state, before.status, before.reason) != (
            self._truth.state, self._truth.status, self._truth.reason,
        )  # fmt: skip

    def _read(self) -> Reading:
        events, table = self._events, self._metrics.table
        truth = self._truth
        state = truth.state if truth is not None else None
        attempt = max(events.attempt, state.attempt if state is not None else 1)
        is_launching = attempt > events.attempt and state is not None and state.status in ACTIVE
        is_loading = is_launching or self._rows_are_older()
        total = events.total_steps or (state.total_steps if state is not None else None)
        silenced = (
            tuple(clean_line(code) for code in state.silenced[:MOST_SILENCED]) if state is not None else ()
        )
        return Reading(
            source="tui_ft",
            title=clean_line(state.name if state is not None and state.name else self.run.id),
            path=str(self.run.path),
            status=self._status(is_launching=is_launching),
            reason=clean_line(truth.reason or "") if truth is not None else "",
            model=clean_line(state.model) if state is not None else "",
            method=clean_line(state.method) if state is not None else "",
            attempt=attempt,
            step=None if is_launching else events.step if is_loading or table.step is None else table.step,
            total_steps=total,
            epoch=None if is_loading else table.epoch,
            started_at=state.started_at if state is not None else None,
            ended_at=state.ended_at if state is not None else None,
            updated_at=self._updated_at(),
            attempt_at=state.started_at if is_launching and state is not None else events.opened_at,
            activity=None if is_launching else events.activity,
            series=table.named_series(),
            times=table.times,
            restart_steps=tuple(sorted({*events.restart_steps, *table.back_steps})),
            restarts=max(events.restarts, table.restarts),
            bad_records=self._bad_lines(),
            notes=self._notes(),
            hardware=self._hardware.last,
            memory=self._hardware.memory(),
            gpu_memory=self._foreseen.report(attempt, events.memory),
            samples=tuple(events.samples.values()),
            checkpoints=tuple(events.checkpoints.values()),
            warnings=tuple(events.warnings),
            end=events.end,
            exit=state.exit if state is not None else None,
            log=self._log.lines,
            log_version=self._log.version,
            is_complete=self._metrics.is_complete,
            is_approximate=self._metrics.is_approximate,
            settings=self._settings.settings(attempt),
            checkpoint_steps=tuple(float(step) for step in events.saved_steps),
            hardware_series=self._hardware.series(),
            hardware_origin=self._hardware.origin,
            findings=self._health.findings(silenced),
            past=self._health.past,
            deeds=self._health.deeds,
            health_rows=self._health.rows,
            silenced=silenced,
            pids=_living(state),
        )

    def _status(self, *, is_launching: bool) -> Status:
        """The status; of a run that goes on by its trainer's own word, which the state follows later."""
        status = self._truth.status if self._truth is not None else "unknown"
        if is_launching or status not in ("starting", "running", "paused"):
            return status
        return self._events.status or status

    def _rows_are_older(self) -> bool:
        """True from the opening of an attempt until its first row: what is known is of the one before."""
        rows, opened = self._metrics.table.time, self._events.opened_at
        return self._events.attempt > 1 and rows is not None and opened is not None and rows < opened

    def _bad_lines(self) -> int:
        return self._metrics.bad + self._events.bad + self._hardware.bad + self._health.bad

    def _updated_at(self) -> float | None:
        known = [self._metrics.table.time, self._events.time, self._truth.updated_at if self._truth else None]
        return max((moment for moment in known if moment is not None), default=None)

    def _notes(self) -> tuple[str, ...]:
        notes = []
        if self._truth is not None and self._truth.state is None:
            notes.append("state.json is missing or cannot be read.")
        elif self._truth is not None and self._truth.state is not None and self._truth.state.schema > SCHEMA:
            notes.append("Written by a newer tui-ft: what is known here is shown.")
        bad = self._bad_lines()
        if bad:
            notes.append(f"{bad} bad {'line' if bad == 1 else 'lines'} left out.")
        if self._metrics.table.is_cut:
            notes.append(f"It logs more than {MOST_SERIES:,} series: the others are left out.")
        return tuple(notes)
