"""Scalars of event files, many records at a time.

Records of one size are alike but for a time, a step and a value: the first of a kind is read field by
field, which tells where these stand, and all others are unpacked by that layout as they are.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from tui_ft.watch.sources import crc32c, event_message
from tui_ft.watch.sources.event_frames import FOOTER_BYTES, Frames
from tui_ft.watch.sources.event_message import Event, Value
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
_SCALARS = "scalars"


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


@dataclass(frozen=True)
class _Layout:
    """Where step and value stand in a record of a size, and by which struct the record is taken apart."""

    step_at: int
    step_bytes: int
    value_at: int
    code: str
    cuts: struct.Struct


@dataclass
class Decoded:
    """A piece of a file: columns by tag, what is no scalar, and the place of the first damaged record."""

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
        kinds = list(zip(tags, heads, betweens, rests, strict=True))
        names = {kind: self._name(kind, layout, data, begins[kinds.index(kind)], size) for kind in set(kinds)}
        numbers = _varints(b"".join(steps), layout.step_bytes, len(begins))
        decoded.wall = max(decoded.wall or 0.0, *walls)
        if len(names) == 1:
            name = next(iter(names.values()))
            if name is None:
                return begins
            _extend(decoded, name, begins, walls, numbers, values)
            return []
        rest = []
        for kind, name in names.items():
            at = [i for i, other in enumerate(kinds) if other == kind]
            if name is None:
                rest += [begins[i] for i in at]
            else:
                _extend(decoded, name, [begins[i] for i in at], [walls[i] for i in at],
                        [numbers[i] for i in at], [values[i] for i in at])  # fmt: skip
        return sorted(rest)

    def _layout(self, data: bytes, begin: int, size: int) -> _Layout | None:
        """The layout of a record that is one scalar; None for any other."""
        try:
            event = event_message.parse(data, begin, begin + size)
        except WireError:
            return None
        return _layout_of(event, begin, size) if self._scalar(event) is not None else None

    def _name(
        self, kind: tuple[bytes, ...], layout: _Layout, data: bytes, begin: int, size: int
    ) -> str | None:
        """The tag of the records that have these bytes around their numbers; None when they are others."""
        key = (layout.cuts.format, layout.value_at, *kind)
        if key not in self._kinds:
            if len(self._kinds) >= _KNOWN_KINDS:
                self._kinds.clear()
            try:
                event = event_message.parse(data, begin, begin + size)
            except WireError:
                return None
            tag, own = self._scalar(event), _layout_of(event, begin, size)
            is_same = own is not None and _places(own) == _places(layout)
            self._kinds[key] = tag if is_same else None
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
            if event.wall is not None:
                decoded.wall = max(decoded.wall or 0.0, event.wall)


def _extend(
    decoded: Decoded, name: str, places: Iterable[int], walls: Iterable[float], steps: Iterable[int],
    values: Iterable[float],
) -> None:  # fmt: skip
    column = decoded.columns.setdefault(name, Column())
    column.places.extend(places)
    column.walls.extend(walls)
    column.steps.extend(steps)
    column.values.extend(values)


def _places(layout: _Layout) -> tuple[int, int, int, str]:
    return layout.step_at, layout.step_bytes, layout.value_at, layout.code


def _layout_of(event: Event, begin: int, size: int) -> _Layout | None:
    """The layout of an event of one value; None where its numbers do not stand there as they are."""
    value = event.values[0]
    if value.at < 0 or event.step_end - event.step_at > _LONGEST_STEP:
        return None
    step_at = event.step_at - begin if event.step_at >= 0 else 9
    step_bytes = event.step_end - event.step_at if event.step_at >= 0 else 0
    value_at, width = value.at - begin, struct.calcsize(f"<{value.code}")
    if step_at < 9 or value_at < step_at + step_bytes:
        return None
    between, rest = value_at - step_at - step_bytes, size - value_at - width
    cuts = struct.Struct(f"<cd{step_at - 9}s{step_bytes}s{between}s{value.code}{rest}s")
    return _Layout(step_at, step_bytes, value_at, value.code, cuts)


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
