"""Opening what others may have put into a run directory: whatever lies there, nobody waits for it."""

from __future__ import annotations

import errno
import os
import stat


def open_regular(path: str | os.PathLike[str], *, follow_links: bool = True) -> int:
    """Open a regular file for reading and return its descriptor.

    Raises `OSError`, also for a folder, a pipe, a device (a link to /dev/zero has no end), and, unless
    `follow_links`, for a link.
    """
    links = 0 if follow_links else os.O_NOFOLLOW
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | links)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", os.fspath(path))
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
