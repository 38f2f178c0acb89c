"""From one x axis of a run to another: steps, seconds, tokens, and the clock of its hardware samples."""

from __future__ import annotations

from tui_ft.watch.axes import Clock, X, origin
from tui_ft.watch.reading import Reading
from tui_ft.watch.series import Series


class Ruler:
    """Translates places on the x axis of a run; what the run does not know is None.

    It is kept while the run is watched: `take` the newest reading of it before use.
    """

    def __init__(self, reading: Reading) -> None:
        self._clocks: dict[X, Clock] = {}
        self._begun: float | None = None
        self.take(reading)

    def take(self, reading: Reading) -> None:
        """Go on with a newer reading."""
        self._reading = reading
        begun = origin(reading)
        for x in tuple(self._clocks):
            table, clock = self._table(x), self._clocks[x]
            if clock.series is not table or (x == "time" and begun != self._begun):
                del self._clocks[x]
            else:
                clock.update()
        self._begun = begun

    def knows(self, x: X) -> bool:
        """True when the run's series can be drawn along `x`."""
        table = self._table(x)
        return x == "step" or (
            table is not None and len(table) > 0 and (x != "time" or self._begun is not None)
        )

    def from_step(self, step: float, x: X) -> float | None:
        """Where a step lies on the axis `x`: seconds since the start of the run, or tokens."""
        clock = self._clock(x)
        return step if x == "step" else None if clock is None else clock.at(step)

    def to_step(self, place: float, x: X) -> float | None:
        """The step that lies at a place on the axis `x`, between two known ones on the line between them."""
        if x == "step":
            return place
        clock = self._clock(x)
        if clock is None:
            return None
        steps, low, high = clock.series.steps, 0, len(clock.series)
        while low < high:
            middle = (low + high) // 2
            if clock.at(steps[middle]) < place:
                low = middle + 1
            else:
                high = middle
        last = len(clock.series) - 1
        if low == 0 or low > last:
            return steps[min(low, last)]
        before, behind = clock.at(steps[low - 1]), clock.at(steps[low])
        share = (place - before) / (behind - before) if behind > before else 1.0
        return steps[low - 1] + (steps[low] - steps[low - 1]) * share

    def on_hardware(self, place: float, x: X) -> float | None:
        """The seconds since `hardware_origin` at a place on the axis `x`."""
        started = self._hardware_origin()
        if started is None or self._begun is None:
            return None
        step = None if x == "time" else self.to_step(place, x)
        seconds = place if x == "time" else None if step is None else self.from_step(step, "time")
        return None if seconds is None else seconds + self._begun - started

    def _hardware_origin(self) -> float | None:
        reading = self._reading
        if reading.hardware_origin is not None:
            return reading.hardware_origin
        return reading.memory.origin if reading.memory is not None else None

    def _table(self, x: X) -> Series | None:
        """The series that says what x was at a step."""
        return self._reading.times if x == "time" else self._reading.series.get("tokens")

    def _clock(self, x: X) -> Clock | None:
        if x == "step" or not self.knows(x):
            return None
        if x not in self._clocks:
            table = self._table(x)
            if table is None:
                return None
            begun = self._begun or 0.0 if x == "time" else 0.0
            self._clocks[x] = Clock(table, begun, adds_up=x == "tokens")
        return self._clocks[x]
