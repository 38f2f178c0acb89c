"""How the trainer is asked to stop: by signal or by control file, and when it may obey."""

from __future__ import annotations

import signal
from types import FrameType


class StopRequested(BaseException):
    """Raised where there is nothing to save yet; no `except Exception` of a library may swallow it."""


class StopFlag:
    """Remembers that a stop was asked for, and interrupts the main thread while nothing would be lost.

    Before the first step an asked-for stop raises `StopRequested` at once, wherever the main thread
    is. From `defer` on it only sets the flag, which the step edge reads.
    """

    def __init__(self) -> None:
        self.reason: str | None = None
        self._may_interrupt = True

    def __bool__(self) -> bool:
        return self.reason is not None

    def install(self) -> None:
        """Take SIGTERM as a request to save and stop; SIGINT and SIGHUP of a lost terminal do nothing."""
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def defer(self) -> None:
        """From here on a stop waits for the step edge. A stop that came before is obeyed now."""
        self._may_interrupt = False
        self.raise_if_set()

    def disregard(self) -> None:
        """Every step is made: a stop that came with the last one has nothing left to cut short."""
        self.reason = None

    def ignore(self) -> None:
        """The last word is being written: no signal interrupts it any more."""
        signal.signal(signal.SIGTERM, signal.SIG_IGN)

    def request(self, reason: str) -> None:
        """Ask for the stop; the first reason is kept."""
        self.reason = self.reason or reason

    def raise_if_set(self) -> None:
        if self.reason is not None:
            raise StopRequested(self.reason)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.request(signal.Signals(number).name)
        if self._may_interrupt:
            self._may_interrupt = False
            raise StopRequested(self.reason)
