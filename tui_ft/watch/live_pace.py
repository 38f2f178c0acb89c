"""The pace of a run whose own files tell no times, from what was seen of it while it was watched."""

from __future__ import annotations

from collections import deque

from tui_ft.watch.reading import Reading

KEPT = 64
LEAST_S, LEAST_STEPS = 5.0, 2
"""A pace is told only after so long, and so many steps: the first steps may have come in one piece."""


class LivePace:
    """Takes reading after reading of one run; a step that goes back, or a long pause, begins anew."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque(maxlen=KEPT)

    def take(self, reading: Reading, now: float) -> None:
        """Note where the run is at `now` (unix seconds)."""
        step = reading.step
        if step is None or reading.status != "running" or not reading.is_complete:
            self._seen.clear()
            return
        if self._seen and (step < self._seen[-1][1] or now < self._seen[-1][0]):
            self._seen.clear()
        if not self._seen or step > self._seen[-1][1]:
            self._seen.append((now, step))

    def seconds_per_step(self) -> float | None:
        """The pace between the first and the newest new step that was seen; None while it is not known."""
        # where it was when it was opened says nothing: that step may be minutes old
        seen = list(self._seen)[1:]
        if len(seen) < 2:
            return None
        seconds, steps = seen[-1][0] - seen[0][0], seen[-1][1] - seen[0][1]
        return seconds / steps if seconds >= LEAST_S and steps >= LEAST_STEPS else None
