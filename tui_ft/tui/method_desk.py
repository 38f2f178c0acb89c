"""What the Method screen has before it: a spec and where it came from, a model, and the GPU looked at."""

from __future__ import annotations

from tui_ft.hardware.gpu import GpuReading
from tui_ft.spec.run_spec import RunSpec
from tui_ft.tui import method_facts
from tui_ft.tui.gpu_seats import Seat, own_seat, seats
from tui_ft.vram.find_model import Found
from tui_ft.vram.result import Estimate


class Desk:
    """The state of the screen. Nothing here blocks or draws.

    `before` are the specs that came before this one, for undo; `simulated` is what exact mode found, by
    the fingerprint of the spec.
    """

    def __init__(self, spec: RunSpec) -> None:
        self.spec = spec
        self.before: list[RunSpec] = []
        self.found: Found | None = None
        self.reading: GpuReading | None = None
        self.seat = Seat()
        self.simulated: dict[bytes, Estimate] = {}
        self._pointed: str | None = None

    @property
    def first(self) -> RunSpec:
        """The spec that the screen was opened with."""
        return self.before[0] if self.before else self.spec

    def settle(self, spec: RunSpec, found: Found) -> None:
        """Go over to `spec`, whose model was found; a length beyond its context is cut."""
        spec = method_facts.within_context(spec, found.shape)
        if self.found is not None and spec != self.spec:
            self.before.append(self.spec)
        self.spec, self.found = spec, found

    def change(self, spec: RunSpec) -> None:
        """Go over to another spec for the same model."""
        self.before.append(self.spec)
        self.spec = spec

    def undo(self) -> bool:
        """Take the last change back. True when the model is another one now, which has to be found."""
        spec = self.before.pop()
        is_other_model = spec.model != self.spec.model
        self.spec = spec
        return is_other_model

    def take(self, reading: GpuReading) -> bool:
        """Go over to a new reading. True when it changes a number."""
        is_first, self.reading = self.reading is None, reading
        seat = self._seat_now(reading)
        is_new, self.seat = seat != self.seat, seat
        return is_first or is_new

    def _seat_now(self, reading: GpuReading) -> Seat:
        if self._pointed is not None:
            for seat in seats(reading):
                if self._pointed in (seat.uuid, seat.name):
                    return seat
        return own_seat(self.spec, reading)

    def turn(self, by: int) -> None:
        """Point at the GPU that is `by` places further; at the one that the run gets anyway: at none."""
        if self.reading is None:
            return
        found = seats(self.reading)
        at = next((place for place, seat in enumerate(found) if self.seat.is_same(seat)), None)
        if at is None:  # there is none yet: the first, or the last
            at = 0 if by < 0 else -1
        seat = found[(at + by) % len(found)]
        own = own_seat(self.spec, self.reading)
        self._pointed = None if seat.is_same(own) else seat.uuid or seat.name
