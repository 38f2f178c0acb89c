"""What happened in a run besides its numbers, as marks on the x axis of its charts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from tui_ft.watch.reading import Reading
from tui_ft.watch.series import Series

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


class MarkKeeper:
    """Gives the marks of a run's readings; the same ones, the object too, while nothing was added."""

    def __init__(self) -> None:
        self._state: object = None
        self._known: tuple[EventMark, ...] = ()

    def of(self, reading: Reading) -> tuple[EventMark, ...]:
        """The marks of a reading."""
        evaluated = _evaluated(reading)
        newest = reading.times.steps[-1] if len(reading.times) else None
        latest = max((mark.step for mark in self._known), default=0.0)
        state = (
            newest is not None and newest >= latest,  # only then is it known where the latest lies in time
            id(evaluated), len(evaluated) if evaluated is not None else 0, reading.checkpoint_steps,
            reading.checkpoints, reading.restart_steps, len(reading.warnings),
        )  # fmt: skip
        if state != self._state:
            self._state, self._known = state, marks_of(reading)
        return self._known


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


def _evaluated(reading: Reading) -> Series | None:
    """The series by which it is known when the run was evaluated."""
    series = reading.series.get("eval_loss")
    if series is None:
        found = [one for name, one in reading.series.items() if name.startswith("eval_")]
        series = max(found, key=len, default=None)
    return series


def _evaluations(reading: Reading) -> list[float]:
    series = _evaluated(reading)
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
