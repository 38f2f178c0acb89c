"""A GPU that is clocked down: by heat, by its power supply, by its power limit (T12)."""

from __future__ import annotations

from collections import Counter, deque

from tui_ft.health.detector import Detector, Said
from tui_ft.health.facts import RunFacts
from tui_ft.health.finding import Evidence, Level
from tui_ft.health.fixes import command
from tui_ft.health.rows import Machine, Step
from tui_ft.health.smoothing import Window
from tui_ft.health.thresholds import Thresholds

POWER_LIMIT = "power limit"
"""A card at full work runs into its power limit as a rule: alone it is no trouble."""
_PACE_ROWS = 50
"""What a step takes is the median of so many."""


class Throttling(Detector):
    """Over the last minute the GPU was slowed down most of the time; heat and power limit are told apart."""

    code = "throttling"

    def __init__(self, facts: RunFacts, limits: Thresholds) -> None:
        super().__init__(facts, limits)
        self._seen: deque[Machine] = deque(maxlen=600)
        self._calm = Window(_PACE_ROWS)
        self._slowed = Window(_PACE_ROWS)
        self._is_slowed = False

    def resumed(self, step: int, now: float) -> Said:
        self._calm, self._slowed = Window(_PACE_ROWS), Window(_PACE_ROWS)
        return None

    def step(self, row: Step, now: float) -> Said:
        if row.step_s is not None:
            (self._slowed if self._is_slowed else self._calm).add(row.step_s)
        return None

    def machine(self, seen: Machine) -> Said:
        if seen.utilization is None and seen.throttle is None:
            return None
        self._is_slowed = seen.throttle is not None
        self._seen.append(seen)
        while len(self._seen) > 2 and seen.time - self._seen[1].time >= self.limits.throttle_s:
            self._seen.popleft()
        if seen.time - self._seen[0].time < self.limits.throttle_s:
            return None
        reasons = Counter(one.throttle for one in self._seen if one.throttle is not None)
        limited = reasons.pop(POWER_LIMIT, 0) / len(self._seen)
        hot, slower = reasons.total() / len(self._seen), self._slower()
        if hot >= self.limits.throttle_share:
            return self._say(seen, hot, [reason for reason, _ in reasons.most_common()], slower)
        is_slower = slower is not None and slower >= self.limits.throttle_slowdown
        if hot + limited >= self.limits.throttle_share and is_slower:
            return self._say(seen, hot + limited, [POWER_LIMIT], slower)
        was_hot = self.open is not None and self.open.level == "warning"
        if hot + (0.0 if was_hot else limited) < self.limits.throttle_clear_share:
            return self.clear("The GPU is not slowed down by that any more.", seen.time)
        return None

    def _slower(self) -> float | None:
        """By what share steps take longer than before; None while either is not known."""
        if min(len(self._calm), len(self._slowed)) < self.limits.throttle_rows:
            return None
        return self._slowed.median / self._calm.median - 1.0 if self._calm.median else None

    def _say(self, seen: Machine, share: float, reasons: list[str], slower: float | None) -> Said:
        cost = f"; steps take {slower:.0%} longer" if slower is not None and slower > 0 else ""
        heat = f" at {seen.temperature_c:.0f} °C" if seen.temperature_c is not None else ""
        message = f"The GPU is slowed down ({', '.join(reasons)}){heat}{cost}."
        evidence: Evidence = {
            "reasons": list(reasons), "share": round(share, 2), "temperature_c": seen.temperature_c,
            "power_w": round(seen.power_w) if seen.power_w is not None else None,
            "slower": round(slower, 3) if slower is not None else None,
        }  # fmt: skip
        level: Level = "note" if reasons == [POWER_LIMIT] else "warning"
        look = command("clocks", "See what slows it down", "nvidia-smi -q -d PERFORMANCE,TEMPERATURE,POWER")
        return self.find(level, message, seen.time, evidence=evidence, fixes=[look])
