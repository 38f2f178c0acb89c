"""What `from_pretrained` on a GPU asks of the caching allocator before the first step, in its order.

Only reserved memory and the least capacity depend on it: blocks that were there for a moment leave
segments behind, and rests too small to be split off. Read in transformers 5.23 (modeling_utils.py,
core_model_loading.py, integrations/bitsandbytes.py), peft 0.21 and bitsandbytes 0.50.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count

from tui_ft.train.simulate.replay import EMPTY_CACHE
from tui_ft.train.simulate.tracing import Event, Resident, Trace

PACKED_4BIT = 0.5
PACKED_8BIT = 1.0
"""Bytes of the warm-up block for an element that is quantised while loading."""

_FP16 = 2


@dataclass(frozen=True, kw_only=True)
class Loading:
    """How the weights come onto the GPU.

    `itemsize`: bytes of an element as it is read. `warm_up`: bytes of the warm-up block for each element that
    is packed later; there is no such block, None, without `device_map`. `adapter_itemsize`: bytes of an
    adapter's element before it is cast to what it is trained in. `is_prepared`: what is not packed is cast
    to fp32 (peft's `prepare_model_for_kbit_training`).
    """

    itemsize: int
    warm_up: float | None
    adapter_itemsize: int | None = None
    is_prepared: bool = False
    reads_sorted: bool = True


def load_events(trace: Trace, loading: Loading) -> list[Event]:
    """The events that lead to the weights which are there when the trace begins."""
    return list(_Loader(trace, loading).events())


class _Loader:
    def __init__(self, trace: Trace, loading: Loading) -> None:
        self._trace = trace
        self._loading = loading
        self._passing = count(-1, -1)

    def events(self) -> Iterator[Event]:
        """Warm up, read the base, cast it if asked to, lay the adapters beside it."""
        adapters = [one for one in self._trace.residents if self._category(one) == "adapter"]
        base = [one for one in self._trace.residents if self._category(one) != "adapter"]
        yield from self._warm_up(base)
        temporary = {}
        for one in (
            sorted(base, key=lambda one: _reading_order(one.name)) if self._loading.reads_sorted else base
        ):
            if one.is_packed:
                yield from self._pack(one)
            elif self._is_cast_later(one):
                temporary[one.id] = next(self._passing)
                yield temporary[one.id], one.elements * self._loading.itemsize
            else:
                yield one.id, self._bytes(one.id)
        yield from self._cast(base, temporary)
        yield from self._adapt(adapters)

    def _in_reading_order(self, base: list[Resident]) -> list[Resident]:
        return sorted(base, key=lambda one: _reading_order(one.name)) if self._loading.reads_sorted else base

    def _category(self, one: Resident) -> str:
        return self._trace.category(one.id)

    def _bytes(self, storage: int) -> int:
        return self._trace.storages[storage].nbytes

    def _warm_up(self, base: Iterable[Resident]) -> Iterator[Event]:
        """One block as large as the whole model, taken and given back: caching_allocator_warmup."""
        packed = self._loading.warm_up
        if packed is None:
            return
        size = int(sum(one.elements * (packed if one.is_packed else self._loading.itemsize) for one in base))
        if size > 0:
            block = next(self._passing)
            yield block, size
            yield block, None

    def _pack(self, one: Resident) -> Iterator[Event]:
        """The matrix as read, its statistics, its packed bytes; then the matrix is given back.

        For int8 it is taken through the CPU's memory and comes back in fp16 beside what was read.
        """
        read = next(self._passing)
        yield read, one.elements * self._loading.itemsize
        again = next(self._passing) if self._bytes(one.id) == one.elements else None
        if again is not None:
            yield again, one.elements * _FP16
        first, *others = one.parts or (None,)
        if first is not None:  # absmax is made before the output, the code after both
            yield first, self._bytes(first)
        yield one.id, self._bytes(one.id)
        for part in others:
            if part is not None:
                yield part, self._bytes(part)
        if again is not None:
            yield again, None
        yield read, None

    def _is_cast_later(self, one: Resident) -> bool:
        return self._bytes(one.id) != one.elements * self._loading.itemsize

    def _cast(self, base: Iterable[Resident], read: dict[int, int]) -> Iterator[Event]:
        for one in base:
            if one.id in read:
                yield one.id, self._bytes(one.id)
                yield read[one.id], None
        if self._loading.is_prepared:
            yield EMPTY_CACHE

    def _adapt(self, adapters: list[Resident]) -> Iterator[Event]:
        """peft gives an adapter the dtype of its base first, and casts it when all are there."""
        first = self._loading.adapter_itemsize
        born = {}
        for one in adapters:
            if first is None or self._bytes(one.id) == one.elements * first:
                yield one.id, self._bytes(one.id)
            else:
                born[one.id] = next(self._passing)
                yield born[one.id], one.elements * first
        yield from self._cast_adapters(adapters, born)

    def _cast_adapters(self, adapters: Iterable[Resident], born: dict[int, int]) -> Iterator[Event]:
        for one in adapters:
            if one.id in born:
                yield one.id, self._bytes(one.id)
                yield born[one.id], None


def _reading_order(name: str) -> list[tuple[int, int, str]]:
    """Checkpoints are read by the parts of a tensor's name: numbers by value, words by letter."""
    plain = name.removeprefix("base_model.model.").replace(".base_layer.", ".")
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in plain.split(".")]
