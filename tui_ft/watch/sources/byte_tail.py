"""Following a binary file that grows: bounded reads at an offset, a new start when it is another file."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from tui_ft.runs.regular_file import open_regular
from tui_ft.watch.sources.following import ReadMark

CHUNK_BYTES = 128 * 1024
"""Read at most so much at a time: decoding it holds the interpreter for less than ten milliseconds."""

_HEAD_BYTES = 64


class ByteTail:
    """Reads what a file holds from `offset` on; the caller says how much of it was used.

    `restarted` is True after a read that found a file other than before (shorter, replaced, or with
    another beginning): everything read before is void. `size` and `modified` are of the last read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.offset = 0
        self.size = 0
        self.modified: float | None = None
        self.restarted = False
        self.is_missing = False
        self._identity: tuple[int, int] | None = None
        self._head = b""

    @property
    def is_at_end(self) -> bool:
        return self.offset >= self.size

    @property
    def mark(self) -> ReadMark:
        """What was read, to be compared with what lies there later."""
        return ReadMark(self._identity, self.offset, 0, self._head)

    def look(self) -> int:
        """The size of the file now, in bytes; 0 when there is none that can be read."""
        try:
            status = self.path.stat()
        except OSError:
            return 0
        return status.st_size if stat.S_ISREG(status.st_mode) else 0

    def go_on_from(self, offset: int) -> bool:
        """Go on behind what was read before this process began; False when the file is shorter."""
        try:
            self.read(0)
        except OSError:
            return False
        if self.size < offset:
            return False
        self.offset = offset
        return True

    def read(self, limit: int = CHUNK_BYTES) -> bytes:
        """Return at most `limit` bytes from `offset` on, and leave `offset` as it is.

        b"" when there are none, or when the file is gone. Raises OSError when it cannot be opened, or is
        no regular file.
        """
        self.restarted = False
        try:
            descriptor = open_regular(self.path)
        except FileNotFoundError:
            self.is_missing = True
            return b""
        self.is_missing = False
        try:
            return self._read(descriptor, limit)
        finally:
            os.close(descriptor)

    def _read(self, descriptor: int, limit: int) -> bytes:
        status = os.fstat(descriptor)
        identity = (status.st_dev, status.st_ino)
        is_changed = status.st_mtime != self.modified or status.st_size != self.size
        is_other = self._identity != identity or status.st_size < self.offset
        if is_other or self._has_new_head(descriptor, is_changed):
            self.restarted = self._identity is not None
            self._identity, self.offset = identity, 0
            self._head = os.pread(descriptor, _HEAD_BYTES, 0)
        self.size, self.modified = status.st_size, status.st_mtime
        if self.offset >= self.size:
            return b""
        return os.pread(descriptor, limit, self.offset)

    def _has_new_head(self, descriptor: int, is_changed: bool) -> bool:
        """True when a file that was written to no longer begins as it did: somebody wrote it anew."""
        if not is_changed or self._identity is None:
            return False
        return not os.pread(descriptor, _HEAD_BYTES, 0).startswith(self._head)
