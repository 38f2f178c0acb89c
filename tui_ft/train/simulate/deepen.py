"""A deep model's trace from a shallow one's: what happens in a middle layer happens in every further one.

Reserved memory and the least capacity follow no line in the number of layers, since blocks are reused in the
order in which they come free. So the events themselves are repeated, in their places, and replayed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from tui_ft.train.simulate.layered import MARK, NAME, Layered
from tui_ft.train.simulate.tracing import Event, Resident, Storage, Trace

_BEFORE_UNIT = 2
_AFTER_UNIT = 2
"""The first and the last layer are not like the others, and their neighbours look at them."""


class NotAlike(ValueError):  # noqa: N818 - it is said of layers, not of a mistake
    """The layers of this trace are not repetitions of each other: it has to be made at its whole depth."""


def pattern_of(kinds: Sequence[str]) -> int:
    """The length of the shortest beginning that, repeated, gives all of `kinds` (`layer_types`)."""
    return next(
        length
        for length in range(1, len(kinds) + 1)
        if all(kind == kinds[number % length] for number, kind in enumerate(kinds))
    )


def shallow_depth(whole: int, period: int = 1) -> int:
    """How many layers to simulate of a model of `whole`, whose kinds of layers repeat every `period`."""
    fewest = _BEFORE_UNIT + period + _AFTER_UNIT
    return min(whole, fewest + (whole - fewest) % period)


def deepen(trace: Trace, layers: int, whole: int, period: int = 1) -> Trace:
    """Return the trace of a model with `whole` layers from that of the same one with `layers`.

    The marks name the layers ("layer 3", "backward layer 3"), and so do the names of the weights and
    of the owners of what is born between them. Raises `NotAlike` where the events are no repetition.
    """
    if layers == whole:
        return trace
    if (whole - layers) % period or layers < shallow_depth(whole, period):
        raise NotAlike(f"{layers} layers are not enough to tell {whole}")
    deep = _Deepener(trace, layers, (whole - layers) // period, period)
    return deep.deepened()


class _Deepener:
    """`unit` is the first of `period` layers in the middle; it is repeated `copies` times behind itself."""

    def __init__(self, trace: Trace, layers: int, copies: int, period: int) -> None:
        self._trace = trace
        self._last = layers - 1
        self._period = period
        self._copies = copies
        self._first = _BEFORE_UNIT
        self._end = _BEFORE_UNIT + period
        self._source = Layered(trace)
        self._tags = self._source.tags
        self._ids: dict[tuple[int, int], int] = {}
        self._alive: set[int] = set()
        self._events: list[Event] = []
        self._storages: dict[int, Storage] = {}
        self._origin: dict[int, tuple[int, int]] = {}

    # ------------------------------------------------------------ repeating

    def deepened(self) -> Trace:
        self._check_repetition()
        index = 0
        events = self._source.events
        while index < len(events):
            end = index
            while end < len(events) and self._is_unit(self._tags[end]):
                end += 1
            if end == index:
                self._emit(index, 0)
                index += 1
                continue
            order = range(self._copies + 1)
            for copy in order if self._ascends(index, end) else reversed(order):
                for number in range(index, end):
                    self._emit(number, copy)
            index = end
        self._check_leftovers()
        return self._whole()

    def _is_unit(self, tag: int | None) -> bool:
        return tag is not None and self._first <= tag < self._end

    def _ascends(self, start: int, end: int) -> bool:
        """Whether layers come in their order here; backward they come from the last to the first."""
        before = self._next_tag(range(start - 1, -1, -1))
        after = self._next_tag(range(end, len(self._tags)))
        if before == self._first - 1 or after == self._end:
            return True
        if before == self._end or after == self._first - 1:
            return False
        raise NotAlike(f"layers {before} and {after} around those that are repeated")

    def _next_tag(self, indices: Iterable[int]) -> int | None:
        return next((tag for tag in (self._tags[index] for index in indices) if tag is not None), None)

    def _emit(self, index: int, copy: int) -> None:
        storage, size = self._source.events[index]
        tag = self._tags[index]
        if storage is None:
            self._events.append((None, self._mark(str(size), tag, copy)))
            return
        number, copy = self._resolved(storage, tag, copy)
        if size is not None:
            self._bear(number, copy)
        elif self._ids.get((number, copy)) in self._alive:
            found = self._ids[number, copy]
            self._alive.remove(found)
            self._events.append((found, None))
        elif self._source.home.get(storage) is not None:
            raise NotAlike(f"storage {number} of {self._trace.storages[number].op} dies twice")

    def _mark(self, mark: str, tag: int | None, copy: int) -> str:
        found = MARK.match(mark)
        if found is None or tag is None:
            return mark
        return f"{found['kind']} {self._depth(tag, copy)}"

    def _depth(self, layer: int, copy: int) -> int:
        """The layer's number in the deep model."""
        return layer + self._period * (copy if layer < self._end else self._copies)

    def _resolved(self, storage: int, tag: int | None, copy: int) -> tuple[int, int]:
        """Which storage is meant in this repetition of an event, as (storage of the template, copy)."""
        home = self._source.home.get(storage)
        if home is None or tag is None:
            return storage, 0
        shift = self._period * (copy if self._is_unit(tag) else self._copies if tag >= self._end else 0)
        deep = home + shift
        whole_end = self._end + self._period * self._copies
        if deep < self._first:
            layer, place = deep, 0
        elif deep < whole_end:
            place, rest = divmod(deep - self._first, self._period)
            layer = self._first + rest
        else:
            layer, place = deep - self._period * self._copies, 0
        if layer == home:
            return storage, place
        found = self._source.find.get((layer, self._source.name[storage]))
        if found is None:
            raise NotAlike(f"layer {layer} has no {self._trace.storages[storage].op} as layer {home} has")
        return found, place

    def _bear(self, number: int, copy: int) -> None:
        new = len(self._storages) + 1
        self._ids[number, copy] = new
        self._origin[new] = (number, copy)
        self._alive.add(new)
        born = self._trace.storages[number]
        op, phase = self._renamed(born.op, copy), self._phase(born, copy)
        self._storages[new] = replace(born, id=new, op=op, phase=phase, place=None)
        self._events.append((new, born.nbytes))

    def _phase(self, born: Storage, copy: int) -> str:
        found = MARK.match(born.phase)
        return born.phase if found is None else self._mark(born.phase, int(found["number"]), copy)

    def _renamed(self, name: str, copy: int) -> str:
        return NAME.sub(lambda m: f"{m['before']}{self._depth(int(m['number']), copy)}", name, count=1)

    # ------------------------------------------------------------ what comes out

    def _check_repetition(self) -> None:
        """A layer that is repeated must be as its like are, a period away and not at an end."""
        for (home, name), number in self._source.find.items():
            for other in (home - self._period, home + self._period):
                if self._is_unit(home) and 0 < other < self._last:
                    like = self._source.find.get((other, name))
                    if like is None or self._bytes(like) != self._bytes(number):
                        raise NotAlike(f"layers {home} and {other} differ in {name[0]!r}")

    def _check_leftovers(self) -> None:
        """What is left over of a layer must be left over of its repetitions."""
        left: Counter[int] = Counter(self._origin[number][0] for number in self._alive)
        for number, count in left.items():
            if count != (self._copies + 1 if self._is_unit(self._source.home.get(number)) else 1):
                raise NotAlike(f"{self._trace.storages[number].op} is left over in some layers only")

    def _bytes(self, number: int) -> int:
        return self._trace.storages[number].nbytes

    def _whole(self) -> Trace:
        trace = self._trace
        origins = self._origin.items()
        residents = {resident.id: resident for resident in trace.residents}
        return Trace(
            events=tuple(self._events),
            storages=self._storages,
            categories={new: trace.categories[old] for new, (old, _) in origins if old in trace.categories},
            residents=tuple(
                self._resident(residents[old], new, copy) for new, (old, copy) in origins if old in residents
            ),
            operators=trace.operators,
            owners={
                new: self._renamed(trace.owners[old], copy)
                for new, (old, copy) in origins
                if old in trace.owners
            },
        )

    def _resident(self, resident: Resident, new: int, copy: int) -> Resident:
        parts = tuple(self._ids[part, copy] for part in resident.parts)
        return replace(resident, id=new, name=self._renamed(resident.name, copy), parts=parts)
