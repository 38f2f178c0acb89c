"""What happened in a run besides its numbers, as marks on the x axis of its charts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from tui_ft.watch.reading import Reading

MarkKind = Literal["evaluation", "checkpoint", "warning", "restart"]

RANK: tuple[MarkKind, ...] = ("evaluation", "checkpoint", "warning", "restart")
"""Where several fall into one column the last of these is shown."""

MOST = 400
"""Marks of one kind that are kept, spread over the run: no chart is wider."""


@dataclass(frozen=True, kw_only=True)
class EventMark:
    """Something that happened at a step."""

    kind: MarkKind
    step: float


def marks_of(reading: Reading) -> tuple[EventMark, ...]:
    """Return the evaluations, checkpoints, warnings and restarts of a run, by kind and step."""
    steps: dict[MarkKind, list[float]] = {
        "evaluation": _evaluations(reading),
        "checkpoint": sorted({*reading.checkpoint_steps, *(kept.step for kept in reading.checkpoints)}),
        "warning": _warnings(reading),
        "restart": list(reading.restart_steps),
    }
    return tuple(
        EventMark(kind=kind, step=step)
        for kind in RANK
        for step in _thinned(steps[kind])
        if math.isfinite(step)
    )


def _evaluations(reading: Reading) -> list[float]:
    series = reading.series.get("eval_loss")
    if series is None:
        found = [one for name, one in reading.series.items() if name.startswith("eval_")]
        series = max(found, key=len, default=None)
    if series is None:
        return []
    count = len(series)
    stride = max(-(-count // MOST), 1)
    return [series.steps[index] for index in range(0, count, stride)]


def _warnings(reading: Reading) -> list[float]:
    """A warning says when, not at which step: that of the last point before it."""
    times, count = reading.times, len(reading.times)
    if not count or not reading.warnings:
        return []
    steps = set()
    for warning in reading.warnings[-MOST:]:
        low, high = 0, count
        while low < high:
            middle = (low + high) // 2
            if times.values[middle] <= warning.time:
                low = middle + 1
            else:
                high = middle
        steps.add(times.steps[max(low - 1, 0)])
    return sorted(steps)


def _thinned(steps: list[float]) -> list[float]:
    stride = max(-(-len(steps) // MOST), 1)
    return steps[::stride]
