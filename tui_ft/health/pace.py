"""Time that is paid for and not trained in: waiting for data (T12), standing still for checkpoints."""

from __future__ import annotations

import math
from collections import deque

from tui_ft.health.detector import Detector, Said
from tui_ft.health.facts import RunFacts
from tui_ft.health.finding import Evidence, Fix, Level
from tui_ft.health.fixes import change, fitting
from tui_ft.health.rows import Machine, Step
from tui_ft.health.smoothing import Smoothed
from tui_ft.health.thresholds import Thresholds

_USUAL_SAMPLES = 20
"""How busy the GPU is, is the mean of so many samples."""
_MOST_WORKERS = 8
"""More are not offered: each is a process with its own memory."""
_MOST_STEPS = 10_000
"""So many are remembered, of steps that take a millisecond."""
_LEAST_SHARE = 1e-3
"""A run that saved for less of its time would hardly save at all."""


class DataStarvation(Detector):
    """A good part of each step goes by waiting for batches, and the GPU, where there is one, is not busy.

    An attempt's first step is left out: its workers have to start, and its rows to be found.
    """

    code = "data_starvation"

    def __init__(self, facts: RunFacts, limits: Thresholds) -> None:
        super().__init__(facts, limits)
        self._forget()

    def _forget(self) -> None:
        self._steps: deque[tuple[float, float]] = deque(maxlen=_MOST_STEPS)
        self._took = self._waited = 0.0
        self._is_first = True
        self._busy = Smoothed(_USUAL_SAMPLES)

    def resumed(self, step: int, now: float) -> Said:
        self._forget()
        return self.clear("The run went on from a checkpoint.", now)

    def machine(self, seen: Machine) -> Said:
        if seen.utilization is not None:
            self._busy.add(seen.utilization)
        return None

    def step(self, row: Step, now: float) -> Said:
        if row.step_s is None or row.data_wait_s is None or row.step_s <= 0:
            return None
        if self._is_first:
            self._is_first = False
            return None
        took = self._add(row.step_s, min(row.data_wait_s, row.step_s))
        if len(self._steps) < self.limits.starvation_rows or took < self.limits.starvation_s:
            return None
        share = min(max(self._waited / took, 0.0), 1.0)
        busy = self._busy.mean if self._busy.count else None
        if share < self.limits.starvation_share * self.limits.starvation_clear_ratio:
            return self.clear(f"Waiting for data takes {share:.0%} of the time now.", now)
        if share < self.limits.starvation_share:
            return None
        if busy is not None and busy >= self.limits.starvation_utilization:
            return None
        gpu = f", and the GPU is busy {busy:.0f} % of the time" if busy is not None else ""
        message = f"{share:.0%} of the time goes by waiting for data{gpu}."
        evidence: Evidence = {
            "wait_share": round(share, 3), "step_s": round(took / len(self._steps), 4),
            "wait_s": round(share * took / len(self._steps), 4), "rows": len(self._steps),
            "gpu_utilization": round(busy, 1) if busy is not None else None, "workers": self._workers(),
        }  # fmt: skip
        return self.find("warning", message, now, step=row.step, evidence=evidence, fixes=self._fixes())

    def _add(self, step_s: float, wait_s: float) -> float:
        """Keep as many steps as are needed for both, rows and seconds; return how long they took."""
        if len(self._steps) == _MOST_STEPS:
            self._drop()
        self._steps.append((step_s, wait_s))
        self._took += step_s
        self._waited += wait_s
        while (
            len(self._steps) > self.limits.starvation_rows
            and self._took - self._steps[0][0] >= self.limits.starvation_s
        ):
            self._drop()
        return self._took

    def _drop(self) -> None:
        step_s, wait_s = self._steps.popleft()
        self._took -= step_s
        self._waited -= wait_s

    def _workers(self) -> int | None:
        return self.facts.spec.training.dataloader_workers if self.facts.spec is not None else None

    def _fixes(self) -> list[Fix]:
        workers = self._workers() or 0
        wanted = min(max(4, workers * 2), max(self.facts.cores, 1), _MOST_WORKERS)
        if wanted <= workers:
            return []
        return fitting(
            change(
                self.facts, "more_workers", f"Go on with {wanted} data workers", "resume",
                [f"training.dataloader_workers={wanted}"],
            )
        )  # fmt: skip


class SlowSaves(Detector):
    """The training stands still for its checkpoints for too much of its time."""

    code = "slow_saves"

    def __init__(self, facts: RunFacts, limits: Thresholds) -> None:
        super().__init__(facts, limits)
        self._from: float | None = None
        self._blocked, self._count = 0.0, 0

    def resumed(self, step: int, now: float) -> Said:
        self._from = None
        return self.clear("A new attempt began.", now)

    def checkpoint(self, step: int, gib: float, blocked_s: float | None, now: float) -> Said:
        if blocked_s is None or blocked_s < 0:
            return None
        if self._from is None or now < self._from:  # the first one: from here on time and saves are counted
            self._from, self._blocked, self._count = now, 0.0, 0
            return None
        self._blocked += blocked_s
        self._count += 1
        took = now - self._from
        if self._count < self.limits.saves_count or took < self.limits.saves_s:
            return None
        share, each, every = min(self._blocked / took, 1.0), self._blocked / self._count, took / self._count
        if took > self.limits.saves_window_s:
            self._from = None
        if share < self.limits.saves_share:
            return self.clear(f"Saving takes {share:.1%} of the time now.", now)
        minutes = max(1, math.ceil(each / max(self.limits.saves_wanted_share, _LEAST_SHARE) / 60.0))
        message = f"{share:.0%} of the time goes into checkpoints: each stops the training for {each:.1f} s."
        evidence: Evidence = {
            "share": round(share, 3), "blocked_s": round(each, 2),
            "every_s": round(every, 1),
            "checkpoint_gib": round(gib, 3),
        }  # fmt: skip
        by_time = ["checkpoints.every_steps=none", f"checkpoints.every_minutes={minutes}"]
        fixes = fitting(
            change(self.facts, "rarer_saves", f"Go on and save every {minutes} minutes", "resume", by_time)
        )
        level: Level = "warning" if share >= self.limits.saves_warning_share else "note"
        return self.find(level, message, now, step=step, evidence=evidence, fixes=fixes)
