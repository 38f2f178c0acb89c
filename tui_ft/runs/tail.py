"""Reading a file of rows again and again: each time what was appended since."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from tui_ft.runs.records import complete_lines
from tui_ft.runs.regular_file import open_regular

_CHUNK_BYTES = 1 << 16
_LONGEST_LINE_BYTES = 1 << 22


class Tail:
    """The lines of a file that are new. `shrank` counts how often it was begun anew: what was read of it is
    then void.
    """

    def __init__(self, path: Path, *, last_bytes: int | None = None) -> None:
        """With `last_bytes` the first look skips to so many bytes before the end."""
        self._path = path
        self._skip = last_bytes
        self._offset = 0
        self._rest = b""
        self.shrank = 0

    def lines(self) -> Iterator[bytes]:
        """Yield the whole lines that were appended. Never raises for what the disk does; a torn line waits.

        A file that shrank is read from its start: look at `shrank` before the lines are used.
        """
        try:
            descriptor = open_regular(self._path)
        except OSError:
            return
        try:
            self._place(os.fstat(descriptor).st_size)
            while chunk := os.pread(descriptor, _CHUNK_BYTES, self._offset):
                self._offset += len(chunk)
                yield from self._whole(chunk)
        except OSError:
            return  # a network disk that stumbles: the next look goes on from here
        finally:
            os.close(descriptor)

    def _place(self, size: int) -> None:
        if size < self._offset:
            self._offset, self._rest = 0, b""
            self.shrank += 1
        if self._skip is not None:
            self._offset = max(size - self._skip, 0)
            self._skip = None

    def _whole(self, chunk: bytes) -> Iterator[bytes]:
        data = self._rest + chunk
        end = data.rfind(b"\n") + 1
        self._rest = data[end:]
        if len(self._rest) > _LONGEST_LINE_BYTES:
            self._rest = b""  # no row of ours
        yield from complete_lines(data[:end])
