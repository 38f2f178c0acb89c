"""Walking a message of protocol buffers without knowing its declaration."""

from __future__ import annotations

from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
"""Wire types (protobuf encoding); 3 and 4, groups, have been written by nobody for ten years."""

_LONGEST_VARINT = 10


class WireError(ValueError):
    """The bytes are no message."""


def varint(data: bytes, at: int) -> tuple[int, int]:
    """Return the number at `at` and where it ends. Raises WireError when it does not end."""
    number = shift = 0
    for here in range(at, min(at + _LONGEST_VARINT, len(data))):
        byte = data[here]
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, here + 1
        shift += 7
    raise WireError("a number without an end")


def signed(number: int) -> int:
    """A varint read as an int64."""
    number &= 0xFFFF_FFFF_FFFF_FFFF
    return number - (1 << 64) if number >= 1 << 63 else number


def fields(data: bytes, start: int = 0, end: int | None = None) -> Iterator[tuple[int, int, int, int]]:
    """Yield (field number, wire type, where its content begins, where it ends) of a message.

    Of a varint the content is its bytes. Raises WireError where the bytes are no message.
    """
    at, end = start, len(data) if end is None else end
    while at < end:
        key, at = varint(data, at)
        kind = key & 7
        if kind == BYTES:
            size, begin = varint(data, at)
            at = begin + size
        elif kind == VARINT:
            begin, at = at, varint(data, at)[1]
        elif kind in (FIXED64, FIXED32):
            begin, at = at, at + (8 if kind == FIXED64 else 4)
        else:
            raise WireError("a wire type that is not used")
        if at > end:
            raise WireError("a field that ends behind its message")
        yield key >> 3, kind, begin, at


def text(data: bytes, start: int, end: int) -> str:
    """Text of a message; what is no UTF-8 is replaced."""
    return data[start:end].decode("utf-8", errors="replace")
