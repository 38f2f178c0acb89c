"""Loss that goes up and stays up (T2)."""

from __future__ import annotations

import math

from tui_ft.health.detector import Detector, Said
from tui_ft.health.facts import RunFacts
from tui_ft.health.finding import Evidence, Level
from tui_ft.health.fixes import calmer
from tui_ft.health.rows import Step
from tui_ft.health.smoothing import Smoothed
from tui_ft.health.thresholds import Thresholds

_NOISE_ROWS = 100
"""Over so many rows the noise of before is taken: longer than any rise, shorter than a schedule."""
_NEXT_TO_NOTHING = 1e-9
"""What is divided by where the user wants no least loss."""


class Divergence(Detector):
    """The smoothed loss far above its minimum for many rows; or a few losses in a row that are sky-high.

    Losses of preferences and rewards are no such measure: they may be negative, and near zero by design.
    """

    code = "divergence"

    def __init__(self, facts: RunFacts, limits: Thresholds) -> None:
        super().__init__(facts, limits)
        self._forget()

    def _forget(self) -> None:
        self._smoothed = Smoothed(self.limits.divergence_rows)
        self._usual = Smoothed(_NOISE_ROWS)
        self._usual_step = 0
        self._pending: list[float] = []
        self._least = math.inf
        self._least_step = 0
        self._mean = math.nan
        self._above = 0

    def resumed(self, step: int, now: float) -> Said:
        self._forget()
        return self.clear("The run went on from a checkpoint.", now)

    def step(self, row: Step, now: float) -> Said:
        if row.loss is None or not math.isfinite(row.loss) or not self.facts.is_judged_by_loss:
            return None
        if row.loss < 0:  # no cross-entropy: nothing to compare
            self._least = -math.inf
        mean = self._smoothed.add(row.loss)
        if self._smoothed.count >= self.limits.divergence_minimum_rows and mean < self._least:
            self._least, self._least_step = mean, row.step
        self._mean = mean
        if self._smoothed.count < self.limits.divergence_minimum_rows or self._least == -math.inf:
            self._usual.add(row.loss)
            self._usual_step = row.step
            return None
        return self._judge(row, row.loss, mean, now)

    @property
    def _lowest(self) -> float:
        return max(self._least, self.limits.divergence_least_loss) or _NEXT_TO_NOTHING

    def _is_sky_high(self, loss: float, step: int) -> bool:
        """Many times in a row so high, and by more than losses that are always noisy now and then are.

        The noise is that of before: what is high counts as usual only once a row that is not has followed.
        """
        limits, usual = self.limits, self._usual
        if loss <= max(limits.divergence_loss, limits.divergence_error_ratio * self._lowest):
            for late in (*self._pending, loss):
                usual.add(late)
            self._pending, self._usual_step = [], step
            return False
        self._pending = [*self._pending[-_NOISE_ROWS:], loss]
        if len(self._pending) < limits.divergence_loss_rows:
            return False
        rise = min(self._pending[-int(limits.divergence_loss_rows) :]) - max(usual.mean, self._least)
        return rise > limits.divergence_noise * usual.noise * (
            1.0 + limits.divergence_few_rows / max(usual.count, 1)
        )

    def _begin_before_the_rise(self) -> None:
        """A rise in the first rows is in their smoothed minimum, too: what was usual before it counts."""
        if self.open is None and self._usual.mean < self._least:
            self._least, self._least_step = self._usual.mean, self._usual_step

    def ended(self, cause: str, message: str, tail: str, now: float) -> Said:
        """A run that reaches its last step so has not ended well: say so in its last word."""
        found = self.open
        if cause != "finished" or found is None or not math.isfinite(self._mean):
            return None
        text = (
            f"It diverged at step {found.step}, and ended with a loss of {self._mean:.3g}: before, at step "
            f"{self._least_step}, it was {self._least:.3g}."
        )
        evidence: Evidence = {**found.evidence, "last_loss": round(self._mean, 6)}
        return self.find(
            found.level, text, now, step=found.step, evidence=evidence, fixes=found.fixes, again=True
        )

    def _judge(self, row: Step, loss: float, mean: float, now: float) -> Said:
        limits = self.limits
        rise = mean - self._least
        least_rise = max(limits.divergence_least_rise, limits.divergence_noise * self._smoothed.noise)
        is_above = mean > limits.divergence_ratio * self._lowest and rise > least_rise
        self._above = self._above + 1 if is_above else 0
        if self._is_sky_high(loss, row.step):
            self._begin_before_the_rise()
            return self._say("error", row, loss, now)
        if self._above >= limits.divergence_rows:
            is_far = mean > limits.divergence_error_ratio * self._lowest
            return self._say("error" if is_far else "warning", row, mean, now)
        if mean < limits.divergence_clear_ratio * self._lowest and not self._above:
            return self.clear(f"The loss is back at {mean:.3g}.", now)
        return None

    def _say(self, level: Level, row: Step, loss: float, now: float) -> Said:
        message = (
            f"The loss has risen from {self._least:.3g} (around step {self._least_step}) to {loss:.3g} "
            f"at step {row.step}, and stays up."
        )
        evidence: Evidence = {
            "loss": round(loss, 6),
            "lowest_loss": round(self._least, 6),
            "lowest_at_step": self._least_step,
            "times_the_lowest": round(loss / self._lowest, 3),
            "noise_between_steps": round(self._smoothed.noise, 6),
            "steps_in_a_row": max(self._above, len(self._pending)),
            "learning_rate": row.learning_rate,
        }
        fixes = calmer(self.facts, self._least_step)
        return self.find(level, message, now, step=row.step, evidence=evidence, fixes=fixes)
