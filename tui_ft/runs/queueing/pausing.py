"""Nothing of a queue starts while a run of its root stops only to go on: the memory it frees is its own.

Whoever does that holds a lock, shared with others who do the same; the kernel drops it when they die.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tui_ft.runs.guarded_file import open_lock, take


def pause_lock(root: Path) -> Path:
    """Where that lock stands."""
    return root / "queue.pause"


@contextmanager
def paused(root: Path) -> Iterator[None]:
    """Keep the queue of `root` from starting anything. A disk that takes no lock is no hindrance."""
    try:
        descriptor = open_lock(pause_lock(root))
    except OSError:  # a disk that takes no file takes no queue either
        yield
        return
    try:
        with suppress(OSError):  # a file system without flock goes without
            fcntl.flock(descriptor, fcntl.LOCK_SH)  # who asks holds it for some microseconds
        yield
    finally:
        os.close(descriptor)


def is_paused(root: Path) -> bool:
    """True while somebody keeps the queue of `root` from starting anything."""
    if not os.path.lexists(pause_lock(root)):
        return False
    try:
        descriptor = open_lock(pause_lock(root))
    except OSError:
        return False
    try:
        return not take(descriptor)
    except OSError:
        return False
    finally:
        os.close(descriptor)
