"""No step for far longer than usual while nothing works (T17)."""

from __future__ import annotations

from dataclasses import dataclass

from tui_ft.health.detector import Detector, Said
from tui_ft.health.facts import RunFacts
from tui_ft.health.finding import Evidence, Fix, Level
from tui_ft.health.fixes import change, command, fitting
from tui_ft.health.rows import Evaluation, Machine, Step
from tui_ft.health.smoothing import Window
from tui_ft.health.thresholds import Thresholds

_GAPS = 50
"""The usual step is the median of so many."""
_WATCHED = frozenset({"training", "evaluating"})
"""In the other phases nobody knows how long is long: models are loaded over slow disks, data is prepared."""


@dataclass(frozen=True)
class _Idle:
    """A stretch of time in which nothing worked: from when to when, how often looked at, the most seen."""

    since: float
    seconds: float = 0.0
    count: int = 0
    utilization: float | None = None
    cores: float | None = None

    def and_so(self, seen: Machine) -> _Idle:
        return _Idle(
            self.since, seen.time - self.since, self.count + 1,
            _most(self.utilization, seen.utilization), _most(self.cores, seen.cores),
        )  # fmt: skip

    @property
    def evidence(self) -> Evidence:
        known: Evidence = {"idle_s": round(self.seconds, 1)}
        if self.utilization is not None:
            known["gpu_utilization"] = self.utilization
        if self.cores is not None:
            known["cores"] = round(self.cores, 3)
        return known


def _most(one: float | None, other: float | None) -> float | None:
    return max((value for value in (one, other) if value is not None), default=None)


class Hang(Detector):
    """Neither a row nor progress, while the trainer is idle and, where there is one, the GPU: with a GPU a
    warning, for it may wait for data or a network, and an error once both have been idle for `hang_idle_s`.
    A trainer that a signal stopped is said to be that.
    """

    code = "hang"

    def __init__(self, facts: RunFacts, limits: Thresholds, pid: int | None = None) -> None:
        super().__init__(facts, limits)
        self.pid = pid
        self._gaps = Window(_GAPS)
        self._phase = ""
        self._row_at: float | None = None
        self._quiet_from: float | None = None
        self._has_moved = True
        self._step: int | None = None
        self._newest: Machine | None = None
        self._idle: _Idle | None = None
        self._stopped_from: float | None = None
        self._ticked_at: float | None = None

    def resumed(self, step: int, now: float) -> Said:
        self._moved(None)
        return self.clear("A new attempt began.", now)

    def phase(self, name: str, now: float, detail: str = "") -> Said:
        self._phase = name
        return self._moved(now)

    def progress(self, now: float) -> Said:
        """What is counted went on, an evaluation's batches for example."""
        return self._moved(now)

    def step(self, row: Step, now: float) -> Said:
        if self._row_at is not None and row.time is not None and row.time > self._row_at:
            self._gaps.add(row.time - self._row_at)
        self._row_at, self._step = row.time, row.step
        return self._moved(now)

    def evaluation(self, row: Evaluation, now: float) -> Said:
        self._row_at = row.time
        return self._moved(now)

    def checkpoint(self, step: int, gib: float, blocked_s: float | None, now: float) -> Said:
        return self._moved(now)

    def _moved(self, now: float | None) -> Said:
        self._has_moved, self._newest, self._idle = True, None, None
        return self.clear("It goes on.", now) if now is not None else None

    def machine(self, seen: Machine) -> Said:
        before, self._newest = self._newest, seen
        is_apart = before is not None and not 0 <= seen.time - before.time <= self.limits.hang_apart_s
        if is_apart or not self._is_idle(seen):
            self._idle = None
        if self._is_idle(seen):
            self._idle = (self._idle or _Idle(seen.time)).and_so(seen)
        return None

    def _is_idle(self, seen: Machine) -> bool:
        """Whether neither does anything; what is not known of the trainer's processors is left to the GPU."""
        is_at_rest = seen.cores is None or seen.cores < self.limits.hang_cores
        if self.facts.is_gpu and seen.utilization is not None:
            return seen.utilization < self.limits.hang_utilization and is_at_rest
        return is_at_rest

    def tick(self, now: float, monotonic: float) -> Said:
        slept = self._ticked_at is not None and monotonic - self._ticked_at >= self.limits.hang_slept_s
        self._ticked_at = monotonic
        if self._has_moved or self._quiet_from is None or slept:  # whoever was stopped saw no silence
            self._has_moved, self._quiet_from, self._stopped_from = False, monotonic, None
            return None
        if self._newest is not None and self._newest.is_stopped:
            self._stopped_from = monotonic if self._stopped_from is None else self._stopped_from
            if monotonic - self._stopped_from >= self.limits.hang_stopped_s:
                return self._say_stopped(now, monotonic)
            return None
        if self._stopped_from is not None:  # it was let go: the silence begins anew
            self._stopped_from, self._quiet_from = None, monotonic
            return self.clear("The trainer was let go on.", now)
        if self._phase not in _WATCHED:
            return None
        quiet = monotonic - self._quiet_from
        usual = self._gaps.median if len(self._gaps) else 0.0
        if quiet < max(self.limits.hang_s, self.limits.hang_ratio * usual):
            return None
        idle = self._idle if self._idle is not None and self._is_long(self._idle) else None
        if idle is None and quiet < max(self.limits.hang_busy_s, self.limits.hang_busy_ratio * usual):
            return None
        return self._say(now, quiet, usual, idle)

    def _is_long(self, idle: _Idle) -> bool:
        """Whether it was looked at often and for long enough; without any number nobody knows."""
        is_known = idle.cores is not None or (self.facts.is_gpu and idle.utilization is not None)
        return (
            is_known
            and idle.count >= self.limits.hang_least_samples
            and idle.seconds >= min(self.limits.hang_least_idle_s, self.limits.hang_s / 2)
        )

    def _say(self, now: float, quiet: float, usual: float, idle: _Idle | None) -> Said:
        what = "evaluation" if self._phase == "evaluating" else "step"
        device = "the GPU" if self.facts.is_gpu else "the trainer"
        doing = f"{device} looks busy"
        if idle is not None:
            both = self.facts.is_gpu and idle.utilization is not None and idle.cores is not None
            doing = "the GPU and the trainer do nothing" if both else f"{device} does nothing"
        often = f"; a step usually takes {usual:.2g} s" if usual else ""
        message = f"No {what} for {quiet / 60:.0f} minutes while {doing}{often}."
        if quiet < 120:
            message = f"No {what} for {quiet:.0f} s while {doing}{often}."
        known: Evidence = {
            "quiet_s": round(quiet, 1), "usual_step_s": round(usual, 3) if usual else None,
            "phase": self._phase, "last_step": self._step, "pid": self.pid,
        }  # fmt: skip
        level: Level = "warning"
        if idle is not None:
            known |= idle.evidence
            by_gpu = self.facts.is_gpu and idle.utilization is not None
            level = "error" if not by_gpu or idle.seconds >= self.limits.hang_idle_s else "warning"
        return self.find(level, message, now, step=self._step, evidence=known, fixes=self._fixes())

    def _say_stopped(self, now: float, monotonic: float) -> Said:
        pid = self.pid
        message = (
            "The trainer was stopped by a signal (SIGSTOP) and stands still; it holds the GPU meanwhile."
        )
        evidence: Evidence = {
            "state": "stopped", "pid": pid, "phase": self._phase, "last_step": self._step,
            "stopped_s": round(monotonic - (self._stopped_from or monotonic), 1),
        }  # fmt: skip
        fixes = [command("let_go", "Let it go on", f"kill -CONT {pid}")] if pid is not None else []
        return self.find("error", message, now, step=self._step, evidence=evidence, fixes=fixes)

    def _fixes(self) -> list[Fix]:
        look = command("where", "See where it stands", f"py-spy dump --pid {self.pid}") if self.pid else None
        return fitting(
            change(self.facts, "go_on", "Stop it and go on from the newest checkpoint", "resume", []), look
        )
