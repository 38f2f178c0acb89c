"""Following a file that grows: complete lines only, bounded reads, a new start when it shrank."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from tui_ft.runs.regular_file import open_regular
from tui_ft.watch.sources.following import ANCHOR_BYTES, ReadMark

CHUNK_BYTES = 65_536
"""Read at most so much at a time: decoding it holds the interpreter for about ten milliseconds."""

LONGEST_LINE_BYTES = 4 * 1024 * 1024
"""A line longer than this is no row; what was read of it is given up."""


class Tail:
    """Reads the complete lines that were added to a file since the last call.

    A torn last line waits for its end. `restarted` is True after a call that found a file other than
    before (shorter, replaced, or with other bytes where reading stopped): everything read before is void.
    `lost_lines` counts lines given up.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.restarted = False
        self.lost_lines = 0
        self.size = 0
        self.offset = 0
        self._identity: tuple[int, int] | None = None
        self._anchor = b""
        self._rest = b""
        self._is_skipping = False

    @property
    def is_at_end(self) -> bool:
        return self.offset >= self.size

    @property
    def whole_lines(self) -> int:
        """How many bytes were given out or given up: reading can go on there another time."""
        return self.offset - len(self._rest)

    @property
    def torn(self) -> bytes:
        """The beginning of a line whose end is not there yet."""
        return self._rest

    @property
    def mark(self) -> ReadMark:
        """What was read, to be compared with what lies there later."""
        return ReadMark(self._identity, self.offset, self.offset - len(self._anchor), self._anchor)

    def look(self) -> int:
        """The size of the file in bytes, without reading it; 0 for what is absent or no regular file."""
        try:
            status = self.path.stat()
        except OSError:
            return 0
        self.size = status.st_size if stat.S_ISREG(status.st_mode) else 0
        return self.size

    def go_on_from(self, offset: int) -> bool:
        """Begin at a line end that was reached before; False when the file does not reach so far."""
        try:
            descriptor = open_regular(self.path)
        except OSError:
            return False
        try:
            status = os.fstat(descriptor)
            if status.st_size < offset:
                return False
            self._identity = (status.st_dev, status.st_ino)
            self.size, self.offset, self._rest, self._is_skipping = status.st_size, offset, b"", False
            start = max(offset - ANCHOR_BYTES, 0)
            self._anchor = os.pread(descriptor, offset - start, start)
            return True
        except OSError:
            return False
        finally:
            os.close(descriptor)

    def read(self, limit: int = CHUNK_BYTES, skip_to_last: int | None = None) -> bytes:
        """Return complete new lines of at most about `limit` bytes; b"" when there are none.

        With `skip_to_last` reading begins that many bytes before the end of a longer file, at a line.
        A file that is absent, cannot be read or is no regular file yields nothing.
        """
        self.restarted = False
        try:
            descriptor = open_regular(self.path)
        except OSError:
            self.size = self.offset  # nothing more can be read of it
            return b""
        try:
            return self._read(descriptor, limit, skip_to_last)
        except OSError:
            self.size = self.offset
            return b""
        finally:
            os.close(descriptor)

    def _read(self, descriptor: int, limit: int, skip_to_last: int | None) -> bytes:
        status = os.fstat(descriptor)
        identity = (status.st_dev, status.st_ino)
        self.size = status.st_size
        is_other = self._identity != identity or status.st_size < self.offset
        if is_other or not self.mark.holds(descriptor):
            self.restarted = self._identity is not None
            self._identity, self.offset, self._rest, self._is_skipping = identity, 0, b"", False
            self._anchor = b""
            if skip_to_last is not None and status.st_size > skip_to_last:
                self.offset, self._is_skipping = status.st_size - skip_to_last, True
        if self.offset >= status.st_size:
            return b""
        data = os.pread(descriptor, limit, self.offset)
        self.offset += len(data)
        self._anchor = (
            (self._anchor + data)[-ANCHOR_BYTES:] if len(data) < ANCHOR_BYTES else data[-ANCHOR_BYTES:]
        )
        return self._complete(data)

    def _complete(self, data: bytes) -> bytes:
        if self._is_skipping:
            at = data.find(b"\n")
            if at < 0:
                return b""
            data, self._is_skipping = data[at + 1 :], False
        end = data.rfind(b"\n") + 1
        if not end:
            self._rest += data
            if len(self._rest) > LONGEST_LINE_BYTES:
                self._rest, self._is_skipping = b"", True
                self.lost_lines += 1
            return b""
        complete = b"".join((self._rest, memoryview(data)[:end]))
        self._rest = data[end:]
        return complete
