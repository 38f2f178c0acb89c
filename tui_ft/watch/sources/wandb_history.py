"""Rows of history of a `.wandb` file, many at a time.

Rows come in few shapes: the same names in the same order. The first of a shape is read field by field;
of it a pattern is made that takes the numbers out of all others of that shape.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from tui_ft.watch.sources import wandb_message, wire
from tui_ft.watch.sources.wandb_blocks import Record
from tui_ft.watch.sources.wandb_message import HISTORY

_NUMBER = rb'([-+.\deE]{1,40}|"?[-+]?(?:NaN|Infinity|nan|inf)"?)'
_OTHER = rb'(?:"(?:[^"\\\n]|\\.){0,2000}"|true|false|null)'
_HEAD = rb"\x08[\x80-\xff]{0,9}[\x00-\x7f]\x12[\x80-\xff]{0,4}[\x00-\x7f]"
"""The number of the record, then the row with its length."""
_STEP = rb"(?:\x12(?:\x00|[\x02-\x0b]\x08[\x80-\xff]{0,9}[\x00-\x7f]))?(?:[\x82\xc2][\s\S]*)?"
"""The step by itself, then what the client adds for itself (fields 16 and 200 of the outer record)."""
_LENGTH = rb"[\x80-\xff]{0,3}[\x00-\x7f]"
_SHAPES = 8
_MOST_NAMES = 2_000
_FLOATS = msgspec.json.Decoder(list[float])


@dataclass
class Shape:
    """The names of the numbers of rows of one kind, and the pattern that takes them out."""

    names: tuple[str, ...]
    pattern: re.Pattern[bytes]


@dataclass
class Rows:
    """Rows of one shape, in the order of the file: numbers as text by column."""

    names: tuple[str, ...]
    texts: list[tuple[bytes, ...]] = field(default_factory=list)

    def columns(self) -> dict[str, list[float]]:
        """The columns by name."""
        return {
            name: _floats(column)
            for name, column in zip(self.names, zip(*self.texts, strict=True), strict=True)
        }


class History:
    """Takes rows of history apart; remembers the shapes that it met."""

    def __init__(self) -> None:
        self.bad_records = 0
        self._shapes: list[Shape] = []

    def rows(self, records: list[Record]) -> list[Rows]:
        """Return the rows of these records of history; neighbours of one shape come together."""
        found: list[Rows] = []
        shape: Shape | None = self._shapes[0] if self._shapes else None
        taken: list[tuple[bytes, ...]] | None = None
        for data, begin, end in records:
            match = shape.pattern.fullmatch(data, begin, end) if shape is not None else None
            if match is None:
                shape, taken = self._find(data, begin, end), None
                match = shape.pattern.fullmatch(data, begin, end) if shape is not None else None
            if match is None:
                self._take_slowly(data, begin, end, found)
                taken = None
                continue
            if taken is None and shape is not None:
                found.append(Rows(shape.names))
                taken = found[-1].texts
            if taken is not None:
                taken.append(match.groups())
        return found

    def _find(self, data: bytes, begin: int, end: int) -> Shape | None:
        """The known shape that fits this row, or a new one made of it."""
        for shape in self._shapes:
            if shape.pattern.fullmatch(data, begin, end):
                return shape
        try:
            shape_made = _shape(data, begin, end)
        except wire.WireError:
            return None
        if shape_made is not None:
            self._shapes.insert(0, shape_made)
            del self._shapes[_SHAPES:]
        return shape_made

    def _take_slowly(self, data: bytes, begin: int, end: int, found: list[Rows]) -> None:
        """Read a row field by field: one with nested values, or names without end."""
        numbers: dict[str, float] = {}
        try:
            start, stop = wandb_message.body(data, begin, end, HISTORY)
            for item in wandb_message.items(data, start, stop):
                numbers.update(wandb_message.numbers_of(item))
            numbers.setdefault("_step", _own_step(data, start, stop))
        except wire.WireError:
            self.bad_records += 1
            return
        found.append(Rows(tuple(numbers), [tuple(repr(number).encode() for number in numbers.values())]))


def _own_step(data: bytes, begin: int, end: int) -> float:
    """The step that stands beside the values of a row; 0 is left out by the writer."""
    for number, kind, start, stop in wire.fields(data, begin, end):
        if (number, kind) == (2, wire.BYTES):
            for inner, inner_kind, a, _ in wire.fields(data, start, stop):
                if (inner, inner_kind) == (1, wire.VARINT):
                    return float(wire.signed(wire.varint(data, a)[0]))
    return 0.0


def _shape(data: bytes, begin: int, end: int) -> Shape | None:
    """Make a pattern of a row; None for one that holds more than numbers, short texts and truths."""
    start, stop = wandb_message.body(data, begin, end, HISTORY)
    names: list[str] = []
    parts = [_HEAD]
    for item in wandb_message.items(data, start, stop):
        is_number = re.fullmatch(_NUMBER, item.json) is not None
        if not item.head or not (is_number or re.fullmatch(_OTHER, item.json)):
            return None
        if is_number:
            names.append(item.name)
        value = _NUMBER if is_number else _OTHER
        parts += [b"\x0a", _LENGTH, re.escape(item.head), b"\x82\x01", _LENGTH, value]
    if "_step" not in names or len(set(names)) != len(names) or len(names) > _MOST_NAMES:
        return None
    return Shape(tuple(names), re.compile(b"".join(parts) + _STEP, re.DOTALL))


def _floats(column: Sequence[bytes]) -> list[float]:
    """Numbers from their texts, exactly; what is no number after all is NaN."""
    try:
        return _FLOATS.decode(b"[" + b",".join(column) + b"]")
    except msgspec.DecodeError:
        return [_float(text) for text in column]


def _float(text: bytes) -> float:
    try:
        return float(text.strip(b'"'))
    except ValueError:
        return math.nan
