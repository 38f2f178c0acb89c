"""Following a file of rows while another process appends to it, in bounded pieces."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from tui_ft.runs.records import complete_lines
from tui_ft.runs.regular_file import open_regular

PIECE_BYTES = 1 << 18
"""Read at most so much at a time: a second of the supervisor is not spent on history."""
HISTORY_BYTES = 1 << 22
"""Of what was there before, so much of the end is read: some 20,000 rows."""
ALL_BYTES = 1 << 62
"""As `history_bytes`: all that was there before."""
_LONGEST_LINE_BYTES = 1 << 22


class LineFollower:
    """Complete lines that were added since the last call. `had_history` is the size when it began; of that
    the last `history_bytes` are read, `is_cut` where that is not all. `restarts` counts how often another
    file was found: what was read before is then void.
    """

    def __init__(self, path: Path, history_bytes: int | None = None) -> None:
        self._path = path
        self._rest = b""
        self._is_skipping = False
        self._inode: int | None = None
        self.restarts = 0
        self.had_history = self._size()
        wanted = HISTORY_BYTES if history_bytes is None else history_bytes
        self.offset = max(self.had_history - wanted, 0)
        self._is_skipping = self.is_cut = self.offset > 0

    @property
    def is_past_history(self) -> bool:
        return self.offset >= self.had_history

    def poll(self) -> list[bytes]:
        """Return what is new, a piece at most. A file that shrank or is another is read from its start.

        Never raises: what cannot be read now is read another time.
        """
        try:
            descriptor = open_regular(self._path, follow_links=False)
        except OSError:
            return []
        try:
            about = os.fstat(descriptor)
            if about.st_size < self.offset or self._inode not in (None, about.st_ino):
                self.offset, self.had_history, self._rest, self._is_skipping = 0, 0, b"", False
                self.restarts += 1
            self._inode = about.st_ino
            if about.st_size == self.offset:
                return []
            data = os.pread(descriptor, PIECE_BYTES, self.offset)
        except OSError:
            return []
        finally:
            os.close(descriptor)
        self.offset += len(data)
        return self._lines(data)

    def lines(self) -> Iterator[bytes]:
        """Yield all that is new by now. Look at `restarts` before each line is used. Never raises."""
        before = -1
        while before != self.offset:
            before = self.offset
            yield from self.poll()

    def _lines(self, data: bytes) -> list[bytes]:
        data = self._rest + data
        if self._is_skipping:
            at = data.find(b"\n") + 1
            if not at:
                return []
            data, self._is_skipping = data[at:], False
        end = data.rfind(b"\n") + 1
        self._rest = data[end:]
        if len(self._rest) > _LONGEST_LINE_BYTES:
            self._rest, self._is_skipping = b"", True
        return list(complete_lines(data[:end]))

    def _size(self) -> int:
        try:
            return self._path.lstat().st_size
        except OSError:
            return 0
