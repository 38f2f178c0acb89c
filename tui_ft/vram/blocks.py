"""What requests take of PyTorch's caching allocator: rounding, and rests that are too small to be split off.

Rules and sizes: c10/cuda/CUDACachingAllocator.cpp.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable

ALIGNMENT = 512
"""Bytes to which a request is rounded up."""

SEGMENT = 2 << 20
"""A request of 10 MiB and more gets a segment rounded up to this."""

_LEAST_LARGE = 10 << 20
_LEAST_MEDIUM = 1 << 20
"""Requests of more than this and less than 10 MiB share segments; smaller ones lie in a pool of their own."""

_SHARED_SEGMENT = 20 << 20
_LEAST_SPLIT = 1 << 20
"""A rest up to this is not split off a segment: it counts as allocated with the block before it."""


def rounded(nbytes: int) -> int:
    """Bytes of a block cut from a large free one, as weights are: loading warms the allocator up first."""
    return -(-nbytes // ALIGNMENT) * ALIGNMENT


def allocated(nbytes: int) -> int:
    """Bytes of the block that a fresh request of `nbytes` gets, the unsplit rest of its segment included."""
    size = rounded(nbytes)
    if size < _LEAST_LARGE:
        return size
    segment = -(-size // SEGMENT) * SEGMENT
    return segment if segment - size <= _LEAST_SPLIT else size


def packed(requests: Iterable[int]) -> int:
    """Bytes of the blocks that fresh requests get one after the other, the unsplit rests included.

    Those between 1 and 10 MiB go into the shared segment with the least room that holds them.
    """
    total = 0
    rooms: list[int] = []
    for nbytes in requests:
        size = rounded(nbytes)
        if not _LEAST_MEDIUM < size < _LEAST_LARGE:
            total += allocated(nbytes)
            continue
        at = bisect_left(rooms, size)
        room = rooms.pop(at) if at < len(rooms) else _SHARED_SEGMENT
        rest = room - size
        if rest > _LEAST_SPLIT:
            insort(rooms, rest)
            total += size
        else:
            total += room
    return total
