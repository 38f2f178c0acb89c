"""NaN and infinity in loss or gradient: seen by the trainer itself, and by whoever reads its rows (T3)."""

from __future__ import annotations

import math

from tui_ft.health.detector import RANK, Detector, Said, plain
from tui_ft.health.finding import Evidence, Fix, How, Level
from tui_ft.health.fixes import calmer, change, fitting
from tui_ft.health.rows import Evaluation, Step

_WIDE = frozenset({"bfloat16", "float32"})
"""Arithmetic without a scaler: a gradient that is not finite is none of its searches."""
_MOST_WORDS = 5
"""So often it is said at once when it comes again."""
_SAID_AGAIN_S = 60.0
"""A run that is not to stop for it may go on so for a million steps: then it is said once a minute."""


class Nonfinite(Detector):
    """One step without a finite loss is a warning, two in a row are an error.

    fp16's scaler tries out its factor by letting gradients overflow and leaving those steps out: a finite
    loss with an infinite gradient is nothing there, until it has gone on for longer than any search.
    """

    code = "nonfinite"

    def resumed(self, step: int, now: float) -> Said:
        self._in_a_row = self._calm = 0
        self._bad_losses = frozenset()
        if self._good_step is not None and self._good_step > step:
            self._good_step = step
        return self.clear("The run went on from a checkpoint before it.", now)

    _in_a_row = 0
    _calm = 0
    _good_step: int | None = None
    _good_loss: float | None = None
    _words = 0
    _said_at = 0.0
    _bad_losses: frozenset[str] = frozenset()
    """What was not finite when it was last evaluated: only its next evaluation can say that it is over."""

    def step(self, row: Step, now: float) -> Said:
        if row.loss is None and row.grad_norm is None:
            return None
        is_loss_bad = row.loss is not None and not math.isfinite(row.loss)
        is_norm_bad = row.grad_norm is not None and not math.isfinite(row.grad_norm)
        if not is_loss_bad and not is_norm_bad:
            return self._good(row, now)
        self._in_a_row += 1
        self._calm = 0
        if self._is_scaler(row, is_loss_bad):
            return None
        is_lost = is_loss_bad or not row.loss or self.facts.compute in _WIDE
        is_error = self._in_a_row >= self.limits.nonfinite_rows and is_lost
        return self._say("error" if is_error else "warning", row.step, now, self._evidence(row))

    def evaluation(self, row: Evaluation, now: float) -> Said:
        """A training that is finite may still not be so on other rows, in half precision above all."""
        losses = {"held-out": row.eval_loss, "probe": row.probe_loss}
        bad = {what: loss for what, loss in losses.items() if loss is not None and not math.isfinite(loss)}
        silent = {what for what, loss in losses.items() if loss is None}
        was_bad, self._bad_losses = self._bad_losses, frozenset(bad) | (self._bad_losses & silent)
        for what, loss in bad.items():
            evidence: Evidence = {f"{what} loss": plain(loss), "last_finite_loss": self._good_loss}
            message = f"At step {row.step} the {what} loss is {plain(loss)}."
            return self.find(
                "warning", message, now, step=row.step, evidence=evidence, fixes=self._fixes(evidence)
            )
        if was_bad and not self._bad_losses and not self._in_a_row:
            return self.clear(f"The {' and the '.join(sorted(was_bad))} loss is finite again.", now)
        return None

    def warning(self, code: str, message: str, step: int | None, evidence: Evidence, now: float) -> Said:
        """The trainer looked before it moved the weights: it knows more than the rows say."""
        if code != self.code:
            return None
        count = evidence.get("in_a_row", 1)
        is_many = isinstance(count, (int, float)) and count >= self.limits.nonfinite_rows
        level: Level = "error" if is_many or evidence.get("what") == "weights" else "warning"
        before = self.open
        if before is not None and RANK[before.level] > RANK[level]:  # what is worse was said first
            level, message = before.level, before.message
            evidence = evidence | before.evidence
        self._words += 1
        is_new = self._words <= _MOST_WORDS or now - self._said_at >= _SAID_AGAIN_S
        said = self.find(
            level, message, now, step=step, evidence=evidence, fixes=self._fixes(evidence), again=is_new
        )
        self._said_at = now if said is not None else self._said_at
        return said

    def _good(self, row: Step, now: float) -> Said:
        self._in_a_row = 0
        if row.loss is not None and (row.loss != 0.0 or row.grad_norm):
            self._good_step, self._good_loss = row.step, row.loss
        self._calm += 1
        if self._calm >= self.limits.nonfinite_calm_rows and not self._bad_losses:
            return self.clear(f"The last {self._calm} steps were finite.", now)
        return None

    def _is_scaler(self, row: Step, is_loss_bad: bool) -> bool:
        is_fp16 = self.facts.compute == "float16"
        return (
            is_fp16
            and not is_loss_bad
            and bool(row.loss)
            and self._in_a_row < self.limits.nonfinite_scaler_rows
        )

    def _evidence(self, row: Step) -> Evidence:
        return {
            "loss": plain(row.loss),
            "grad_norm": plain(row.grad_norm),
            "in_a_row": self._in_a_row,
            "last_finite_loss": self._good_loss,
            "last_good_step": self._good_step,
            "learning_rate": row.learning_rate,
            "compute": self.facts.compute or None,
        }

    def _say(self, level: Level, step: int, now: float, evidence: Evidence) -> Said:
        what = "loss" if evidence["loss"] in ("NaN", "Infinity", "-Infinity") else "gradient norm"
        value = evidence["loss" if what == "loss" else "grad_norm"]
        rows = f", {self._in_a_row} steps in a row" if self._in_a_row > 1 else ""
        before = f"; the last good step was {self._good_step}" if self._good_step is not None else ""
        message = f"At step {step} the {what} is {value}{rows}{before}."
        # the trainer's own word on the same step has more in it: do not say less after it
        if self.open is not None and "rows" in self.open.evidence:
            evidence = self.open.evidence | {"in_a_row": self._in_a_row}
        return self.find(level, message, now, step=step, evidence=evidence, fixes=self._fixes(evidence))

    def _fixes(self, evidence: Evidence) -> list[Fix]:
        good = evidence.get(
            "last_good_checkpoint" if "last_good_checkpoint" in evidence else "last_good_step"
        )
        spec = self.facts.spec
        if spec is None:
            return []
        good_step = good if isinstance(good, int) and good > 0 else None
        wider = self._wider(good_step) if self.facts.compute == "float16" else None
        kernel = None
        if spec.model.attention == "flash_attention_2":
            kernel = change(
                self.facts, "attention", "Begin again with the sdpa attention kernel", "restart",
                ["model.attention=sdpa"],
            )  # fmt: skip
        return fitting(wider, kernel, *calmer(self.facts, good_step))

    def _wider(self, good_step: int | None) -> Fix | None:
        to = "bf16" if self.facts.has_bf16 else "fp32"
        title = f"{'Go on from before it' if good_step else 'Begin again'} in {to}, whose range is wider"
        how: How = "resume_before" if good_step else "restart"
        return change(self.facts, "wider_numbers", title, how, [f"training.precision={to}"], good_step)
