"""Times as people say them."""

from __future__ import annotations

LONGEST_S = 1e10
"""Three hundred years."""


def spoken(seconds: float) -> str:
    """A duration as it is said: 40 s, 15 min, 2 h 10 min, 3 days; – for one that cannot be."""
    if not abs(seconds) < LONGEST_S:
        return "–"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{hours // 24} days {hours % 24} h"
