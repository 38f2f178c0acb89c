"""A clock that was set, or a machine that slept: times of rows before and after do not belong together."""

from __future__ import annotations

from tui_ft.health.detector import Detector, Said
from tui_ft.health.finding import Evidence, Level


class ClockJump(Detector):
    """Wall clock against a clock that nobody sets, and that stands still while the machine sleeps."""

    code = "clock_jump"
    _offset: float | None = None
    _jumped_at: float | None = None

    def tick(self, now: float, monotonic: float) -> Said:
        offset = now - monotonic
        before, self._offset = self._offset, offset
        if self.open is not None and self._jumped_at is None:  # found by an earlier watcher
            self._jumped_at = monotonic
        if before is None:
            return None
        jump = offset - before
        if abs(jump) >= self.limits.clock_s:
            self._jumped_at = monotonic
            return self._say(now, jump)
        if self._jumped_at is not None and monotonic - self._jumped_at >= self.limits.clock_clear_s:
            self._jumped_at = None
            return self.clear(f"The clock has been steady for {_span(self.limits.clock_clear_s)}.", now)
        return None

    def _say(self, now: float, jump: float) -> Said:
        way = "forward" if jump > 0 else "back"
        sleep = ", or the machine slept" if jump > 0 else ""
        message = f"The clock went {way} by {_span(abs(jump))}{sleep}: times before and after do not compare."
        evidence: Evidence = {"jump_s": round(jump, 1), "clock_after": round(now, 1)}
        level: Level = "warning" if abs(jump) >= self.limits.clock_warning_s else "note"
        return self.find(level, message, now, evidence=evidence, again=True)


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
