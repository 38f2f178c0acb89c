"""Replays PyTorch's CUDA caching allocator: default settings, one stream, one device.

Every constant and rule is that of c10/cuda/CUDACachingAllocator.cpp (torch 2.13).
"""

from __future__ import annotations

from bisect import bisect_left, insort

MIB = 1 << 20

MIN_BLOCK = 512
"""kMinBlockSize: every request is rounded up to a multiple of it."""

SMALL_SIZE = MIB
"""kSmallSize: requests up to it are served from the pool of small blocks."""

SMALL_BUFFER = 2 * MIB
"""kSmallBuffer: the size of a small pool's segment."""

LARGE_BUFFER = 20 * MIB
"""kLargeBuffer: the size of a segment for a large request below kMinLargeAlloc."""

MIN_LARGE_ALLOC = 10 * MIB
"""kMinLargeAlloc: from here on a segment is the request itself, rounded up to kRoundLarge."""

ROUND_LARGE = 2 * MIB

_SEGMENT_GAP = 1 << 40
"""Address space between two segments: blocks of different segments never become neighbours."""


class OutOfMemory(Exception):  # noqa: N818 - what CUDA calls it
    """A request does not fit into the capacity, even after every free segment was given back."""


class Block:
    """A piece of a segment; `prev` and `next` are its neighbours in the same segment."""

    __slots__ = ("address", "is_free", "is_small", "next", "prev", "size")

    def __init__(self, address: int, size: int, is_small: bool) -> None:
        self.address = address
        self.size = size
        self.is_small = is_small
        self.is_free = False
        self.prev: Block | None = None
        self.next: Block | None = None


Pool = list[tuple[int, int, Block]]
"""Free blocks as (size, address, block), sorted: the first that is large enough fits best."""


def rounded(nbytes: int) -> int:
    """The bytes of a block for a request of `nbytes`."""
    return max(MIN_BLOCK, -(-nbytes // MIN_BLOCK) * MIN_BLOCK)


def segment_size(size: int) -> int:
    """The bytes that are asked of the driver when no free block holds `size`."""
    if size <= SMALL_SIZE:
        return SMALL_BUFFER
    if size < MIN_LARGE_ALLOC:
        return LARGE_BUFFER
    return -(-size // ROUND_LARGE) * ROUND_LARGE


class CachingAllocator:
    """`allocated` counts the bytes of blocks in use, `reserved` those of segments.

    With a `capacity` in bytes the driver refuses a segment beyond it. A free rest too small to be split
    off stays part of its block and counts as allocated, as torch counts it.
    """

    def __init__(self, capacity: int | None = None) -> None:
        self.capacity = capacity
        self.allocated = self.reserved = 0
        self.allocated_peak = self.reserved_peak = 0
        self._small: Pool = []
        self._large: Pool = []
        self._next_address = 0

    def malloc(self, nbytes: int) -> Block:
        """Return the smallest free block that holds `nbytes`, split where that pays.

        Raises `OutOfMemory` when a new segment is needed and none fits.
        """
        size = rounded(nbytes)
        is_small = size <= SMALL_SIZE
        pool = self._small if is_small else self._large
        index = bisect_left(pool, (size, -1))
        block = pool.pop(index)[2] if index < len(pool) else self._new_segment(size, is_small)
        rest = block.size - size
        if rest >= MIN_BLOCK if is_small else rest > SMALL_SIZE:
            self._split(block, size, pool)
        block.is_free = False
        self.allocated += block.size
        if self.allocated > self.allocated_peak:
            self.allocated_peak = self.allocated
        return block

    def free(self, block: Block) -> None:
        """Take a block back and merge it with its free neighbours."""
        self.allocated -= block.size
        pool = self._small if block.is_small else self._large
        before, after = block.prev, block.next
        if before is not None and before.is_free:
            _take(pool, before)
            block.address = before.address
            block.size += before.size
            block.prev = before.prev
            if block.prev is not None:
                block.prev.next = block
        if after is not None and after.is_free:
            _take(pool, after)
            block.size += after.size
            block.next = after.next
            if block.next is not None:
                block.next.prev = block
        block.is_free = True
        insort(pool, (block.size, block.address, block))

    def empty_cache(self) -> None:
        """Give every segment back that no block is in use of."""
        for pool in (self._small, self._large):
            whole = [entry for entry in pool if entry[2].prev is None and entry[2].next is None]
            self.reserved -= sum(size for size, _, _ in whole)
            pool[:] = [entry for entry in pool if entry[2].prev is not None or entry[2].next is not None]

    def reset_peaks(self) -> None:
        """Let the peaks begin anew at what is held now."""
        self.allocated_peak, self.reserved_peak = self.allocated, self.reserved

    def _new_segment(self, size: int, is_small: bool) -> Block:
        wanted = segment_size(size)
        if self.capacity is not None and self.reserved + wanted > self.capacity:
            self.empty_cache()
            if self.reserved + wanted > self.capacity:
                raise OutOfMemory
        block = Block(self._next_address, wanted, is_small)
        self._next_address += wanted + _SEGMENT_GAP
        self.reserved += wanted
        if self.reserved > self.reserved_peak:
            self.reserved_peak = self.reserved
        return block

    def _split(self, block: Block, size: int, pool: Pool) -> None:
        rest = Block(block.address + size, block.size - size, block.is_small)
        rest.is_free = True
        rest.prev, rest.next = block, block.next
        if block.next is not None:
            block.next.prev = rest
        block.next, block.size = rest, size
        insort(pool, (rest.size, rest.address, rest))


def _take(pool: Pool, block: Block) -> None:
    del pool[bisect_left(pool, (block.size, block.address))]
