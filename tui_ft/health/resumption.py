"""A resume that does not go on where the run stood (T19)."""

from __future__ import annotations

import math
from collections import deque

from tui_ft.health.detector import Detector, Said
from tui_ft.health.facts import RunFacts
from tui_ft.health.finding import Evidence, Level
from tui_ft.health.fixes import change, fitting
from tui_ft.health.rows import Step
from tui_ft.health.smoothing import Smoothed
from tui_ft.health.thresholds import Thresholds

_KEPT = 2_000
"""A resume goes back over no more rows than so many."""


class BadResume(Detector):
    """The first losses after a resume against the last ones before it; both are means, for rows differ."""

    code = "bad_resume"

    def __init__(self, facts: RunFacts, limits: Thresholds) -> None:
        super().__init__(facts, limits)
        self._past: deque[tuple[int, float]] = deque(maxlen=_KEPT)
        self._before: list[float] = []
        self._after: list[float] = []
        self._lately = Smoothed(limits.resume_before_rows)
        self._from = 0

    def resumed(self, step: int, now: float) -> Said:
        rows = int(self.limits.resume_before_rows)
        self._from, self._after, self._lately = step, [], Smoothed(rows)
        self._before = [loss for at, loss in self._past if at <= step][-rows:] if step > 0 else []
        while self._past and self._past[-1][0] > step:
            self._past.pop()
        return self.clear("A new attempt began.", now)

    def step(self, row: Step, now: float) -> Said:
        if row.loss is None or not math.isfinite(row.loss):
            return None
        self._past.append((row.step, row.loss))
        if self.open is not None:
            return self._look_again(row.loss, now)
        wanted = int(self.limits.resume_rows)
        least = min(wanted, int(self.limits.resume_before_rows))
        if len(self._before) < least or len(self._after) >= wanted or row.step <= self._from:
            return None
        self._after.append(row.loss)
        return self._judge(row, now) if len(self._after) == wanted else None

    def _look_again(self, loss: float, now: float) -> Said:
        """It is over once the loss is back where it was before."""
        mean, before = self._lately.add(loss), self.open.evidence.get("loss_before") if self.open else None
        if self._lately.count < self.limits.resume_before_rows or not isinstance(before, float):
            return None
        if mean >= before * (1.0 + self.limits.resume_rise * self.limits.resume_clear_ratio):
            return None
        return self.clear(f"The loss is back at {mean:.3g}.", now)

    def _judge(self, row: Step, now: float) -> Said:
        before = sum(self._before) / len(self._before)
        after = sum(self._after) / len(self._after)
        spread = math.sqrt(
            sum((loss - before) * (loss - before) for loss in self._before) / len(self._before)
        )
        error = spread * math.sqrt(1 / len(self._before) + 1 / len(self._after))
        if before <= 0 or not self.facts.is_judged_by_loss:
            return None
        rise = after / before - 1.0
        if rise < self.limits.resume_rise or after - before < self.limits.resume_noise * error:
            return None
        message = (
            f"After going on from step {self._from} the loss is {after:.3g}; before it was {before:.3g}: "
            "it did not go on with what it had (optimizer, data order, or a setting that was changed)."
        )
        evidence: Evidence = {
            "loss_after": round(after, 6), "loss_before": round(before, 6), "rise": round(rise, 4),
            "from_step": self._from, "spread_before": round(spread, 6),
        }  # fmt: skip
        fixes = fitting(
            change(
                self.facts, "earlier", "Go on from an earlier checkpoint", "resume_before", [], self._from - 1
            ) if self._from > 1 else None,
        )  # fmt: skip
        level: Level = "error" if rise >= self.limits.resume_error_rise else "warning"
        return self.find(level, message, now, step=row.step, evidence=evidence, fixes=fixes)
