"""Values that stay in the file of a cache: a long run takes no memory for what nobody looks at."""

from __future__ import annotations

import math
import os
import weakref
from array import array
from typing import Any, overload


class StoredFile:
    """An open file, closed when no column needs it any more. It can be read even after it was removed."""

    def __init__(self, descriptor: int) -> None:
        """Take over a descriptor."""
        self._descriptor = descriptor
        weakref.finalize(self, os.close, descriptor)

    def read(self, offset: int, size: int) -> bytes:
        """Return the bytes there, fewer where the disk has no more or refuses."""
        try:
            return os.pread(self._descriptor, size, offset)
        except OSError:
            return b""


class StoredColumn:
    """Numbers of one kind in a file, and those that came later, which are in memory.

    Reading is a system call of about two microseconds. What the disk no longer gives is NaN: not known.
    """

    def __init__(self, file: StoredFile, typecode: str, offset: int, count: int) -> None:
        self.typecode = typecode
        self._file = file
        self._offset = offset
        self._count = count
        self._later: array[Any] = array(typecode)

    def __len__(self) -> int:
        return self._count + len(self._later)

    @overload
    def __getitem__(self, at: int) -> float: ...
    @overload
    def __getitem__(self, at: slice) -> array[float]: ...
    def __getitem__(self, at: int | slice) -> float | array[float]:
        if isinstance(at, int):
            at = at + len(self) if at < 0 else at
            one = self._read(at, at + 1) if at < self._count else self._later[at - self._count :]
            return float(one[0])
        start, stop, step = at.indices(len(self))
        if step != 1:
            return self.whole()[at]
        stored = self._read(start, max(min(stop, self._count), start))
        if stop > self._count:
            stored.extend(self._later[max(start - self._count, 0) : stop - self._count])
        return stored

    def frombytes(self, data: bytes) -> None:
        """Append numbers, as they lie in memory."""
        self._later.frombytes(data)

    def whole(self) -> array[float]:
        """All of it, in memory."""
        return self[0 : len(self)]

    def _read(self, start: int, stop: int) -> array[Any]:
        numbers: array[Any] = array(self.typecode)
        size = numbers.itemsize
        data = self._file.read(self._offset + start * size, (stop - start) * size)
        numbers.frombytes(data[: len(data) // size * size])
        numbers.extend(array(self.typecode, [math.nan]) * (stop - start - len(numbers)))
        return numbers
