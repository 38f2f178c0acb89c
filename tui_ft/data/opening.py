"""Opening a data file: unpacked, as UTF-8 with plain line ends, whatever it is on the disk."""

from __future__ import annotations

import codecs
import io
import os
import stat
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tui_ft.data.names import is_hub_name
from tui_ft.data.unreadable import UnreadableError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

ReadProgress = Callable[[int, int | None], None]
"""Is told the bytes read of the file on the disk, and its size; it may raise to end the reading."""

GZIP = b"\x1f\x8b"
BLOCK_BYTES = 256 * 1024


class Opened:
    """A data file that is being read: `stream` gives UTF-8, `damage` says what ended it too early."""

    def __init__(self, path: Path, stream: io.BufferedReader, unpacked: _Unpacked | None) -> None:
        self.path = path
        self.stream = stream
        self._recoded: _Recoded | None = None
        self._unpacked = unpacked

    @property
    def is_packed(self) -> bool:
        return self._unpacked is not None

    def recode(self, encoding: str, *, cr_only: bool) -> None:
        """Have the rest of the stream turned from `encoding` into UTF-8 with line feeds."""
        self._recoded = _Recoded(self.stream, encoding, cr_only=cr_only)
        self.stream = io.BufferedReader(self._recoded, BLOCK_BYTES)

    @property
    def damage(self) -> str:
        """Why the stream ended before the file did; empty while all is well."""
        layers = (self._unpacked, self._recoded)
        return next((layer.damage for layer in layers if layer and layer.damage), "")


@contextmanager
def opened(path: Path, progress: ReadProgress | None = None) -> Iterator[Opened]:
    """Open `path`, unpacking gzip. Raises `UnreadableError` when it is no file that can be read."""
    with reading(path):
        check_is_file(path)
        with _Counted(path, progress) as raw:
            is_packed = raw.read(len(GZIP)) == GZIP
            raw.seek(0)
            unpacked = _Unpacked(raw) if is_packed else None
            yield Opened(path, io.BufferedReader(unpacked or raw, BLOCK_BYTES), unpacked)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Say what the system refuses as an `UnreadableError`."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UnreadableError(path, "missing_file", "does not exist", _where(path)) from error
    except OSError as error:
        raise UnreadableError(
            path, "no_access", f"cannot be read: {os.strerror(error.errno or 0)}",
            "Check the path and its permissions.",
        ) from error  # fmt: skip


def _where(path: Path) -> str:
    """What to do about a file that is not there."""
    name = path.as_posix()
    if is_hub_name(name):
        return (
            f"Check the path. A data set of the Hub is checked once it is here: `hf download --repo-type "
            f"dataset {name} --local-dir DIR`."
        )
    return "Check the path of the data."


def check_is_file(path: Path) -> None:
    """Raise `UnreadableError` for a pipe or a device, which could make a reader wait for ever."""
    try:
        mode = path.stat().st_mode
    except ValueError as error:  # a path with a NUL character in it
        raise UnreadableError(path, "missing_file", "does not exist", _where(path)) from error
    if not stat.S_ISREG(mode):
        raise UnreadableError(
            path, "not_a_data_set", "is no file but a pipe or a device",
            "Save the data into a file first: it is read more than once.",
        )  # fmt: skip


class _Counted(io.FileIO):
    """The file on the disk, telling how much of it has been read."""

    def __init__(self, path: Path, progress: ReadProgress | None) -> None:
        super().__init__(path, "rb")
        self._progress = progress
        self._size = os.fstat(self.fileno()).st_size

    def readinto(self, buffer: WriteableBuffer) -> int:
        count = super().readinto(buffer) or 0
        if self._progress and count:
            self._progress(self.tell(), self._size)
        return count

    def block(self) -> bytes:
        """Return the next bytes, at most `BLOCK_BYTES`; none at the end."""
        buffer = bytearray(BLOCK_BYTES)
        return bytes(memoryview(buffer)[: self.readinto(buffer)])


class _Bytes(io.RawIOBase):
    """A stream that is made block by block out of another one."""

    def __init__(self) -> None:
        self.damage = ""
        self._ready = b""
        self._is_over = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        while not self._ready and not self._is_over:
            self._ready = self._next_block()
        count = min(len(view), len(self._ready))
        view[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    def _next_block(self) -> bytes:
        """Return more bytes, or none; at the end `_is_over` is set."""
        raise NotImplementedError


class _Unpacked(_Bytes):
    """The content of a gzip file of one or more members; damage ends it, behind what was whole."""

    def __init__(self, raw: _Counted) -> None:
        super().__init__()
        self._raw = raw
        self._packed = b""
        self._member = zlib.decompressobj(wbits=31)
        self._has_begun = False

    def _next_block(self) -> bytes:
        self._packed = self._packed or self._raw.block()
        if not self._packed:
            self._end("it ends too early" if self._has_begun else "")
            return b""
        if not self._has_begun:
            self._packed = self._packed.lstrip(b"\x00")  # padding between members
            self._has_begun = bool(self._packed)
        before = self._member.copy()
        try:
            block = self._member.decompress(self._packed, BLOCK_BYTES)
        except zlib.error:
            self._end("its packed bytes are broken")
            return _unpacked_up_to_the_fault(before, self._packed)
        self._packed = self._member.unconsumed_tail
        if self._member.eof:
            self._packed = self._member.unused_data
            self._member = zlib.decompressobj(wbits=31)
            self._has_begun = False
        return block

    def _end(self, damage: str) -> None:
        self._is_over = True
        self.damage = f"a damaged gzip file from here on ({damage})" if damage else ""


def _unpacked_up_to_the_fault(member: zlib._Decompress, packed: bytes) -> bytes:
    content = []
    try:
        for at in range(len(packed)):
            content.append(member.decompress(packed[at : at + 1]))
    except zlib.error:
        return b"".join(content)
    return b""


class _Recoded(_Bytes):
    """UTF-8 with line feeds, out of another encoding or of lines that end in carriage returns alone."""

    def __init__(self, stream: io.BufferedReader, encoding: str, *, cr_only: bool) -> None:
        super().__init__()
        self._stream = stream
        self._cr_only = cr_only
        is_utf8 = encoding in ("utf-8", "utf-8-sig")
        # Half a surrogate pair is handed on; as UTF-8 it is a fault of its own row, not of the file.
        self._decoder = None if is_utf8 else codecs.getincrementaldecoder(encoding)("surrogatepass")
        self._encoding = encoding

    def _next_block(self) -> bytes:
        block = self._stream.read1(BLOCK_BYTES)
        self._is_over = not block
        if self._decoder:
            try:
                block = self._decoder.decode(block, final=self._is_over).encode("utf-8", "surrogatepass")
            except UnicodeDecodeError:
                self._is_over = True
                self.damage = f"not whole {self._encoding.upper()} from here on"
                return b""
        return block.replace(b"\r", b"\n") if self._cr_only else block
