"""How long a run still takes, from the steps it has done."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tui_ft.watch.series import Series

RECENT_STEPS = 100
"""The pace is taken over so many steps: evaluations and checkpoints among them count, old pauses do not."""
_LAST_MOMENT = 253_402_300_800.0 - 86_400.0
"""The end of the year 9999, less a day for the time zones."""
_MOST_STEPS = 10**15
_LONGEST_S = 100_000 * 86_400.0


def seconds_per_step(times: Series, since_step: float = 0.0) -> float | None:
    """The pace of the last steps, from a series of unix times by step; None while it is not known."""
    count = len(times)
    start = max(count - 1 - RECENT_STEPS, times.index(since_step))
    if count - 1 - start < 1:
        return None
    seconds = times.values[count - 1] - times.values[start]
    steps = times.steps[count - 1] - times.steps[start]
    return seconds / steps if seconds > 0 and steps > 0 else None


def seconds_left(
    times: Series,
    step: int | None,
    total_steps: int | None,
    since_step: float = 0.0,
    seen_pace: float | None = None,
) -> float | None:
    """How long the steps that are left take at the pace of the last ones; None while it is not known.

    `seen_pace` in seconds a step counts where `times` give none.
    """
    pace = seconds_per_step(times, since_step)
    pace = seen_pace if pace is None else pace
    if pace is None or step is None or total_steps is None or total_steps < step:
        return None
    steps = total_steps - step
    return steps * pace if steps < _MOST_STEPS else None


def duration_label(seconds: float) -> str:
    """Return a duration in at most six characters: 45s, 12m30s, 3h05m, 2d04h; `–` for what is none."""
    if not math.isfinite(seconds) or seconds > _LONGEST_S:
        return "–"
    whole = max(int(seconds + 0.5), 0)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    if whole < 86_400:
        return f"{whole // 3600}h{whole % 3600 // 60:02d}m"
    return f"{whole // 86_400}d{whole % 86_400 // 3600:02d}h"


def clock_label(moment: float, now: float) -> str:
    """Return a moment as local time of day, with the date when it is not today's and its year.

    A moment that no calendar holds, as a damaged file may claim one, is `–`.
    """
    if not 0 <= moment < _LAST_MOMENT:
        return "–"
    then, today = time.localtime(moment), time.localtime(now)
    if then[:3] == today[:3]:
        return time.strftime("%H:%M", then)
    return time.strftime("%d %b %H:%M" if then[0] == today[0] else "%d %b %Y %H:%M", then)
