"""Gradients that are suddenly many times longer than usual (T4)."""

from __future__ import annotations

import math
from collections import deque

from tui_ft.health.detector import Detector, Said
from tui_ft.health.facts import RunFacts
from tui_ft.health.finding import Evidence
from tui_ft.health.fixes import calmer_words, change, fitting, half_rate
from tui_ft.health.rows import Step
from tui_ft.health.smoothing import Window
from tui_ft.health.thresholds import Thresholds


class GradientSpikes(Detector):
    """One spike is a note, with its step; several within a hundred steps are a warning."""

    code = "grad_spikes"

    def __init__(self, facts: RunFacts, limits: Thresholds) -> None:
        super().__init__(facts, limits)
        self._forget()

    def _forget(self) -> None:
        self._norms = Window(int(self.limits.spike_window))
        self._spikes: deque[int] = deque(maxlen=int(self.limits.spike_count) + 20)

    def resumed(self, step: int, now: float) -> Said:
        self._forget()
        return self.clear("The run went on from a checkpoint.", now)

    def step(self, row: Step, now: float) -> Said:
        norm = row.grad_norm
        if norm is None or not math.isfinite(norm):
            return None
        while self._spikes and row.step - self._spikes[0] >= self.limits.spike_steps:
            self._spikes.popleft()
        median = self._norms.median
        is_spike = len(self._norms) >= self.limits.spike_least_rows and self._is_spike(norm, median)
        self._norms.add(norm)
        if is_spike:
            self._spikes.append(row.step)
            return self._say(row, norm, median, now)
        if not self._spikes:
            return self.clear(f"No gradient spike in {self.limits.spike_steps:.0f} steps.", now)
        return None

    def _is_spike(self, norm: float, median: float) -> bool:
        if norm > self.limits.spike_norm and norm > self.limits.spike_long_ratio * median:
            return True
        # what clipping would not even touch is harmless, however short the others are
        return norm > self.limits.spike_ratio * median and norm > self.limits.spike_clips * max(
            self.facts.max_grad_norm, 1.0
        )

    def _say(self, row: Step, norm: float, median: float, now: float) -> Said:
        count = len(self._spikes)
        is_many = count > self.limits.spike_count
        times = f"{count} times in {self.limits.spike_steps:.0f} steps, last" if count > 1 else "once,"
        message = (
            f"The gradient jumped {times} at step {row.step}: its norm was {norm:.3g}, usual is {median:.3g}."
        )
        evidence: Evidence = {
            "grad_norm": round(norm, 4),
            "median_norm": round(median, 4),
            "clipped_to": self.facts.max_grad_norm or None,
            "steps": list(self._spikes),
            "loss": row.loss if row.loss is not None and math.isfinite(row.loss) else None,
            "learning_rate": row.learning_rate,
        }
        again = self.open is not None and self.open.level == ("warning" if is_many else "note")
        fixes = []
        if is_many:
            rate = half_rate(self.facts)
            fixes = fitting(
                change(self.facts, "half_rate", f"Go on at {calmer_words(self.facts)}", "resume", rate)
                if rate
                else None
            )
        return self.find(
            "warning" if is_many else "note", message, now,
            step=row.step, evidence=evidence, fixes=fixes, again=again and count in (2, 5, 10, 20),
        )  # fmt: skip
