"""Names on a disk: two that change places at once, and what makes a change outlast a power cut."""

from __future__ import annotations

import ctypes
import errno
import os
from pathlib import Path

_FROM_HERE = -100
"""AT_FDCWD of <fcntl.h>: a path is meant from the current folder."""
_EXCHANGE = 2
"""RENAME_EXCHANGE of renameat2(2): two names change places at once."""
_CANNOT_EXCHANGE = frozenset({errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP})


def exchange(one: Path, other: Path) -> bool:
    """Let two names change places; False where the file system cannot. Raises `OSError`."""
    library = ctypes.CDLL(None, use_errno=True)
    rename = getattr(library, "renameat2", None)
    if rename is None:
        return False
    if rename(_FROM_HERE, os.fsencode(one), _FROM_HERE, os.fsencode(other), _EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in _CANNOT_EXCHANGE:
        return False
    raise OSError(number, os.strerror(number), str(other))


def sync(path: Path) -> None:
    """Flush a file or a folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
