"""Curves that were read once, kept in the user's cache folder: a long run opens again at once.

A cache belongs to the content of the files it was made of: their paths, and samples of their bytes. It
holds as long as those files only grow. Nothing is ever written beside the files themselves.
"""

from __future__ import annotations

import os
import stat
import struct
import sys
import threading
import time
import zlib
from array import array
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import msgspec

from tui_ft import settings
from tui_ft.runs.regular_file import open_regular
from tui_ft.watch.packing import Numbers, PackedTable, UnpackError, chunks, leave, pack, unpack
from tui_ft.watch.sources.following import ReadMark
from tui_ft.watch.sources.table import MetricTable
from tui_ft.watch.stored import StoredFile

MOST_BYTES = 500_000_000
"""All caches together; the ones that were used longest ago go first."""
MOST_BYTES_OF_ONE = 200_000_000

_LEFT_S = 3600.0
"""Nobody writes a cache for so long: what is older and not finished was left by a process that died."""

_MAGIC = b"tui-ft curves 2\n"
_SIZES = struct.Struct("<QII")
"""Length of the header, its checksum, and that of the numbers after it (both CRC-32)."""
_SAMPLES = 16
_SAMPLE_BYTES = 1024
_SUFFIX = ".curves"


@dataclass(frozen=True, kw_only=True)
class Cached:
    """What was kept: the table as it was, how far the files were read, and the reader's own few bytes."""

    table: MetricTable
    offset: int
    state: bytes


class _File(msgspec.Struct, frozen=True):
    """One file as it was: `digest` is of samples of its first `size` bytes."""

    path: str
    size: int
    modified_ns: int
    digest: str


class _Header(msgspec.Struct, frozen=True):
    byteorder: str
    files: list[_File]
    offset: int
    state: bytes
    table: PackedTable


def folder() -> Path:
    """Where the caches of curves lie."""
    return settings.cache_folder() / "curves"


def load(files: Sequence[Path]) -> Cached | None:
    """What was kept of these files; None when there is nothing, or it no longer fits. Never raises."""
    place = _place(files)
    try:
        found = _read(place, files)
    except (OSError, msgspec.DecodeError, UnpackError):
        return None  # a damaged cache is none: the files themselves are read
    if found is not None:
        with suppress(OSError):
            os.utime(place)
    return found


def store(
    files: Sequence[Path],
    table: MetricTable,
    offset: int,
    state: bytes = b"",
    marks: Sequence[ReadMark] = (),
) -> None:
    """Keep a table for the next time; what cannot be kept is not. Never raises for what disks do.

    `marks` tell what was read of each file: a file that was replaced since is not the table's.
    Its long columns are then read from the cache and no longer take memory. To be called by the thread
    that adds to the table.
    """
    described, arrays = pack(table)
    size = sum(len(numbers) * numbers.itemsize for numbers in arrays)
    if size > MOST_BYTES_OF_ONE:
        return
    temporary = None
    try:
        kept = [_fingerprint(path, None, mark) for path, mark in zip_longest(files, marks[: len(files)])]
        head = msgspec.msgpack.encode(_Header(sys.byteorder, kept, offset, state, described))
        place = _place(files)
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = place.with_name(f".{place.name}.{os.getpid()}-{threading.get_ident()}.tmp")
        stored = _write(temporary, head, arrays)
        temporary.replace(place)
        _keep_small(place.parent)
        leave(table, arrays, stored, len(_MAGIC) + _SIZES.size + len(head))
    except OSError:
        if temporary is not None:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


def _place(files: Sequence[Path]) -> Path:
    import hashlib  # it loads OpenSSL, and only long runs need it

    names = "\0".join(str(path.absolute()) for path in files)
    return folder() / (hashlib.sha256(os.fsencode(names)).hexdigest()[:32] + _SUFFIX)


def _write(path: Path, head: bytes, numbers: list[array[Any]]) -> StoredFile:
    """Write a whole cache and return it, open.

    It is not flushed to the disk, for a torn one is found out by its checksums.
    """
    checksum = 0
    for part in numbers:
        checksum = zlib.crc32(part, checksum)
    beginning = _MAGIC + _SIZES.pack(len(head), zlib.crc32(head), checksum) + head
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(path, flags, 0o600)
    try:
        for rest in (memoryview(beginning), *chunks(numbers)):
            while rest:
                rest = rest[os.write(descriptor, rest) :]
    except OSError:
        os.close(descriptor)
        raise
    return StoredFile(descriptor)


def _read(place: Path, files: Sequence[Path]) -> Cached | None:
    descriptor = os.open(place, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
            return None
        beginning = file.read(len(_MAGIC) + _SIZES.size)
        if not beginning.startswith(_MAGIC) or len(beginning) != len(_MAGIC) + _SIZES.size:
            return None
        length, head_checksum, checksum = _SIZES.unpack_from(beginning, len(_MAGIC))
        left = status.st_size - len(beginning) - length
        head = file.read(length) if 0 <= left <= MOST_BYTES_OF_ONE else b""
        if len(head) != length or zlib.crc32(head) != head_checksum:
            return None
        header = msgspec.msgpack.decode(head, type=_Header)
        if header.byteorder != sys.byteorder or not _still_hold(header.files, files):
            return None
        numbers = Numbers(file, left)
        table = unpack(header.table, numbers)
        if numbers.checksum != checksum:
            return None
        return Cached(table=table, offset=header.offset, state=header.state)


def _still_hold(kept: list[_File], files: Sequence[Path]) -> bool:
    """True when every file is what it was, or has only grown."""
    if len(kept) != len(files):
        return False
    for old, path in zip(kept, files, strict=True):
        now = _fingerprint(path, old.size)
        if now.digest != old.digest:
            return False
        if path.stat().st_size == old.size and now.modified_ns != old.modified_ns:
            return False
    return True


def _fingerprint(path: Path, size: int | None, mark: ReadMark | None = None) -> _File:
    """A file by samples of its first `size` bytes (None: of all it has).

    Raises `OSError`, also for a file that is another than the one of the mark.
    """
    import hashlib

    descriptor = open_regular(path)
    try:
        if mark is not None and not mark.holds(descriptor):
            raise OSError(0, "it is another file by now", str(path))
        status = os.fstat(descriptor)
        size = status.st_size if size is None else size
        digest = hashlib.sha256(str(min(size, status.st_size)).encode())
        last = max(size - _SAMPLE_BYTES, 0)
        for at in sorted({last * number // (_SAMPLES - 1) for number in range(_SAMPLES)}):
            digest.update(os.pread(descriptor, min(_SAMPLE_BYTES, size - at), at))
        name = os.fsencode(path.absolute()).decode("utf-8", "backslashreplace")
        return _File(name, size, status.st_mtime_ns, digest.hexdigest())
    finally:
        os.close(descriptor)


def _keep_small(place: Path) -> None:
    """Remove the caches that were used longest ago, and what a killed process left, until all fit."""
    kept = []
    with os.scandir(place) as entries:
        for entry in entries:
            with suppress(OSError):
                status = entry.stat(follow_symlinks=False)
                if not stat.S_ISREG(status.st_mode):
                    continue
                if entry.name.endswith(".tmp") and time.time() - status.st_mtime > _LEFT_S:
                    Path(entry.path).unlink()
                elif entry.name.endswith((_SUFFIX, ".tmp")):
                    kept.append((status.st_mtime, status.st_size, entry.path))
    total = sum(size for _, size, _ in kept)
    for _, size, path in sorted(kept):
        if total <= MOST_BYTES:
            return
        with suppress(OSError):
            Path(path).unlink()
        total -= size
