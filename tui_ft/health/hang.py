"""No step for far longer than usual while nothing works (T17)."""

from __future__ import annotations

from collections import deque

from tui_ft.health.detector import Detector, Said
from tui_ft.health.facts import RunFacts
from tui_ft.health.finding import Evidence, Fix, Level
from tui_ft.health.fixes import change, command, fitting
from tui_ft.health.rows import Evaluation, Machine, Step
from tui_ft.health.smoothing import Window
from tui_ft.health.thresholds import Thresholds

_GAPS = 50
_WATCHED = frozenset({"training", "evaluating"})
"""In the other phases nobody knows how long is long: models are loaded over slow disks, data is prepared."""
_LEAST_SAMPLES = 3
_LEAST_IDLE_S = 20.0
_SLEPT_S = 30.0


class Hang(Detector):
    """Neither a row nor progress, with an idle GPU, or on a CPU box an idle trainer. A trainer that a signal
    stopped is said to be that.
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
        self._seen: deque[tuple[float, Machine]] = deque(maxlen=60)
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
        self._has_moved = True
        self._seen.clear()
        return self.clear("It goes on.", now) if now is not None else None

    def machine(self, seen: Machine) -> Said:
        self._seen.append((seen.time, seen))
        return None

    def tick(self, now: float, monotonic: float) -> Said:
        slept = self._ticked_at is not None and monotonic - self._ticked_at >= _SLEPT_S
        self._ticked_at = monotonic
        if self._has_moved or self._quiet_from is None or slept:  # whoever was stopped saw no silence
            self._has_moved, self._quiet_from, self._stopped_from = False, monotonic, None
            return None
        newest = self._seen[-1][1] if self._seen else None
        if newest is not None and newest.is_stopped:
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
        idle = self._idle()
        if idle is None and quiet < max(self.limits.hang_busy_s, 4 * self.limits.hang_ratio * usual):
            return None
        return self._say(now, quiet, usual, idle)

    def _idle(self) -> Evidence | None:
        """What shows that nothing works; None when something does, or nobody knows."""
        seen = [one for _, one in self._seen]
        if len(seen) < _LEAST_SAMPLES or seen[-1].time - seen[0].time < min(
            _LEAST_IDLE_S, self.limits.hang_s / 2
        ):
            return None
        busy = [one.utilization for one in seen if one.utilization is not None]
        cores = [one.cores for one in seen if one.cores is not None]
        known: Evidence = {}
        if busy:
            known["gpu_utilization"] = max(busy)
        if cores:
            known["cores"] = round(max(cores), 3)
        if self.facts.is_gpu and busy:
            # before the first step kernels are compiled: then the GPU waits for the processor
            is_compiling = not len(self._gaps) and bool(cores) and max(cores) >= self.limits.hang_cores
            return known if max(busy) < self.limits.hang_utilization and not is_compiling else None
        return known if cores and max(cores) < self.limits.hang_cores else None

    def _say(self, now: float, quiet: float, usual: float, idle: Evidence | None) -> Said:
        what = "evaluation" if self._phase == "evaluating" else "step"
        device = "the GPU" if self.facts.is_gpu else "the trainer"
        doing = f"{device} does nothing" if idle is not None else f"{device} looks busy"
        often = f"; a step usually takes {usual:.2g} s" if usual else ""
        message = f"No {what} for {quiet / 60:.0f} minutes while {doing}{often}."
        if quiet < 120:
            message = f"No {what} for {quiet:.0f} s while {doing}{often}."
        known: Evidence = {
            "quiet_s": round(quiet, 1), "usual_step_s": round(usual, 3) if usual else None,
            "phase": self._phase, "last_step": self._step, "pid": self.pid,
        }  # fmt: skip
        level: Level = "error" if idle is not None else "warning"
        return self.find(
            level, message, now, step=self._step, evidence=known | (idle or {}), fixes=self._fixes()
        )

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
            change(self.facts, "go_on", "Stop it and go on from the last checkpoint", "resume", []), look
        )
