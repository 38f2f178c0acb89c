"""How the trainer is asked to stop: by signal or by control file, and what a stop interrupts at once."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class StopRequested(BaseException):
    """Raised where there is nothing to save yet; no `except Exception` of a library may swallow it."""


class StepInterrupted(BaseException):
    """Raised in the middle of a step, before its update: the step is thrown away, the one before it saved."""


class EvaluationInterrupted(BaseException):
    """Raised in the middle of an evaluation, which is given up."""


class StopFlag:
    """Remembers that a stop was asked for, and interrupts the main thread where nothing is lost by it.

    A window is what a stop raises at this moment, wherever the main thread is: `StopRequested` before
    the first step, others in a step and in an evaluation. While no window is open the stop only sets
    the flag, which the next edge reads. A signal interrupts once; in case a library swallowed that, `check`
    raises it again for as long as the window is open.
    """

    def __init__(self) -> None:
        self.reason: str | None = None
        self._window: type[BaseException] | None = None
        self._is_armed = False
        self._shields = 0
        self._pid = os.getpid()

    def __bool__(self) -> bool:
        return self.reason is not None

    def install(self) -> None:
        """Take SIGTERM as a request to save and stop; SIGINT and SIGHUP of a lost terminal do nothing."""
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def open(self, window: type[BaseException]) -> None:
        """From here on a stop raises `window` at once; one that came before raises it now."""
        self._window, self._is_armed = window, True
        self.check()

    def close(self) -> None:
        """From here on a stop only sets the flag."""
        self._window, self._is_armed = None, False

    def defer(self) -> None:
        """From here on a stop waits for the step edge. A stop that came before is obeyed now."""
        self.check()
        self.close()

    def check(self) -> None:
        """Raise what is due: a library may have swallowed what the signal raised."""
        if self.reason is not None and self._window is not None and not self._shields:
            self._is_armed = False
            raise self._window(self.reason)

    @contextmanager
    def opened(self, window: type[BaseException]) -> Iterator[None]:
        """A window for as long as the block takes."""
        try:
            self.open(window)
            yield
        finally:
            self.close()

    @contextmanager
    def shielded(self) -> Iterator[None]:
        """Let no stop interrupt the block; one that comes meanwhile is obeyed at its end."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        self._shields += 1
        try:
            yield
        finally:
            self._shields -= 1
        self.check()

    def disregard(self) -> None:
        """Every step is made: a stop that came with the last one has nothing left to cut short."""
        self.reason = None

    def ignore(self) -> None:
        """The last word is being written: no signal interrupts it any more."""
        signal.signal(signal.SIGTERM, signal.SIG_IGN)

    def request(self, reason: str) -> None:
        """Ask for the stop; the first reason is kept."""
        self.reason = self.reason or reason

    def ask(self, reason: str) -> None:
        """Ask for the stop from another thread: the main thread is interrupted as by a signal."""
        self.request(reason)
        main = threading.main_thread().ident
        if main is not None:
            signal.pthread_kill(main, signal.SIGTERM)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() != self._pid:  # a child that was forked and has not yet its own handler
            os._exit(128 + number)
        self.request(signal.Signals(number).name)
        if self._is_armed:
            self.check()
