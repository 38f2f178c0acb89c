"""Following events.jsonl while the trainer writes it: where attempt n stands, and its last word."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import msgspec

from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.records import (
    AttemptEvent,
    BeatEvent,
    CheckpointEvent,
    EndEvent,
    Phase,
    PhaseEvent,
    RequestEvent,
    Status,
    complete_lines,
    decode_event,
)
from tui_ft.runs.regular_file import open_regular

_CHUNK_BYTES = 1 << 16
_LONGEST_LINE_BYTES = 1 << 22
AT_WORK: frozenset[Phase] = frozenset({"training", "evaluating", "saving"})
"""An attempt that was in one of these has come to its first training step."""


class EventFollower:
    """What the events of one attempt say so far; `poll` reads what is new, however large the file."""

    def __init__(self, run: RunDirectory, attempt: int) -> None:
        self._path = run.events
        self._attempt = attempt
        self._forget()

    def _forget(self) -> None:
        self._offset = 0
        self._rest = b""
        self._is_mine = False
        self._has_trained = False
        self.pid: int | None = None
        self.phase: Phase | None = None
        self.step: int | None = None
        self.began_at: int | None = None
        self.total_steps: int | None = None
        self.saved_step: int | None = None
        self.stopped_by: str | None = None
        self.end: EndEvent | None = None
        self.bad_lines = 0

    @property
    def status(self) -> Status:
        """`starting` until the first training step is at hand, then `running`, or `paused`."""
        if self.phase == "paused":
            return "paused"
        return "running" if self._has_trained else "starting"

    def poll(self) -> None:
        """Read what was appended; a file that shrank is read again from its start. Never raises."""
        try:
            descriptor = open_regular(self._path)
        except FileNotFoundError:
            self._forget()
            return
        except OSError:
            return
        try:
            if os.fstat(descriptor).st_size < self._offset:
                self._forget()
            while chunk := os.pread(descriptor, _CHUNK_BYTES, self._offset):
                self._offset += len(chunk)
                self._feed(chunk)
        except OSError:
            return  # a network disk that stumbles: the next poll goes on from here
        finally:
            os.close(descriptor)

    def _feed(self, chunk: bytes) -> None:
        data = self._rest + chunk
        end = data.rfind(b"\n") + 1
        self._rest = data[end:]
        if len(self._rest) > _LONGEST_LINE_BYTES:
            self._rest = b""
            self.bad_lines += 1
        for line in complete_lines(data[:end]):
            self._line(line)

    def _line(self, line: bytes) -> None:
        try:
            event = decode_event(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            self.bad_lines += 1
            return
        if isinstance(event, AttemptEvent):
            self._is_mine = event.attempt == self._attempt
            if self._is_mine:
                self.pid, self.step, self.end = event.pid, event.step, None
                self.stopped_by = None
                self.began_at = event.step
                self.saved_step = event.step or None  # a resumed attempt has its checkpoint to fall back to
            return
        if not self._is_mine:
            return
        if isinstance(event, (PhaseEvent, BeatEvent)):
            self.phase = event.phase
            self.step = event.step if event.step is not None else self.step
            self._has_trained |= event.phase in AT_WORK
            if isinstance(event, PhaseEvent) and event.total_steps is not None:
                self.total_steps = event.total_steps
        elif isinstance(event, CheckpointEvent):
            self.saved_step = self.step = event.step
        elif isinstance(event, RequestEvent):
            if event.request == "stop":
                self.stopped_by = event.by or "somebody"
        elif isinstance(event, EndEvent):
            self.end, self.step = event, event.step


_known: dict[tuple[Path, int], EventFollower] = {}
_known_mutex = threading.Lock()


def follow(run: RunDirectory, attempt: int) -> EventFollower:
    """Return what the events of an attempt say now. Asked again, it reads only what is new."""
    with _known_mutex:
        follower = _known.setdefault((run.path, attempt), EventFollower(run, attempt))
        follower.poll()
        return follower
