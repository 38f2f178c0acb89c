"""How often a run says something."""

from __future__ import annotations

from itertools import pairwise
from statistics import median

from tui_ft.watch.series import Series

_RECENT = 50


def usual_gap(times: Series) -> float | None:
    """The median of the last gaps between two points, in seconds; `times` are unix times by step."""
    count = len(times)
    recent = [times.values[at] for at in range(max(0, count - _RECENT), count)]
    gaps = [after - before for before, after in pairwise(recent) if after >= before]
    return median(gaps) if gaps else None
