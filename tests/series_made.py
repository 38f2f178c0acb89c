"""Series and readings made in place, for the tests of panels and charts."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable
from typing import Any

from tui_ft.watch.reading import Reading
from tui_ft.watch.series import Series


def series_of(values: Iterable[float], *, first: float = 1.0, by: float = 1.0) -> Series:
    """A series of these values at steps `first`, `first + by`, …"""
    series = Series()
    for place, value in enumerate(values):
        series.add(first + place * by, value)
    series.settle()
    return series


def noisy(count: int, seed: int = 3) -> list[float]:
    """A loss that falls, with noise and now and then no number."""
    source = random.Random(seed)
    return [
        math.nan if source.random() < 0.02 else 3 * math.exp(-i / 90) + source.gauss(0.5, 0.1)
        for i in range(count)
    ]


def reading_of(**changes: Any) -> Reading:
    """A reading of another's run with these series and facts."""
    known: dict[str, Any] = {"source": "wandb", "title": "run", "path": "/runs/run", "status": "running"}
    return Reading(**{**known, **changes})
