"""The replayed allocator: cases worked out by hand from torch's source, and what must always hold."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from tui_ft.train.simulate.allocator import (
    LARGE_BUFFER,
    MIB,
    MIN_BLOCK,
    SMALL_BUFFER,
    Block,
    CachingAllocator,
    OutOfMemory,
    rounded,
    segment_size,
)


@pytest.mark.parametrize(
    ("asked", "block"), [(1, 512), (512, 512), (513, 1024), (MIB, MIB), (MIB + 1, MIB + 512)]
)
def test_a_request_is_rounded_up_to_512_bytes(asked: int, block: int) -> None:
    assert rounded(asked) == block


@pytest.mark.parametrize(
    ("block", "segment"),
    [
        (512, SMALL_BUFFER),
        (MIB, SMALL_BUFFER),
        (MIB + 512, LARGE_BUFFER),
        (10 * MIB - 512, LARGE_BUFFER),
        (10 * MIB, 10 * MIB),
        (11 * MIB, 12 * MIB),
        (33 * MIB + 512, 34 * MIB),
    ],
)
def test_segments_are_of_the_three_kinds(block: int, segment: int) -> None:
    assert segment_size(block) == segment


def test_small_requests_share_a_segment_of_their_own_pool() -> None:
    allocator = CachingAllocator()
    allocator.malloc(1000)
    allocator.malloc(MIB)
    assert (allocator.allocated, allocator.reserved) == (1024 + MIB, SMALL_BUFFER)
    allocator.malloc(2 * MIB)
    assert allocator.reserved == SMALL_BUFFER + LARGE_BUFFER


def test_a_rest_of_a_mebibyte_is_not_split_off_and_counts() -> None:
    allocator = CachingAllocator()
    allocator.malloc(11 * MIB)  # a segment of 12 MiB, of which 1 MiB is left
    assert (allocator.allocated, allocator.reserved) == (12 * MIB, 12 * MIB)


def test_a_rest_of_more_is_split_off_and_serves_the_next() -> None:
    allocator = CachingAllocator()
    first = allocator.malloc(6 * MIB)
    second = allocator.malloc(12 * MIB)  # 14 MiB of the segment are left
    assert second.address == first.address + 6 * MIB
    assert (allocator.allocated, allocator.reserved) == (18 * MIB, LARGE_BUFFER)


def test_the_smallest_block_that_fits_is_taken_then_the_lowest_address() -> None:
    allocator = CachingAllocator()
    sizes = (30, 14, 22, 14)
    blocks = [allocator.malloc(size * MIB) for size in sizes]
    for block in blocks:
        allocator.free(block)
    assert allocator.malloc(12 * MIB + 1).address == blocks[1].address
    assert allocator.malloc(12 * MIB + 1).address == blocks[3].address
    assert allocator.malloc(12 * MIB + 1).address == blocks[2].address


def test_freed_neighbours_become_one_block() -> None:
    allocator = CachingAllocator()
    blocks = [allocator.malloc(4 * MIB) for _ in range(5)]
    for number in (1, 3, 2):
        allocator.free(blocks[number])
    merged = allocator.malloc(12 * MIB)
    assert merged.address == blocks[1].address
    assert allocator.reserved == LARGE_BUFFER


def test_only_segments_that_are_wholly_free_are_given_back() -> None:
    allocator = CachingAllocator()
    kept = allocator.malloc(4 * MIB)
    allocator.free(allocator.malloc(8 * MIB))
    allocator.free(allocator.malloc(40 * MIB))
    allocator.empty_cache()
    assert allocator.reserved == LARGE_BUFFER
    allocator.free(kept)
    allocator.empty_cache()
    assert (allocator.allocated, allocator.reserved) == (0, 0)


def test_before_memory_runs_out_free_segments_are_given_back() -> None:
    allocator = CachingAllocator(capacity=100 * MIB)
    allocator.free(allocator.malloc(60 * MIB))
    block = allocator.malloc(80 * MIB)
    assert (allocator.allocated, allocator.reserved, allocator.reserved_peak) == (
        80 * MIB,
        80 * MIB,
        80 * MIB,
    )
    with pytest.raises(OutOfMemory):
        allocator.malloc(30 * MIB)
    allocator.free(block)
    assert allocator.malloc(100 * MIB).size == 100 * MIB


def test_what_is_split_after_giving_back_is_found_again() -> None:
    allocator = CachingAllocator(capacity=25 * MIB)
    for block in [allocator.malloc(MIB) for _ in range(6)]:
        allocator.free(block)
    allocator.malloc(4 * MIB)  # gives three small segments back, takes 20 MiB, splits 16 off
    allocator.malloc(12 * MIB)
    assert (allocator.allocated, allocator.reserved) == (16 * MIB, LARGE_BUFFER)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("capacity", [None, 600 * MIB])
def test_books_are_kept_whatever_happens(seed: int, capacity: int | None) -> None:
    chance = random.Random(seed)
    allocator = CachingAllocator(capacity)
    alive: list[Block] = []
    for _ in range(800):
        if alive and chance.random() < 0.5:
            allocator.free(alive.pop(chance.randrange(len(alive))))
        else:
            try:
                alive.append(allocator.malloc(int(2 ** chance.uniform(0, 26))))
            except OutOfMemory:
                assert capacity is not None
        if chance.random() < 0.02:
            allocator.empty_cache()
        check(allocator, alive, capacity)
    for block in alive:
        allocator.free(block)
    allocator.empty_cache()
    assert (allocator.allocated, allocator.reserved) == (0, 0)


def check(allocator: CachingAllocator, alive: list[Block], capacity: int | None) -> None:
    assert allocator.allocated == sum(block.size for block in alive)
    assert allocator.allocated <= allocator.reserved <= allocator.reserved_peak
    assert allocator.allocated <= allocator.allocated_peak
    assert capacity is None or allocator.reserved <= capacity
    assert all(block.size % MIN_BLOCK == 0 for block in alive)
    spans = sorted((block.address, block.address + block.size) for block in alive)
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))
