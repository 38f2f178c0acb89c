"""The trainer's two files, events and metrics: one writer each, and a beat while nothing else is said."""

from __future__ import annotations

import errno
import fcntl
import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from tui_ft.errors import TuiFtError
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.records import (
    BEAT_S,
    BeatEvent,
    Event,
    JsonLinesWriter,
    Phase,
    PhaseEvent,
    WarningEvent,
)

SILENCE_S = BEAT_S / 2
"""A beat is written after this much silence, so that one is there at least every `BEAT_S`."""


LOCK_WITHIN_S = 0.5
"""Whoever asks whether a trainer lives holds the lock for an instant; a trainer holds it to its end."""


def _ignore(phase: Phase) -> None:
    """Nobody wants to know."""


def _lock(descriptor: int) -> bool:
    deadline = time.monotonic() + LOCK_WITHIN_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.01)
        else:
            return True


class Journal:
    """Writes events and metrics; holding its lock is being the run's one trainer.

    Raises `TuiFtError` when another trainer holds the lock.
    """

    def __init__(self, run: RunDirectory) -> None:
        self._events = JsonLinesWriter(run.events)
        if not _lock(self._events.fileno()):
            self._events.close()
            raise TuiFtError(f"Another trainer is at work on {run.id}.", "Stop it first, or start a new run.")
        self._metrics = JsonLinesWriter(run.metrics)
        self._mutex = threading.Lock()
        self._closing = threading.Event()
        self._said_at = time.monotonic()
        self._phase: Phase = "loading libraries"
        self._progress: tuple[int | None, int | None, str | None] = (None, None, None)
        self.step = 0
        self.broke_in: Phase | None = None
        """The phase in which an error came that ends the run; saving what there is comes after it."""
        self.on_leave: Callable[[Phase], None] = _ignore
        """Told of each phase that ends, while it still is the phase."""
        self.shield: Callable[[], AbstractContextManager[None]] = nullcontext
        """Around each write: what interrupts the trainer must not tear a row."""
        self._beat = threading.Thread(target=self._beat_on, name="beat", daemon=True)
        self._beat.start()

    @property
    def phase(self) -> Phase:
        return self._phase

    def event(self, event: Event) -> None:
        with self.shield(), self._mutex:
            self._events.write(event)
            self._said_at = time.monotonic()

    def enter(self, phase: Phase, total_steps: int | None = None, detail: str | None = None) -> None:
        """Say that `phase` begins."""
        self.on_leave(self._phase)
        self._phase, self._progress = phase, (None, None, None)
        self.event(
            PhaseEvent(time=time.time(), phase=phase, step=self.step, total_steps=total_steps, detail=detail)
        )

    def say(self, text: str) -> None:
        """Print a line for people, with its time; it reaches the run's log."""
        print(time.strftime("%H:%M:%S"), text, flush=True)  # noqa: T201 - our output is the log

    def progress(self, done: int, total: int | None, unit: str) -> None:
        """Note how far the phase is: said at most once a second, and when all is done."""
        self._progress = (done, total, unit)
        if done == total or time.monotonic() - self._said_at >= 1.0:
            self._write_beat()

    def warn(self, code: str, message: str) -> None:
        self.event(WarningEvent(time=time.time(), code=code, message=message))

    def metrics(self, row: Mapping[str, Any]) -> None:
        """Append a row of metrics; `step` and `time` must be in it."""
        with self.shield(), self._mutex:  # `sync`, from another thread, writes rows that wait for room
            self._metrics.write(row)
            self._said_at = time.monotonic()

    def sync(self) -> None:
        """Have all rows so far on the disk: what is said to be saved must not outlive its curve in a power
        cut. Raises `OSError`, also for rows that a full disk still does not take."""
        with self.shield(), self._mutex:
            is_written = [writer.flush() for writer in (self._metrics, self._events)]
        for writer in (self._metrics, self._events):
            os.fsync(writer.fileno())  # not under the mutex: a slow disk would hold up the training
        if not all(is_written):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def close(self) -> None:
        self._closing.set()
        self._beat.join()
        self._metrics.close()
        self._events.close()

    def _write_beat(self) -> None:
        done, total, unit = self._progress
        self.event(
            BeatEvent(time=time.time(), phase=self._phase, step=self.step, done=done, total=total, unit=unit)
        )

    def _beat_on(self) -> None:
        while not self._closing.wait(1.0):
            if time.monotonic() - self._said_at >= SILENCE_S:
                self._write_beat()
