"""The newest training rows of a run: where they stand, and how long a step takes."""

from __future__ import annotations

from collections import deque
from pathlib import Path

import msgspec

from tui_ft.runs.line_following import LineFollower
from tui_ft.runs.records import decode_metrics, number

LEAST_STEPS = 10
"""Before so many the first ones, which are slow, say nothing of the rest (facts: domain, i)."""

RECENT_STEPS = 200
"""The pace is that of so many: a run slows down with its rows, a machine with its neighbours."""

_TAIL_BYTES = 1 << 17
"""Room for some 400 rows."""


class RecentSteps:
    """`step` is the newest one, `steps_per_epoch` what the trainer says; both None before the first row."""

    def __init__(self, path: Path) -> None:
        self._rows = LineFollower(path, _TAIL_BYTES)
        self._step_s: deque[float] = deque(maxlen=RECENT_STEPS)
        self._gaps_s: deque[float] = deque(maxlen=RECENT_STEPS)
        self._time: float | None = None
        self.step: int | None = None
        self.steps_per_epoch: float | None = None

    def read(self) -> None:
        """Read what is new. Never raises for what the file holds."""
        for line in self._rows.lines():
            try:
                row = decode_metrics(line)
            except (msgspec.DecodeError, UnicodeDecodeError):
                continue
            step, at = row.get("step"), number(row.get("time"))
            if not isinstance(step, int) or isinstance(step, bool) or at is None or "loss" not in row:
                continue
            self._row(step, at, number(row.get("step_s")), number(row.get("epoch")))

    def _row(self, step: int, at: float, step_s: float | None, epoch: float | None) -> None:
        if self.step is not None and self._time is not None and step > self.step and at >= self._time:
            self._gaps_s.append((at - self._time) / (step - self.step))
        else:  # the first one, or an earlier checkpoint was gone back to
            self._gaps_s.clear()
            self._step_s.clear()
        if step_s is not None and 0 <= step_s < float("inf"):
            self._step_s.append(step_s)
        if epoch is not None and 0 < epoch < float("inf"):
            self.steps_per_epoch = step / epoch
        self.step, self._time = step, at

    def pace(self, beside_s: float) -> float | None:
        """Seconds a step; `beside_s` is each one's share of evaluations and saves."""
        if len(self._step_s) >= LEAST_STEPS - 1:
            return sorted(self._step_s)[len(self._step_s) // 2] + beside_s
        return (
            sum(self._gaps_s) / len(self._gaps_s) if self._gaps_s else None
        )  # with everything that fell in between
