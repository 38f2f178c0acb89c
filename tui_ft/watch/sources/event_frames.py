"""Event files, cut into their records: which bytes are whole records, and where damage begins."""

from __future__ import annotations

from dataclasses import dataclass, field

from tui_ft.watch.sources import crc32c

HEADER_BYTES = 12
"""Length (u64, little endian) and its masked checksum; the data; the checksum of the data (TFRecord)."""
FOOTER_BYTES = 4

LONGEST_READ_BYTES = 256 * 1024
"""A longer record holds a picture, a graph or a large histogram, never a number: it is stepped over."""

_KNOWN_LENGTHS = 4096


@dataclass
class Frames:
    """Records of one piece of a file: `begins` of data by size, in the order of the file.

    `used` bytes of the piece need not be read again; `skipped` more, behind it, are of a record too long
    to read. `is_damaged`: behind `used` stands something that is no record.
    """

    begins: dict[int, list[int]] = field(default_factory=dict)
    used: int = 0
    skipped: int = 0
    is_damaged: bool = False


class Framer:
    """Cuts pieces into records; remembers the headers that were checked, for lengths come again and again."""

    def __init__(self) -> None:
        self._sizes: dict[bytes, int] = {}

    def cut(self, data: bytes) -> Frames:
        """Return the whole records at the beginning of `data`."""
        frames = Frames()
        begins, sizes, at, end = frames.begins, self._sizes, 0, len(data)
        while at + HEADER_BYTES <= end:
            header = data[at : at + HEADER_BYTES]
            size = sizes.get(header, -1)
            if size < 0 and (size := self._check(header)) < 0:
                frames.is_damaged = True
                break
            after = at + HEADER_BYTES + size + FOOTER_BYTES
            if after > end:
                if size > LONGEST_READ_BYTES:
                    frames.skipped = after - end
                    at = end
                break
            begins.setdefault(size, []).append(at + HEADER_BYTES)
            at = after
        frames.used = at
        return frames

    def _check(self, header: bytes) -> int:
        """The length in a header, -1 when its checksum says that it is none."""
        if crc32c.masked(crc32c.crc32c(header[:8])) != int.from_bytes(header[8:], "little"):
            return -1
        if len(self._sizes) >= _KNOWN_LENGTHS:
            self._sizes.clear()
        size = int.from_bytes(header[:8], "little")
        self._sizes[header] = size
        return size
