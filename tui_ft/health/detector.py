"""What all detectors are: hooks for what they look at, and one open finding at most."""

from __future__ import annotations

import math
from typing import ClassVar, NamedTuple

from tui_ft.health.facts import RunFacts
from tui_ft.health.finding import Code, Evidence, Finding, Fix, Level, Scalar
from tui_ft.health.rows import Evaluation, Machine, Step
from tui_ft.health.thresholds import Thresholds


class Cleared(NamedTuple):
    """What was found is over; `message` says by what it was seen. `time` in unix seconds."""

    code: Code
    message: str
    time: float


Said = Finding | Cleared | None

RANK: dict[Level, int] = {"note": 0, "warning": 1, "error": 2}
"""How bad a level is."""


def plain(value: Scalar | list[Scalar]) -> Scalar | list[Scalar]:
    """A number that JSON cannot say as the word for it."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return _plain(value)


def _plain(value: Scalar) -> Scalar:
    if not isinstance(value, float) or math.isfinite(value):
        return value
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


class Detector:
    """Looks at rows as they come, at a constant cost each. A detector overrides the hooks that it needs.

    `now` (unix seconds) is when a row was written, `monotonic` a clock that nobody sets.
    """

    code: ClassVar[Code]

    def __init__(self, facts: RunFacts, limits: Thresholds) -> None:
        self.facts = facts
        self.limits = limits
        self.open: Finding | None = None

    def step(self, row: Step, now: float) -> Said:
        """A training step was written."""
        return None

    def evaluation(self, row: Evaluation, now: float) -> Said:
        """An evaluation was written."""
        return None

    def machine(self, seen: Machine) -> Said:
        """The box was looked at."""
        return None

    def phase(self, name: str, now: float, detail: str = "") -> Said:
        """The trainer entered a phase."""
        return None

    def checkpoint(self, step: int, gib: float, blocked_s: float | None, now: float) -> Said:
        """A checkpoint is whole."""
        return None

    def warning(self, code: str, message: str, step: int | None, evidence: Evidence, now: float) -> Said:
        """The trainer said that something is not well."""
        return None

    def resumed(self, step: int, now: float) -> Said:
        """An attempt began at `step`: later rows that were read before are void."""
        return None

    def tick(self, now: float, monotonic: float) -> Said:
        """Time went by; about once a second."""
        return None

    def ended(self, cause: str, message: str, tail: str, now: float) -> Said:
        """The trainer is gone; `tail` is the end of what it printed."""
        return None

    # --- what detectors say with ---------------------------------------------------------------------

    def find(
        self,
        level: Level,
        message: str,
        now: float,
        *,
        step: int | None = None,
        evidence: Evidence | None = None,
        fixes: list[Fix] | None = None,
        again: bool = False,
    ) -> Finding | None:
        """Open a finding, or raise its level; what is open already is said again only with `again`.

        `Finding.time` is since when it is so, also where it has become worse.
        """
        before = self.open
        if before is not None and RANK[level] <= RANK[before.level] and not again:
            return None
        since = before.time if before is not None else now
        self.open = Finding(
            code=self.code,
            level=level,
            message=message,
            time=round(since, 3) if math.isfinite(since) else 0.0,
            step=step,
            evidence={name: plain(value) for name, value in (evidence or {}).items()},
            fixes=fixes or [],
        )
        return self.open

    def clear(self, message: str, now: float) -> Cleared | None:
        """Close what is open."""
        if self.open is None:
            return None
        self.open = None
        return Cleared(self.code, message, round(now, 3) if math.isfinite(now) else 0.0)
