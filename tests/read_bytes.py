"""How much of files is read: what a test bounds in place of the time, which depends on the machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch


class ReadBytes:
    """What `os.pread` gave so far, and in how many pieces."""

    total = 0
    pieces = 0


@contextmanager
def counted_reads() -> Iterator[ReadBytes]:
    """Count all that is read by `os.pread`, by which the readers of runs read."""
    counted, pread = ReadBytes(), os.pread

    def count(descriptor: int, size: int, offset: int) -> bytes:
        data = pread(descriptor, size, offset)
        counted.total += len(data)
        counted.pieces += 1
        return data

    with patch.object(os, "pread", count):
        yield counted
