"""Reading files that other programs write: regular files only, bounded pieces, a new start when rewritten."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import NamedTuple

from tui_ft.runs.regular_file import open_regular

CHUNK_BYTES = 65_536
"""Read at most so much at a time: taking it apart holds the interpreter for a few milliseconds."""

LONGEST_PIECE_BYTES = 4 * 1024 * 1024
"""Text without an end of line beyond this is no row; what was read of it is given up."""

ANCHOR_BYTES = 64
"""So much of what was read last is compared at the next read: other bytes there mean another file."""

LFS_POINTER = b"version https://git-lfs.github.com/spec/"
LFS_NOTE = "It is a git-lfs pointer, not the data: run `git lfs pull`."


def read_piece(path: Path, limit: int, offset: int = 0) -> bytes:
    """Read at most `limit` bytes of a regular file from `offset` on. Raises OSError as `open_regular`."""
    descriptor = open_regular(path)
    try:
        pieces, got = [], 0
        while got < limit and (piece := os.pread(descriptor, min(limit - got, 1 << 24), offset + got)):
            pieces.append(piece)
            got += len(piece)
        return b"".join(pieces)
    finally:
        os.close(descriptor)


def head_and_tail(path: Path, limit: int = CHUNK_BYTES) -> tuple[bytes, bytes]:
    """Read the first and the last `limit` bytes of a regular file; b"", b"" for one that cannot be read."""
    try:
        head = read_piece(path, limit)
        size = path.stat().st_size
        tail = read_piece(path, limit, max(size - limit, limit)) if size > limit else b""
    except OSError:
        return b"", b""
    return head, tail


def is_lfs_pointer(head: bytes) -> bool:
    """True for the text that git-lfs leaves in the place of a file that was not fetched."""
    return head.startswith(LFS_POINTER)


class ReadMark(NamedTuple):
    """What was read of a file: which one (device and inode), how far, and some of its bytes at `at`."""

    identity: tuple[int, int] | None
    offset: int
    at: int
    held: bytes

    def holds(self, descriptor: int) -> bool:
        """True when the open file is the one that was read, and was not written anew. Raises OSError."""
        status = os.fstat(descriptor)
        is_same = (status.st_dev, status.st_ino) == self.identity and status.st_size >= self.offset
        return is_same and os.pread(descriptor, len(self.held), self.at) == self.held


Stamp = tuple[int, int, int]


def stamp_of(path: Path) -> Stamp | None:
    """Return mtime (ns), size and inode of a regular file, or of what a link leads to; else None."""
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_mtime_ns, status.st_size, status.st_ino) if stat.S_ISREG(status.st_mode) else None


def stays_within(path: Path, *folders: Path) -> bool:
    """True for what is no link, and for a link to a regular file under one of `folders`.

    The rule for all formats: a link that leads out of the folder that was named, and of its own, is left
    alone.
    """
    try:
        if not path.is_symlink():
            return True
        target = path.resolve(strict=True)
        is_file = stat.S_ISREG(target.stat().st_mode)
        return is_file and any(target.is_relative_to(folder.resolve()) for folder in folders)
    except (OSError, RuntimeError):  # a circle of links is a RuntimeError before Python 3.13
        return False


class Follower:
    """Reads what was added to a file, up to the last of the bytes `ends`; the rest waits for its end.

    `restarted` is True after a read that found another file than before: shorter, replaced, or with other
    bytes where reading stopped. Then all that was read before is void. `modified_at` is its unix time.
    """

    def __init__(self, path: Path, ends: bytes = b"\n") -> None:
        self.path = path
        self.restarted = False
        self.lost_pieces = 0
        self.size = 0
        self.offset = 0
        self.rest = b""
        self.modified_at: float | None = None
        self._ends = ends
        self._identity: tuple[int, int] | None = None
        self._anchor = b""
        self._is_skipping = False

    @property
    def is_at_end(self) -> bool:
        return self.offset >= self.size

    def read(self, limit: int = CHUNK_BYTES) -> bytes:
        """Return what was added and is complete, of about `limit` bytes. Raises OSError as `open_regular`."""
        self.restarted = False
        descriptor = open_regular(self.path)
        try:
            status = os.fstat(descriptor)
            self.size, self.modified_at = status.st_size, status.st_mtime
            identity = (status.st_dev, status.st_ino)
            if self._identity is None:
                self._identity = identity
            elif identity != self._identity or status.st_size < self.offset:
                self._start_over(identity)
            data = os.pread(descriptor, len(self._anchor) + limit, self.offset - len(self._anchor))
            if not data.startswith(self._anchor):
                self._start_over(identity)
                data = os.pread(descriptor, limit, 0)
        finally:
            os.close(descriptor)
        return self._take(data)

    def _start_over(self, identity: tuple[int, int]) -> None:
        self.restarted = True
        self._identity, self.offset, self.rest = identity, 0, b""
        self._anchor, self._is_skipping = b"", False

    def _take(self, data: bytes) -> bytes:
        added = data[len(self._anchor) :]
        if not added:
            return b""
        self.offset += len(added)
        self._anchor = data[-ANCHOR_BYTES:]
        if self._is_skipping:
            start = min((at for end in self._ends if (at := added.find(end)) >= 0), default=-1) + 1
            if not start:
                return b""
            added, self._is_skipping = added[start:], False
        end = max(added.rfind(end) for end in self._ends) + 1
        complete, self.rest = (self.rest + added[:end], added[end:]) if end else (b"", self.rest + added)
        if len(self.rest) > LONGEST_PIECE_BYTES:
            self.rest, self._is_skipping = b"", True
            self.lost_pieces += 1
        return complete
