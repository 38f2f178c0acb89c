"""The lock of a run directory: one supervisor at a time, and a way to see whether a file is locked."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

import msgspec

from tui_ft.errors import TuiFtError
from tui_ft.hardware import host, processes
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.guarded_file import WITHOUT_FLOCK
from tui_ft.runs.small_file import read_small


class Owner(msgspec.Struct, kw_only=True, frozen=True):
    """Who holds the lock: written inside, for file systems without flock and for people."""

    schema: int = 1
    pid: int
    start_time: int
    host: str
    boot_id: str
    pid_namespace: str


class Lock:
    """A held lock. It belongs to the open file: a child that inherits the descriptor holds it too.

    The kernel drops it when the last holder dies, however it dies.
    """

    def __init__(self, run: RunDirectory, descriptor: int) -> None:
        self._run = run
        self._descriptor = descriptor

    def fileno(self) -> int:
        """The descriptor to hand over by inheritance."""
        return self._descriptor

    def write_owner(self) -> None:
        """Write this process into the lock; without room on the disk it stays as it was."""
        pid, place = os.getpid(), host.here()
        owner = Owner(
            pid=pid,
            start_time=processes.start_time(pid) or 0,
            host=place.host,
            boot_id=place.boot_id,
            pid_namespace=place.pid_namespace,
        )
        data = msgspec.json.encode(owner) + b"\n"
        try:
            os.pwrite(self._descriptor, data, 0)
            os.ftruncate(self._descriptor, len(data))
        except OSError:
            return  # the owner is a help for readers; flock is what locks

    def close(self) -> None:
        """Let go of our descriptor; the lock is free once no process holds it."""
        os.close(self._descriptor)


def acquire(run: RunDirectory, patience_s: float = 0.5) -> Lock:
    """Take the lock of `run`, trying for `patience_s` seconds, and write ourselves into it.

    Raises `TuiFtError` when somebody holds it, or when the run directory cannot be written.
    """
    try:
        descriptor = os.open(run.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise TuiFtError(
            f"The run directory {run.path} cannot be written: {os.strerror(error.errno or 0)}.",
            "It must belong to you, on a disk that is not read-only and not full.",
        ) from error
    deadline = time.monotonic() + patience_s
    while not _try(run, descriptor):
        if time.monotonic() >= deadline:
            os.close(descriptor)
            raise _held(run)
        time.sleep(0.02)
    lock = Lock(run, descriptor)
    lock.write_owner()
    return lock


def inherited(run: RunDirectory, descriptor: int) -> Lock:
    """Take over the lock that the process which started us holds for us as `descriptor`.

    Raises `TuiFtError` when the descriptor is not this run's lock, or somebody else holds it.
    """
    try:
        mine, there = os.fstat(descriptor), run.lock.stat()
        is_lock = (mine.st_dev, mine.st_ino) == (there.st_dev, there.st_ino)
    except OSError:
        is_lock = False
    if not is_lock:
        raise TuiFtError(f"The descriptor {descriptor} is not the lock of {run.path}.")
    os.set_inheritable(descriptor, False)
    if not _try(run, descriptor):
        raise _held(run)
    lock = Lock(run, descriptor)
    lock.write_owner()
    return lock


def is_locked(path: Path) -> bool:
    """True when another process holds the flock of `path`; False too where that cannot be told.

    It takes a shared lock for some microseconds, so whoever locks `path` must try more than once.
    """
    return is_held(path) is True


def is_held(path: Path) -> bool | None:
    """Like `is_locked`, but None on file systems without flock, where nobody can tell."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return None
    else:
        return False
    finally:
        os.close(descriptor)


def _try(run: RunDirectory, descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in WITHOUT_FLOCK:
            raise
        return not _owner_lives(run)
    return True


def _owner(run: RunDirectory) -> Owner | None:
    try:
        return msgspec.json.decode(read_small(run.lock), type=Owner)
    except (OSError, ValueError, RecursionError):
        return None


def _owner_lives(run: RunDirectory) -> bool:
    """For file systems without flock. An owner elsewhere cannot be asked: it counts as alive."""
    owner = _owner(run)
    if owner is None:
        return False
    if host.here() != (owner.host, owner.boot_id, owner.pid_namespace):
        return True
    if owner.pid in (os.getpid(), os.getppid()):  # launch holds it until the supervisor has taken over
        return False
    return processes.is_alive(owner.pid, owner.start_time)


def _held(run: RunDirectory) -> TuiFtError:
    owner = _owner(run)
    by = f" by process {owner.pid} on {owner.host}" if owner else ""
    return TuiFtError(
        f"The run {run.id} is held{by}: there is one supervisor for a run.",
        f"Stop it with `tui-ft stop {run.id}`, or wait until it has ended.",
        exit_code=1,
    )
