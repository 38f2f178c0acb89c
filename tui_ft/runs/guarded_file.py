"""Small files of a runs root that several processes change: read whole, changed under a lock beside them."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tui_ft.errors import TuiFtError

WITHOUT_FLOCK = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL})
"""What a file system says that has no such locks."""


def read_regular(path: Path, largest_bytes: int, *, only_own: bool = False) -> bytes:
    """Read a file whole; a fifo or a device is refused, not waited for.

    `only_own` refuses also a link, and what belongs to another user. Raises `OSError`.
    """
    links = os.O_NOFOLLOW if only_own else 0
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | links)
    try:
        known = os.fstat(descriptor)
        if not stat.S_ISREG(known.st_mode):
            raise OSError(errno.EINVAL, "no file")
        if only_own and known.st_uid != os.geteuid():
            raise PermissionError(errno.EPERM, "somebody else's")
        if known.st_size > largest_bytes:
            raise OSError(errno.EFBIG, "too large")
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(largest_bytes)
    finally:
        os.close(descriptor)


@contextmanager
def locked(path: Path, patience_s: float) -> Iterator[None]:
    """Hold the flock of the lock file `path`, so that two processes lose nothing of each other's.

    Raises `TuiFtError` when somebody else keeps it, and `OSError`; a file system without flock goes without.
    """
    descriptor = open_lock(path)
    try:
        if not take(descriptor, patience_s):
            raise TuiFtError(f"{path} is held by another process.", "Try again.")
        yield
    finally:
        os.close(descriptor)


def open_lock(path: Path) -> int:
    """Return a descriptor of a lock file of ours. Raises `OSError`, for a link too."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)


def take(descriptor: int, patience_s: float = 0.0) -> bool:
    """Take the flock of an open file, trying for so many seconds; True too where there is no such thing."""
    deadline = time.monotonic() + patience_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.02)
        except OSError as error:
            if error.errno not in WITHOUT_FLOCK:
                raise
            return True
        else:
            return True
