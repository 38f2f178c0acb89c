"""Reading a small file of a run that others may have made: whatever lies there, it takes no time."""

from __future__ import annotations

import os
import stat
from pathlib import Path

LARGEST_BYTES = 1 << 20


def read_small(path: Path, largest: int = LARGEST_BYTES) -> bytes:
    """Return the file's bytes, `largest` of them at most. A pipe or a device is none: `OSError`."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError("not a regular file")
        return file.read(largest)
