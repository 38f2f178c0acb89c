"""Scalars of event files, many records at a time.

Records of one size are alike but for a time, a step and a value: the first of a kind is read field by
field, which tells where these stand, and all others are unpacked by that layout as they are.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple, TypeVar

from tui_ft.watch.sources import crc32c, event_message
from tui_ft.watch.sources.event_frames import FOOTER_BYTES, Frames
from tui_ft.watch.sources.event_message import Event, Value
from tui_ft.watch.sources.pace import newest
from tui_ft.watch.sources.wire import WireError

_WIDEST_TOGETHER = 512
"""Records up to this size are checked together; longer ones are few, and hold no plain scalar."""
_LONGEST_CHECKED = 16 * 1024
_FEW = 8
"""So few records of a size are not worth a layout."""
_LONGEST_STEP = 5
"""A longer step, also a negative one, is read field by field."""
_ROUNDS = 6
_KNOWN_KINDS = 4096
_NEW_KINDS = 32
_SCALARS = "scalars"
_Number = TypeVar("_Number", int, float)


@dataclass
class Column:
    """What a piece of a file holds of one tag: the places of the records, their times, steps and values."""

    places: list[int] = field(default_factory=list)
    walls: list[float] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    def put_in_order(self) -> None:
        """Sort by the places of the records: kinds of records were read one after the other."""
        if all(a < b for a, b in pairwise(self.places)):
            return
        order = sorted(range(len(self.places)), key=self.places.__getitem__)
        self.places, self.steps = [self.places[i] for i in order], [self.steps[i] for i in order]
        self.walls, self.values = [self.walls[i] for i in order], [self.values[i] for i in order]


class _Layout(NamedTuple):
    """Where step and value stand in a record of a size, and by which struct the record is taken apart."""

    step_at: int
    step_bytes: int
    value_at: int
    code: str
    rest: int

    @property
    def cuts(self) -> struct.Struct:
        """The wall time behind its tag, then the step and the value, with the bytes between."""
        between = self.value_at - self.step_at - self.step_bytes
        return struct.Struct(f"<cd{self.step_at - 9}s{self.step_bytes}s{between}s{self.code}{self.rest}s")


@dataclass
class Decoded:
    """A piece of a file: columns by tag, what is no scalar, the first damaged place, the newest time."""

    columns: dict[str, Column] = field(default_factory=dict)
    others: list[Value] = field(default_factory=list)
    bad_records: int = 0
    damage: int | None = None
    wall: float | None = None


class Scalars:
    """Decodes the pieces of one event file, in order."""

    def __init__(self) -> None:
        self.plugins: dict[str, str] = {}
        self._kinds: dict[tuple[object, ...], str | None] = {}

    def decode(self, data: bytes, frames: Frames) -> Decoded:
        """Decode the records of a piece, up to the first one whose checksum is wrong.

        Steps are int64, values float64 (a float32 widened), walls unix seconds.
        """
        decoded = Decoded(damage=_first_damage(data, frames))
        for size, begins in frames.begins.items():
            if decoded.damage is not None:
                begins = [begin for begin in begins if begin < decoded.damage]
            if len(begins) < _FEW or size > _WIDEST_TOGETHER:
                self._one_by_one(data, size, begins, decoded)
            else:
                self._together(data, size, begins, decoded)
        for column in decoded.columns.values():
            column.put_in_order()
            decoded.wall = newest(column.walls, decoded.wall)
        return decoded

    def _together(self, data: bytes, size: int, begins: list[int], decoded: Decoded) -> None:
        """Read records of one size by the layouts that they have, the rare rest one by one."""
        for _ in range(_ROUNDS):
            if len(begins) < _FEW:
                break
            layout = self._layout(data, begins[0], size)
            if layout is None:
                self._one_by_one(data, size, begins[:1], decoded)
                begins = begins[1:]
            else:
                begins = self._by_layout(data, size, begins, layout, decoded)
        self._one_by_one(data, size, begins, decoded)

    def _by_layout(
        self, data: bytes, size: int, begins: list[int], layout: _Layout, decoded: Decoded
    ) -> list[int]:
        """Take the records that have this layout; return the places of the others."""
        rows = b"".join([data[begin : begin + size] for begin in begins])
        tags, walls, heads, steps, betweens, values, rests = zip(*layout.cuts.iter_unpack(rows), strict=True)
        numbers = _varints(b"".join(steps), layout.step_bytes, len(begins))
        kinds: dict[tuple[Any, ...], list[int]] = {}
        for at, kind in enumerate(zip(tags, heads, betweens, rests, strict=True)):
            kinds.setdefault(kind, []).append(at)
        rest: list[int] = []
        new_kinds = 0
        for kind, places in kinds.items():
            new_kinds += (layout, *kind) not in self._kinds
            if new_kinds > _NEW_KINDS:  # bytes of another layout, ever others: one to itself each
                rest += [begins[at] for at in places]
                continue
            name = self._name(kind, layout, data, begins[places[0]], size)
            if name is None:
                rest += [begins[at] for at in places]
            elif len(kinds) == 1:
                _extend(decoded, name, begins, walls, numbers, values)
            else:
                _extend(decoded, name, *(_at(places, column) for column in (begins, walls, numbers, values)))
        return sorted(rest)

    def _layout(self, data: bytes, begin: int, size: int) -> _Layout | None:
        """The layout of a record that is one scalar; None for any other."""
        try:
            event = event_message.parse(data, begin, begin + size)
        except WireError:
            return None
        return _layout_of(event, begin, size) if self._scalar(event) is not None else None

    def _name(self, kind: tuple[Any, ...], layout: _Layout, data: bytes, begin: int, size: int) -> str | None:
        """The tag of the records that have these bytes around their numbers; None when they are others."""
        key = (layout, *kind)
        if key not in self._kinds:
            if len(self._kinds) >= _KNOWN_KINDS:
                self._kinds.clear()
            try:
                event = event_message.parse(data, begin, begin + size)
            except WireError:
                return None
            tag, own = self._scalar(event), _layout_of(event, begin, size)
            self._kinds[key] = tag if own == layout else None
        return self._kinds[key]

    def _scalar(self, event: Event) -> str | None:
        """The tag when the event is one scalar; learns which plugin a tag belongs to."""
        for value in event.values:
            if value.plugin and len(self.plugins) < _KNOWN_KINDS:
                self.plugins.setdefault(value.tag, value.plugin)
        if len(event.values) != 1 or event.wall is None:
            return None
        return event.values[0].tag if self._is_scalar(event.values[0]) else None

    def _is_scalar(self, value: Value) -> bool:
        return value.number is not None and self.plugins.get(value.tag, _SCALARS) == _SCALARS

    def _one_by_one(self, data: bytes, size: int, begins: Iterable[int], decoded: Decoded) -> None:
        for begin in begins:
            try:
                event = event_message.parse(data, begin, begin + size)
            except WireError:
                decoded.bad_records += 1
                continue
            self._scalar(event)
            for value in event.values:
                if self._is_scalar(value) and value.number is not None:
                    wall = event.wall if event.wall is not None else float("nan")
                    _extend(decoded, value.tag, [begin], [wall], [event.step], [value.number])
                else:
                    decoded.others.append(value)


def _extend(
    decoded: Decoded, name: str, places: Iterable[int], walls: Iterable[float], steps: Iterable[int],
    values: Iterable[float],
) -> None:  # fmt: skip
    column = decoded.columns.setdefault(name, Column())
    column.places.extend(places)
    column.walls.extend(walls)
    column.steps.extend(steps)
    column.values.extend(values)


def _at(places: list[int], column: Sequence[_Number]) -> list[_Number]:
    return [column[at] for at in places]


def _layout_of(event: Event, begin: int, size: int) -> _Layout | None:
    """The layout of an event of one value; None where its numbers do not stand there as they are."""
    if len(event.values) != 1:
        return None
    value = event.values[0]
    if value.at < 0 or event.step_end - event.step_at > _LONGEST_STEP:
        return None
    step_at = event.step_at - begin if event.step_at >= 0 else 9
    step_bytes = event.step_end - event.step_at if event.step_at >= 0 else 0
    value_at, width = value.at - begin, struct.calcsize(f"<{value.code}")
    if step_at < 9 or value_at < step_at + step_bytes:
        return None
    return _Layout(step_at, step_bytes, value_at, value.code, size - value_at - width)


def _varints(column: bytes, width: int, count: int) -> list[int]:
    """Numbers of `width` bytes each, seven bits a byte, the lowest first."""
    if width == 0:
        return [0] * count
    numbers = [byte & 0x7F for byte in column[::width]]
    for place in range(1, width):
        shift = 7 * place
        numbers = [n | (byte & 0x7F) << shift for n, byte in zip(numbers, column[place::width], strict=True)]
    return numbers


def _first_damage(data: bytes, frames: Frames) -> int | None:
    """Where the first record begins whose checksum is wrong; None when all are right."""
    bad = [begin for size, begins in frames.begins.items() for begin in _bad(data, size, begins)]
    return min(bad, default=None)


def _bad(data: bytes, size: int, begins: list[int]) -> Iterator[int]:
    if size > _LONGEST_CHECKED:
        return
    if size > _WIDEST_TOGETHER or len(begins) < _FEW:
        sums = [crc32c.masked(crc32c.crc32c(data[begin : begin + size])) for begin in begins]
    else:
        rows = b"".join([data[begin : begin + size] for begin in begins])
        sums = crc32c.masked_of_rows(rows, size)
    for begin, known in zip(begins, sums, strict=True):
        if int.from_bytes(data[begin + size : begin + size + FOOTER_BYTES], "little") != known:
            yield begin
