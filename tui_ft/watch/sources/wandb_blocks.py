"""The blocks of a `.wandb` file, cut into its records (LevelDB's log format with a header of W&B's own)."""

from __future__ import annotations

import struct
import zlib

HEADER = b":W&B" + struct.pack("<HB", 0xBEE1, 0)
"""Begins the file; it counts as part of the first block (wandb core, transactionlog)."""
BLOCK = 32 * 1024
_PREFIX = struct.Struct("<IHB")
"""Before each piece of a record: CRC-32 of its kind and data, its length, its kind."""
_PREFIX_BYTES = 7
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4
_LONGEST_RECORD = 16 * 1024 * 1024

Record = tuple[bytes, int, int]
"""A buffer, and where in it a record begins and ends."""


class Blocks:
    """Cuts a file into its records, piece by piece; damaged blocks are counted and stepped over.

    `offset` is the place in the file from which to read on.
    """

    def __init__(self, offset: int = len(HEADER)) -> None:
        self.offset = offset
        self.bad_records = 0
        self._begun: list[bytes] | None = None
        self._is_lost = offset != len(HEADER)

    def cut(self, data: bytes) -> list[Record]:
        """Return the whole records of `data`, the bytes of the file from `offset` on, and move `offset`."""
        records: list[Record] = []
        base, at, end = self.offset, 0, len(data)
        unpack, crc32 = _PREFIX.unpack_from, zlib.crc32
        while True:
            left = BLOCK - (base + at) % BLOCK
            if left < _PREFIX_BYTES:
                at += left
                continue
            if at + _PREFIX_BYTES > end:
                break
            crc, size, kind = unpack(data, at)
            after = at + _PREFIX_BYTES + size
            if size > left - _PREFIX_BYTES or not _FULL <= kind <= _LAST:
                if kind == 0 and not any(data[at : at + left]):
                    if at + left > end:
                        break  # zeros at the end: not written yet
                else:
                    self._lose()
                at += left
                continue
            if after > end:
                break
            if crc32(data[at + 6 : after]) != crc:
                self._lose()
                at += left
                continue
            if kind == _FULL:
                self._drop_begun()
                records.append((data, at + _PREFIX_BYTES, after))
            else:
                self._join(kind, data[at + _PREFIX_BYTES : after], records)
            self._is_lost = False
            at = after
        self.offset = base + min(at, end)
        return records

    @property
    def is_between(self) -> bool:
        """True when no record is half read."""
        return self._begun is None

    def _join(self, kind: int, piece: bytes, records: list[Record]) -> None:
        """Take a piece of a record that lies in several blocks."""
        if kind == _FIRST:
            self._drop_begun()
            self._begun = [piece]
            return
        if self._begun is None:
            self.bad_records += not self._is_lost
            return
        self._begun.append(piece)
        if kind == _LAST:
            whole = b"".join(self._begun)
            records.append((whole, 0, len(whole)))
            self._begun = None
        elif sum(map(len, self._begun)) > _LONGEST_RECORD:
            self._lose()

    def _drop_begun(self) -> None:
        """A record that never ended: its writer died, and another one went on."""
        if self._begun is not None:
            self._begun = None
            self.bad_records += 1

    def _lose(self) -> None:
        self._begun, self._is_lost = None, True
        self.bad_records += 1
