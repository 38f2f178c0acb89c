"""What an ended attempt is still owed, written down so that no kill on the way loses it.

`attempts/<n>/after.json` is there where [after] asks for anything: made while the attempt goes on, locked
by the process that follows its end, emptied once all is done. Whoever lists runs asks for its size alone.
"""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import suppress

import msgspec

from tui_ft.atomic import write_atomically
from tui_ft.hardware import processes
from tui_ft.runs import lock as locks
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.small_file import read_small

MOST_STARTS = 5
"""What is killed so often on its way will be killed again (our own number)."""

_PATIENCE_S = 1.0
"""Whoever asks whether it is locked holds it for microseconds."""
_SIZE = 512
"""Blanks behind it: it is written where it lies, for which a full disk has room."""


class Mark(msgspec.Struct, kw_only=True, frozen=True):
    """`after.json`: what is owed by whom. `run` is the directory's own path: of a copy nothing is owed.

    `owes_copy` until there is a verified copy, or a finding says that there is none.
    """

    schema: int = 1
    run: str
    owes_copy: bool = False
    is_told: bool = False
    is_hook_done: bool = False
    hook_tries: int = 0
    starts: int = 0
    pid: int = 0
    start_time: int = 0


class Hold:
    """What is owed, in the hands of the one process that sees to it; the kernel lets go when that dies."""

    def __init__(self, mark: Mark, descriptor: int | None = None) -> None:
        self.mark = mark
        self._descriptor = descriptor

    def note(self, **changes: object) -> None:
        """Write down how far it came. Never raises: it would only be done twice."""
        self.mark = msgspec.structs.replace(self.mark, **changes)
        if self._descriptor is not None:
            with suppress(OSError):
                os.pwrite(self._descriptor, _document(self.mark), 0)

    def settle(self) -> None:
        """Nothing is owed any more."""
        if self._descriptor is not None:
            with suppress(OSError):
                os.ftruncate(self._descriptor, 0)

    def close(self) -> None:
        """Let go of it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def owe(run: RunDirectory, attempt: int, *, copy: bool) -> bool:
    """Write down that something is to follow the end; False where the disk has no room for that."""
    path = run.attempt(attempt).after
    try:
        if not run.has_after(attempt):
            write_atomically(path, _document(Mark(run=str(run.path), owes_copy=copy)))
    except OSError:
        return False
    return True


def take(run: RunDirectory, attempt: int) -> Hold | None:
    """Take what is owed into our hands; None when it is done, or somebody else is at it.

    Where it could not be written down nobody else knows of it: it is ours then.
    """
    path = run.attempt(attempt).after
    unmarked = Hold(Mark(run=str(run.path), owes_copy=True))
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return unmarked
    mark = _read(run, attempt)
    if mark is None or not _lock(descriptor, mark) or (mark := _read(run, attempt)) is None:
        os.close(descriptor)
        return None
    hold = Hold(mark, descriptor)
    me = os.getpid()
    hold.note(run=str(run.path), starts=mark.starts + 1, pid=me, start_time=processes.start_time(me) or 0)
    return hold


def is_owed(run: RunDirectory, attempt: int) -> bool:
    """True when something is owed and nobody is at it."""
    if not run.has_after(attempt):
        return False  # as of nearly every run: nothing is opened for that
    mark = _read(run, attempt)
    return mark is not None and _is_of(run, mark) and not is_followed(run, attempt, mark)


def is_copy_owed(run: RunDirectory, attempt: int) -> bool:
    """True while the copy that was asked for is still to be made, or is being made."""
    if not run.has_after(attempt):
        return False
    mark = _read(run, attempt)
    return mark is not None and mark.owes_copy and _is_of(run, mark)


def is_followed(run: RunDirectory, attempt: int, mark: Mark) -> bool:
    """True when a process sees to it. Where there are no locks, the one that wrote itself down must live."""
    is_held = locks.is_held(run.attempt(attempt).after)
    return processes.is_alive(mark.pid, mark.start_time) if is_held is None else is_held


def _is_of(run: RunDirectory, mark: Mark) -> bool:
    return bool(mark.run) and os.path.realpath(mark.run) == os.path.realpath(run.path)


def _lock(descriptor: int, mark: Mark) -> bool:
    give_up = time.monotonic() + _PATIENCE_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= give_up:
                return False
            time.sleep(0.02)
        except OSError:
            return not processes.is_alive(mark.pid, mark.start_time)
        else:
            return True


def _read(run: RunDirectory, attempt: int) -> Mark | None:
    """None when nothing is owed. What cannot be read says nothing of its run: nobody acts on that."""
    try:
        data = read_small(run.attempt(attempt).after)
        return msgspec.json.decode(data, type=Mark) if data else None
    except (OSError, ValueError, RecursionError):
        return Mark(run="", owes_copy=True)


def _document(mark: Mark) -> bytes:
    return msgspec.json.encode(mark).ljust(_SIZE - 1) + b"\n"
