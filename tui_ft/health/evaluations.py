"""Evaluations that get worse: of what is being learnt (T1), and of what was known before (T11)."""

from __future__ import annotations

import math

from tui_ft.health.detector import Detector, Said
from tui_ft.health.facts import RunFacts
from tui_ft.health.finding import Evidence
from tui_ft.health.fixes import calmer_words, change, fitting, half_rate, less_fitting
from tui_ft.health.rows import Evaluation, Step
from tui_ft.health.smoothing import Smoothed
from tui_ft.health.thresholds import Thresholds

_SMOOTH_ROWS = 20
"""The training loss is the mean of so many rows."""
_MOST_KEPT = 2_000
"""So many evaluations are remembered."""
_FEWEST_ROWS = 2
"""A single loss is no mean."""


class Overfitting(Detector):
    """The held-out loss rises from its best while the training loss goes on falling."""

    code = "overfitting"

    def __init__(self, facts: RunFacts, limits: Thresholds) -> None:
        super().__init__(facts, limits)
        self._smoothed = Smoothed(_SMOOTH_ROWS)
        self._lowest_train = math.inf
        self._past: list[tuple[int, float, float]] = []
        """Step, held-out loss, smoothed training loss: so that a resume can go back to before."""

    def resumed(self, step: int, now: float) -> Said:
        self._past = [one for one in self._past if one[0] <= step]
        self._smoothed = Smoothed(_SMOOTH_ROWS)
        return self.clear("The run went on from a checkpoint.", now)

    def step(self, row: Step, now: float) -> Said:
        if row.loss is not None and math.isfinite(row.loss):
            mean = self._smoothed.add(row.loss)
            if self._smoothed.count >= _FEWEST_ROWS:
                self._lowest_train = min(self._lowest_train, mean)
        return None

    def evaluation(self, row: Evaluation, now: float) -> Said:
        loss = row.eval_loss
        if loss is None or not math.isfinite(loss) or loss <= 0:
            return None
        self._past.append((row.step, loss, self._smoothed.mean))
        if len(self._past) > _MOST_KEPT:
            del self._past[1:-_MOST_KEPT]
        best_step, best, train_at_best = min(self._past, key=lambda one: one[1])
        limit = best * (1.0 + self.limits.overfitting_rise)
        late = [one for one in self._past if one[0] > best_step]
        worse = late[-int(self.limits.overfitting_evaluations) :]
        if len(worse) < self.limits.overfitting_evaluations or any(one[1] < limit for one in worse):
            return self.clear(f"The held-out loss is {loss:.4g} again.", now) if loss < limit else None
        train = self._smoothed.mean
        noise = self.limits.overfitting_noise * self._smoothed.mean_noise
        if (
            not train_at_best - train > noise
            or train > self.limits.overfitting_train_ratio * self._lowest_train + noise
        ):
            return None
        message = (
            f"It learns by heart: the held-out loss was best at step {best_step} ({best:.4g}) and is "
            f"{loss:.4g} now, while the training loss still falls."
        )
        evidence: Evidence = {
            "eval_loss": round(loss, 6), "best_eval_loss": round(best, 6), "best_at_step": best_step,
            "rise": round(loss / best - 1.0, 4), "train_loss": round(train, 6),
            "train_loss_at_best": round(train_at_best, 6),
        }  # fmt: skip
        fixes = less_fitting(self.facts, best_step)
        return self.find("warning", message, now, step=row.step, evidence=evidence, fixes=fixes)


class Forgetting(Detector):
    """The loss on texts of another kind rises against what it was first."""

    code = "forgetting"

    def __init__(self, facts: RunFacts, limits: Thresholds) -> None:
        super().__init__(facts, limits)
        self._first: tuple[int, float] | None = None
        self._worse = 0

    def resumed(self, step: int, now: float) -> Said:
        self._worse = 0
        if self._first is not None and self._first[0] > step:
            self._first = None
        return self.clear("The run went on from a checkpoint.", now)

    def evaluation(self, row: Evaluation, now: float) -> Said:
        loss = row.probe_loss
        if loss is None or not math.isfinite(loss) or loss <= 0:
            return None
        if self._first is None:
            self._first = (row.step, loss)
            return None
        first_step, first = self._first
        rise = loss / first - 1.0
        self._worse = self._worse + 1 if rise >= self.limits.forgetting_rise else 0
        if not self._worse:
            return self.clear(f"The probe's loss is {loss:.4g} again.", now)
        if self._worse < self.limits.forgetting_evaluations:
            return None
        message = (
            f"It forgets: the loss on the probe rose from {first:.4g} (step {first_step}) to {loss:.4g}."
        )
        evidence: Evidence = {
            "probe_loss": round(loss, 6), "first_probe_loss": round(first, 6), "first_at_step": first_step,
            "rise": round(rise, 4),
        }  # fmt: skip
        rate = half_rate(self.facts)[:1]
        fixes = fitting(
            change(
                self.facts, "half_rate_restart", f"Begin again at {calmer_words(self.facts)}", "restart",
                rate,
            ) if rate else None,
            change(self.facts, "lora", "Begin again as LoRA: the base stays as it is", "restart",
                   ["method.kind=lora", "training.learning_rate=none"])
            if self.facts.spec is not None and self.facts.spec.method.kind == "full" else None,
        )  # fmt: skip
        return self.find("warning", message, now, step=row.step, evidence=evidence, fixes=fixes)
