"""The same curve over another x: the time since the run began, or the tokens it had seen."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from typing import Literal, overload

from tui_ft.watch.reading import Reading
from tui_ft.watch.series import Curve, Series

X = Literal["step", "time", "tokens"]


def origin(reading: Reading) -> float | None:
    """The unix time at which x is 0 for "time": the run's start, else its first step; None: not known."""
    first = reading.times.first
    begun = [moment for moment in (reading.started_at, first[1] if first is not None else None) if moment]
    known = [moment for moment in begun if math.isfinite(moment)]
    return min(known, default=None)


def along(series: Curve, reading: Reading, x: X) -> Curve | None:
    """`series`, which runs over steps, over `x`: seconds since `origin`, or tokens seen; None: not known.

    What is returned reads on as the run does; `Along.update` takes what is new where that needs work.
    """
    if x == "step":
        return series
    if x == "tokens":
        tokens = reading.series.get("tokens")
        return Along(series, Clock(tokens, adds_up=True)) if tokens is not None and len(tokens) else None
    begun = origin(reading)
    if begun is None or not len(reading.times):
        return None
    return Along(series, Clock(reading.times, begun))


class Clock:
    """What x was at a step, from a series that grows: its values less `begun`.

    A series that falls is made to rise: a time that went back stands still, and where `adds_up`, a count
    that began anew (tokens after a resume) goes on from where it was.
    """

    def __init__(self, series: Series, begun: float = 0.0, *, adds_up: bool = False) -> None:
        self.series = series
        self.rewrites = 0
        self._begun = begun
        self._adds_up = adds_up
        self._checked = 0
        self._seen = series.rewrites
        self._raised: array[float] | None = None
        self.update()

    def update(self) -> None:
        """Look at what is new in the series."""
        if self._seen != self.series.rewrites:
            self._seen, self._checked = self.series.rewrites, 0
            self._raised = None
            self.rewrites += 1
        if self._raised is None and not self.series.is_rising(self._checked):
            self._raised = array("d")
            self.rewrites += 1
        self._checked = len(self.series)
        if self._raised is not None:
            self._raise(self._raised)

    def _raise(self, raised: array[float]) -> None:
        """Append what is new, so that it never falls."""
        start, before = len(raised), raised[-1] if raised else -math.inf
        previous = self.series.values[start - 1] if start else -math.inf
        for value in self.series.values[start : len(self.series)]:
            if math.isfinite(value):
                grown = value - previous if value >= previous else value
                is_first = before == -math.inf
                before = value if is_first else before + grown if self._adds_up else max(before, value)
                previous = value
            raised.append(before)

    def at(self, step: float) -> float:
        """x at a step: between two known ones on the line between them, beyond them that of the nearest."""
        values = self._raised if self._raised is not None else self.series.values
        steps, count = self.series.steps, min(len(self.series), len(values))
        place = self.series.index(step)
        if place >= count:
            return values[count - 1] - self._begun
        after = values[place]
        if place == 0 or steps[place] == step:
            return after - self._begun
        before, from_step = values[place - 1], steps[place - 1]
        part = (step - from_step) / (steps[place] - from_step)
        return before + (after - before) * part - self._begun

    def step_at(self, x: float) -> float:
        """About the step at which x is reached; inf where it never is."""
        values = self._raised if self._raised is not None else self.series.values
        steps, count = self.series.steps, min(len(self.series), len(values))
        place = bisect_left(values, x + self._begun, 0, count)
        if place >= count:
            return math.inf
        if place == 0 or values[place] == x + self._begun:
            return steps[place]
        before, after = values[place - 1], values[place]
        part = (x + self._begun - before) / (after - before)
        return steps[place - 1] + (steps[place] - steps[place - 1]) * part


class _Places(Sequence[float]):
    """x of each point, worked out when it is asked for."""

    def __init__(self, series: Curve, clock: Clock) -> None:
        self._series = series
        self._clock = clock

    def __len__(self) -> int:
        return len(self._series)

    @overload
    def __getitem__(self, at: int) -> float: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[float]: ...
    def __getitem__(self, at: int | slice) -> float | Sequence[float]:
        if isinstance(at, int):
            return self._clock.at(self._series.steps[at])
        return [self._clock.at(step) for step in self._series.steps[at]]


class Along:
    """A curve over another x; its points and values are those of the curve it was made of."""

    def __init__(self, series: Curve, clock: Clock) -> None:
        self.source = series
        self.steps: Sequence[float] = _Places(series, clock)
        self._clock = clock

    def update(self) -> None:
        """Take what is new of x; the points themselves are always those of the source."""
        self._clock.update()

    @property
    def values(self) -> Sequence[float]:
        return self.source.values

    @property
    def rewrites(self) -> int:
        return self.source.rewrites + self._clock.rewrites

    @property
    def first(self) -> tuple[float, float] | None:
        return self._moved(self.source.first)

    @property
    def last(self) -> tuple[float, float] | None:
        return self._moved(self.source.last)

    def _moved(self, point: tuple[float, float] | None) -> tuple[float, float] | None:
        return (self._clock.at(point[0]), point[1]) if point is not None else None

    @property
    def nonfinite(self) -> int:
        return self.source.nonfinite

    def __len__(self) -> int:
        return len(self.source)

    def has_gap(self, start: int, end: int) -> bool:
        return self.source.has_gap(start, end)

    def index(self, step: float) -> int:
        place, places = min(self.source.index(self._clock.step_at(step)), len(self)), self.steps
        while place > 0 and places[place - 1] >= step:  # several points may share an x
            place -= 1
        while place < len(self) and places[place] < step:
            place += 1
        return place

    def extent(self, start: int = 0, end: int | None = None) -> tuple[float, float] | None:
        return self.source.extent(start, end)
