"""Loss that does not fall: from the start (T5), and no further."""

from __future__ import annotations

import math
import shlex
from statistics import fmean, pvariance

from tui_ft.health.detector import Detector, Said
from tui_ft.health.facts import RunFacts
from tui_ft.health.finding import Evidence, Fix, Level
from tui_ft.health.fixes import change, command, fitting, usual_rate
from tui_ft.health.rows import Step
from tui_ft.health.smoothing import Smoothed, Window
from tui_ft.health.thresholds import Thresholds
from tui_ft.spec.run_spec import RunSpec

_BASE_ROWS = 10
"""The mean of the first so many rows is what it began with."""
_SMOOTH_ROWS = 20
"""The mean, and the median of norms, of so many rows is what it has now."""
_MOST_LOSSES = 100
"""So many without a gradient are remembered."""
_MUCH_RANK = 64
"""From here on twice the rank is offered no more: it costs memory, and rank is not what is wanting."""


class NotLearning(Detector):
    """After warmup and a tenth of the steps the loss has hardly fallen, or the gradient is next to nothing.

    A gradient of exactly zero means that nothing trainable is in the graph, or that every label is masked;
    but where the loss falls all the same, only what is logged is zero. What has learnt before is another's.
    """

    code = "not_learning"

    def __init__(self, facts: RunFacts, limits: Thresholds) -> None:
        super().__init__(facts, limits)
        self._base: list[float] = []
        self._is_base_lost = False
        self._smoothed = Smoothed(_SMOOTH_ROWS)
        self._has_learnt = False
        self._forget()

    def _forget(self) -> None:
        self._zero = self._flat = 0
        self._losses_at_zero: list[float] = []
        self._norms = Window(_SMOOTH_ROWS)

    def resumed(self, step: int, now: float) -> Said:
        self._forget()
        if step > 0 and not self._base:
            self._is_base_lost = True
        return self.clear("The run went on from a checkpoint.", now)

    def step(self, row: Step, now: float) -> Said:
        if not self.facts.is_judged_by_loss or row.loss is None or not math.isfinite(row.loss):
            return None
        fall = self._fall(row, row.loss)
        return self._gradient(row, row.loss, fall, now) or self._judge(row, fall, now)

    def _fall(self, row: Step, loss: float) -> float | None:
        """By what share the loss has fallen since the first rows; None while that cannot be told."""
        if self._is_base_lost:
            return None
        if len(self._base) < _BASE_ROWS:
            total = self.facts.total_steps
            latest = max(_BASE_ROWS, self.limits.learning_base_share * total) if total else math.inf
            if not self._base and row.step > latest:
                self._is_base_lost = True
            self._base.append(loss)
            return None
        mean, base = self._smoothed.add(loss), self._first
        return (base - mean) / base if base > 0 else None

    @property
    def _first(self) -> float:
        return sum(self._base) / len(self._base)

    def _gradient(self, row: Step, loss: float, fall: float | None, now: float) -> Said:
        norm = row.grad_norm
        if norm is None or not math.isfinite(norm):
            return None
        self._norms.add(norm)
        is_zero = norm == 0.0 and loss > self.limits.learning_least_loss
        self._zero = self._zero + 1 if is_zero else 0
        self._losses_at_zero = [*self._losses_at_zero[-_MOST_LOSSES:], loss] if is_zero else []
        if self._zero >= self.limits.learning_zero_rows:
            if self._falls_at_zero():
                return self.clear("The loss falls, whatever norm is logged.", now)
            return self._say(
                "error", row, now, {"grad_norm": 0.0, "rows": self._zero},
                f"The gradient has been exactly zero for {self._zero} steps: nothing is learnt at all.",
            )  # fmt: skip
        is_low = fall is not None and fall < self.limits.learning_done_fall and not self._has_learnt
        if self._is_short() and is_low:
            return self._say(
                "warning", row, now, {"median_grad_norm": self._norms.median, "rows": _SMOOTH_ROWS},
                f"The gradient is next to nothing ({self._norms.median:.2g}): hardly anything is learnt.",
            )  # fmt: skip
        return None

    def _falls_at_zero(self) -> bool:
        """True when the later half of the losses without a gradient is clearly below the earlier one."""
        half = len(self._losses_at_zero) // 2
        early, late = self._losses_at_zero[:half], self._losses_at_zero[half:]
        if not early:
            return False
        fall = fmean(early) - fmean(late)
        error = math.sqrt(pvariance(early) / len(early) + pvariance(late) / len(late))
        return fall > max(self.limits.learning_noise * error, self.limits.learning_fall * abs(fmean(early)))

    def _is_short(self) -> bool:
        return len(self._norms) == _SMOOTH_ROWS and self._norms.median < self.limits.learning_norm

    def _judge(self, row: Step, fall: float | None, now: float) -> Said:
        total, limits = self.facts.total_steps, self.limits
        if fall is None or not total or self._smoothed.count < limits.learning_rows:
            return None
        mean = self._smoothed.mean
        least = max(
            limits.learning_done_fall, limits.learning_noise * self._smoothed.mean_noise / self._first
        )
        self._has_learnt = self._has_learnt or fall >= least
        if fall >= limits.learning_clear_fall and not self._zero:
            return self.clear(f"The loss has fallen to {mean:.3g}.", now)
        if row.step < self.facts.warmup_steps + limits.learning_share * total:
            return None
        self._flat = self._flat + 1 if fall < limits.learning_fall and not self._has_learnt else 0
        if self._flat < limits.learning_flat_rows:
            return None
        message = (
            f"After {row.step} of {total} steps the loss is {mean:.3g}; it began at {self._first:.3g}: "
            "it hardly learns."
        )
        evidence: Evidence = {
            "loss": round(mean, 6), "first_loss": round(self._first, 6), "fall": round(fall, 5),
            "noise_between_steps": round(self._smoothed.noise, 6),
        }  # fmt: skip
        return self._say("warning", row, now, evidence, message)

    def _say(self, level: Level, row: Step, now: float, evidence: Evidence, message: str) -> Said:
        known: Evidence = evidence | {"learning_rate": row.learning_rate}
        return self.find(level, message, now, step=row.step, evidence=known, fixes=self._fixes())

    def _fixes(self) -> list[Fix]:
        spec = self.facts.spec
        if spec is None:
            return []
        if self._zero:
            return fitting(self._all_linear(spec), _see_mask(spec))
        rate, usual = spec.training.learning_rate, usual_rate(spec)
        return fitting(
            self._all_linear(spec),
            change(
                self.facts, "usual_rate", f"Begin again at the usual learning rate of {usual:g}", "restart",
                [f"training.learning_rate={usual:g}"],
            ) if rate is not None and rate < usual else None,
            change(
                self.facts, "more_rank", "Begin again with twice the rank", "restart",
                [f"method.rank={(spec.method.rank or 0) * 2}", f"method.alpha={(spec.method.rank or 0) * 4}"],
            ) if spec.method.kind == "lora" and (spec.method.rank or 999) <= _MUCH_RANK else None,
        )  # fmt: skip

    def _all_linear(self, spec: RunSpec) -> Fix | None:
        if spec.method.targets in (None, "all-linear"):
            return None
        return change(
            self.facts, "all_linear", "Begin again with all linear layers as targets", "restart",
            ["method.targets=all-linear"],
        )  # fmt: skip


def _see_mask(spec: RunSpec) -> Fix | None:
    data, model = spec.data.train, spec.model.id
    if not isinstance(data, str) or model is None:
        return None
    line = f"tui-ft data {shlex.quote(data)} --model {shlex.quote(model)} --row 1"
    return command("mask", "See which tokens are learnt from", line)


class Plateau(Detector):
    """The smoothed loss has not got lower for a good part of the run: a note, for money may be saved."""

    code = "plateau"

    def __init__(self, facts: RunFacts, limits: Thresholds) -> None:
        super().__init__(facts, limits)
        self._forget()

    def _forget(self) -> None:
        self._smoothed = Smoothed(max(50.0, self.limits.plateau_rows / 4))
        self._best = math.inf
        self._best_step = 0
        self._rows_since = 0
        self._peak_rate = 0.0

    def resumed(self, step: int, now: float) -> Said:
        self._forget()
        return self.clear("The run went on from a checkpoint.", now)

    def step(self, row: Step, now: float) -> Said:
        if (
            row.loss is None
            or not math.isfinite(row.loss)
            or not self.facts.is_judged_by_loss
            or row.loss < 0
        ):
            return None
        total, rate = self.facts.total_steps, row.learning_rate
        mean = self._smoothed.add(row.loss)
        self._peak_rate = max(self._peak_rate, rate or 0.0)
        if mean < self._best * (1.0 - self.limits.plateau_fall):
            self._best, self._best_step, self._rows_since = mean, row.step, 0
            return self.clear(f"The loss falls again: {mean:.3g}.", now)
        self._rows_since += 1
        if not total or self._rows_since < self.limits.plateau_rows:
            return None
        flat = row.step - self._best_step
        is_done = rate is not None and rate < self.limits.plateau_rate_share * self._peak_rate
        if flat < self.limits.plateau_share * total or is_done or self._best < self.limits.plateau_least_loss:
            return None
        message = (
            f"The loss has not fallen below {self._best:.3g} since step {self._best_step} ({flat} steps)."
        )
        evidence: Evidence = {
            "lowest_loss": round(self._best, 6), "loss": round(mean, 6), "lowest_at_step": self._best_step,
            "flat_steps": flat, "learning_rate": rate,
        }  # fmt: skip
        return self.find("note", message, now, step=row.step, evidence=evidence)
