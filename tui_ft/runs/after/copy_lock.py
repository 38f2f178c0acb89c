"""One copy of a run into one folder at a time: two would write into the same temporary folder."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tui_ft.errors import TuiFtError
from tui_ft.runs.small_file import read_small

_AGAIN_S = 0.2


@contextmanager
def copying_alone(target: Path, name: str, patience_s: float) -> Iterator[None]:
    """Hold `<target>/.<name>.lock`, gone again afterwards; one that a kill leaves is in nobody's way.

    On a disk without locks (as some network disks are) nobody is kept out. Raises `TuiFtError` when
    somebody else copies there for longer than `patience_s`, `OSError` when nothing can be written.
    """
    path = target / f".{name}.lock"
    give_up = time.monotonic() + patience_s
    while (descriptor := _take(path)) is None:
        if time.monotonic() >= give_up:
            raise TuiFtError(
                f"{_who(path)} is copying the same run to {target} right now.",
                "Wait until that is done.",
                exit_code=1,
            )
        time.sleep(_AGAIN_S)
    try:
        yield
    finally:
        with suppress(OSError):
            path.unlink()  # while it is ours: who waits for it sees that it is another file now
        os.close(descriptor)


def _take(path: Path) -> int | None:
    """Its descriptor once it is ours; None while another has it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except OSError:
        return descriptor
    try:
        is_same = os.path.samestat(os.fstat(descriptor), path.lstat())
    except FileNotFoundError:
        is_same = False
    if not is_same:
        os.close(descriptor)
        return None
    with suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"process {os.getpid()} on {os.uname().nodename}\n".encode(), 0)
    return descriptor


def _who(path: Path) -> str:
    with suppress(OSError):
        words = read_small(path, 200).decode("ascii", "replace").strip()
        if words.isprintable() and words:
            return f"Somebody else ({words})"
    return "Somebody else"
