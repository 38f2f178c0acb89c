"""One simulation in the background: how far it is, how it is stopped, and what it found."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

from tui_ft.tui import method_facts
from tui_ft.tui.gpu_seats import Seat

if TYPE_CHECKING:
    from tui_ft.guide.compare import MethodRow
    from tui_ft.hardware.gpu import GpuReading
    from tui_ft.vram.find_model import Found
    from tui_ft.vram.result import Estimate


class ExactJob:
    """Runs the simulation of one row in a thread; `progress` is a sentence that can be read at any moment."""

    def __init__(self, row: MethodRow, found: Found, seat: Seat, reading: GpuReading) -> None:
        self.row = row
        self.was_called_off = False
        self._found = found
        self._seat = seat
        self._reading = reading
        self._cancelled = threading.Event()
        self._at = ""

    @property
    def progress(self) -> str:
        """What the simulation does now."""
        if self._cancelled.is_set():
            return f"Stopping the simulation of {self.row.label} …"
        return f"Simulating {self.row.label} with the trainer's code{self._at} …  x cancels"

    def call_off(self) -> None:
        """End the simulation because the user wants it: what it then complains about is no news."""
        self.was_called_off = True
        self.cancel()

    def cancel(self) -> None:
        """Ask the simulation to end; `run` then raises soon."""
        self._cancelled.set()

    async def run(self) -> Estimate:
        """Return the simulated estimate. Raises `TuiFtError` for what cannot be simulated."""
        return await asyncio.to_thread(
            method_facts.simulate,
            self.row,
            self._found,
            self._seat,
            self._reading,
            self._note,
            self._cancelled.is_set,
        )

    def _note(self, step: str, done: int, total: int) -> None:
        self._at = f": {step}" + (f" {done} of {total}" if total > 1 else "")
