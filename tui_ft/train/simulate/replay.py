"""From a trace to peaks: phase by phase, what was alive then, and the least memory that is enough."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tui_ft.train.simulate.allocator import MIB, Block, CachingAllocator, OutOfMemory
from tui_ft.train.simulate.tracing import BEFORE, Event, Trace

EMPTY_CACHE: Event = (None, None)
"""In a list of events: `torch.cuda.empty_cache()`."""

_CAPACITY_STEP = 2 * MIB
"""The driver hands out memory in pages of this size."""


@dataclass(frozen=True, slots=True)
class PhasePeak:
    """The largest bytes between a mark and the next; `left` is still alive at its end."""

    phase: str
    allocated: int
    reserved: int
    left: int


@dataclass(frozen=True)
class Replay:
    """`phases` in order, one a mark; `peak_event` is the index of the trace's event with the largest
    allocation, -1 if that was while loading."""

    phases: tuple[PhasePeak, ...]
    allocated: int
    reserved: int
    peak_phase: str
    peak_event: int

    def peak_of(self, phases: Iterable[str]) -> tuple[int, int]:
        """The largest (allocated, reserved) bytes of the phases with these names."""
        wanted = set(phases)
        found = [peak for peak in self.phases if peak.phase in wanted]
        return max(peak.allocated for peak in found), max(peak.reserved for peak in found)

    def peak_from(self, phase: str) -> tuple[int, int]:
        """The largest (allocated, reserved) bytes from the first phase of this name to the end."""
        first = next(index for index, peak in enumerate(self.phases) if peak.phase == phase)
        found = self.phases[first:]
        return max(peak.allocated for peak in found), max(peak.reserved for peak in found)


class _Player:
    """One replay: blocks by storage, and the peaks so far."""

    def __init__(self, capacity: int | None) -> None:
        self.allocator = CachingAllocator(capacity)
        self.blocks: dict[int, Block] = {}
        self.phases: list[PhasePeak] = []
        self.phase = BEFORE
        self.peak = (0, -1, BEFORE)

    def play(self, events: Sequence[Event], *, skipped: frozenset[int] = frozenset(), is_trace: bool) -> None:
        """Do what the events say; births of the `skipped` storages have been done already."""
        allocator, blocks = self.allocator, self.blocks
        highest, at, phase_of_peak = self.peak
        for index, (storage, size) in enumerate(events):
            if storage is None:
                if isinstance(size, str):
                    self._turn_to(size)
                else:
                    allocator.empty_cache()
            elif size is None:
                allocator.free(blocks.pop(storage))
            elif storage not in skipped:
                blocks[storage] = allocator.malloc(int(size))
                if allocator.allocated > highest:
                    highest, at, phase_of_peak = allocator.allocated, index if is_trace else -1, self.phase
        self.peak = highest, at, phase_of_peak

    def finish(self) -> Replay:
        self._turn_to("")
        highest, at, phase = self.peak
        reserved = max(peak.reserved for peak in self.phases)
        return Replay(tuple(self.phases), highest, reserved, phase, at)

    def _turn_to(self, phase: str) -> None:
        allocator = self.allocator
        self.phases.append(
            PhasePeak(self.phase, allocator.allocated_peak, allocator.reserved_peak, allocator.allocated)
        )
        allocator.reset_peaks()
        self.phase = phase


def replay(trace: Trace, load: Sequence[Event] = (), capacity: int | None = None) -> Replay:
    """Play the trace through the caching allocator, after `load` has placed the weights (loading.py).

    Raises `OutOfMemory` when it does not fit into `capacity` bytes, which the CUDA context is not part of.
    """
    player = _Player(capacity)
    player.play(load, is_trace=False)
    player.play(trace.events, skipped=frozenset(player.blocks), is_trace=True)
    return player.finish()


def minimum_capacity(trace: Trace, load: Sequence[Event] = ()) -> int:
    """The least bytes in which the trace runs to its end, to a page of 2 MiB; without the CUDA context.

    It lies between the peaks of allocated and of reserved memory: before the allocator gives up, it
    returns every segment that is wholly free.
    """
    whole = replay(trace, load)
    low = whole.allocated // _CAPACITY_STEP
    high = -(-whole.reserved // _CAPACITY_STEP)
    while low < high:
        middle = (low + high) // 2
        if fits(trace, load, middle * _CAPACITY_STEP):
            high = middle
        else:
            low = middle + 1
    return high * _CAPACITY_STEP


def fits(trace: Trace, load: Sequence[Event], capacity: int) -> bool:
    """Whether the trace runs to its end in `capacity` bytes."""
    try:
        replay(trace, load, capacity)
    except OutOfMemory:
        return False
    return True
