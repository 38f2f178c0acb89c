"""How often a run says something."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from tui_ft.watch.series import Series

_RECENT = 50
_LATEST = 1e11
"""The year 5138: a time beyond it is damage, or malice, and no clock could show it."""


def newest(moments: Sequence[float], before: float | None = None) -> float | None:
    """The newest of some unix times and of the one before; what can be no time of a run is passed over."""
    known = [moment for moment in moments if 0.0 < moment < _LATEST]
    if before is not None:
        known.append(before)
    return max(known, default=None)


def usual_gap(times: Series) -> float | None:
    """The median of the last gaps between two points, in seconds; `times` are unix times by step."""
    count = len(times)
    recent = [times.values[at] for at in range(max(0, count - _RECENT), count)]
    gaps = [after - before for before, after in pairwise(recent) if after >= before]
    return median(gaps) if gaps else None
