"""One record of an event file, field by field (tensorflow: event.proto, summary.proto, tensor.proto)."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from tui_ft.watch.sources import wire
from tui_ft.watch.sources.wire import BYTES, FIXED32, FIXED64, VARINT

_EVENT_WALL, _EVENT_STEP, _EVENT_SUMMARY, _SUMMARY_VALUE = 1, 2, 5, 1
_TAG, _SIMPLE_VALUE, _TENSOR, _METADATA = 1, 2, 8, 9
_DTYPE, _SHAPE, _CONTENT, _STRING = 1, 2, 4, 8

STRING_DTYPE = 7
_PACKED = {1: (4, 5, "<f"), 2: (8, 6, "<d"), 19: (2, 13, "")}
"""dtype: (bytes of a value in the content, the field that holds it otherwise, how it is unpacked there)."""
_CONTENT_CODES = {1: "<f", 2: "<d", 3: "<i", 4: "<B", 5: "<h", 6: "<b", 9: "<q", 17: "<H", 19: "<e", 22: "<I"}
"""How raw contents of one value are unpacked, by dtype (tensorflow/core/framework/types.proto)."""
_VARINT_FIELDS = {3: 7, 4: 7, 5: 7, 6: 7, 9: 10, 10: 11, 17: 7, 22: 16}


@dataclass
class Value:
    """One value of a summary: a number with the place where its bytes stand, or text, or neither.

    `at` and `code` say where a plain float stands in the record and how it is unpacked; `at` is -1 where
    it does not stand there as it is.
    """

    tag: str = ""
    number: float | None = None
    text: bytes | None = None
    plugin: str | None = None
    content: bytes = b""
    at: int = -1
    code: str = ""


@dataclass
class Event:
    """A record: when it was written, its step and where the bytes of that stand, and its values."""

    wall: float | None = None
    step: int = 0
    step_at: int = -1
    step_end: int = -1
    values: list[Value] = field(default_factory=list)


def parse(data: bytes, begin: int, end: int) -> Event:
    """Read a record. Raises WireError when its bytes are none."""
    event = Event()
    for number, kind, start, stop in wire.fields(data, begin, end):
        if number == _EVENT_WALL and kind == FIXED64:
            (event.wall,) = struct.unpack_from("<d", data, start)
        elif number == _EVENT_STEP and kind == VARINT:
            event.step = wire.signed(wire.varint(data, start)[0])
            event.step_at, event.step_end = start, stop
        elif number == _EVENT_SUMMARY and kind == BYTES:
            for inner, inner_kind, a, b in wire.fields(data, start, stop):
                if inner == _SUMMARY_VALUE and inner_kind == BYTES:
                    event.values.append(_value(data, a, b))
    return event


def _value(data: bytes, begin: int, end: int) -> Value:
    value = Value()
    for number, kind, start, stop in wire.fields(data, begin, end):
        if number == _TAG and kind == BYTES:
            value.tag = wire.text(data, start, stop)
        elif number == _SIMPLE_VALUE and kind == FIXED32:
            (value.number,) = struct.unpack_from("<f", data, start)
            value.at, value.code = start, "f"
        elif number == _TENSOR and kind == BYTES:
            _tensor(data, start, stop, value)
        elif number == _METADATA and kind == BYTES:
            _metadata(data, start, stop, value)
    return value


def _metadata(data: bytes, begin: int, end: int, value: Value) -> None:
    for number, kind, start, stop in wire.fields(data, begin, end):
        if number == 1 and kind == BYTES:
            for inner, inner_kind, a, b in wire.fields(data, start, stop):
                if inner == 1 and inner_kind == BYTES:
                    value.plugin = wire.text(data, a, b)
                elif inner == 2 and inner_kind == BYTES:
                    value.content = data[a:b]


def _tensor(data: bytes, begin: int, end: int, value: Value) -> None:
    """Read a tensor that holds one number, or text; of a longer one nothing."""
    dtype, places = 0, list(wire.fields(data, begin, end))
    for number, kind, start, stop in places:
        if number == _DTYPE and kind == VARINT:
            dtype = wire.varint(data, start)[0]
        elif (
            (number, kind) == (_SHAPE, BYTES) and dtype != STRING_DTYPE and not _is_single(data, start, stop)
        ):
            return
    for number, kind, start, stop in places:
        if dtype == STRING_DTYPE:
            if number == _STRING and kind == BYTES and value.text is None:
                value.text = data[start:stop]
        elif number == _CONTENT and kind == BYTES:
            _from_content(data, start, stop, dtype, value)
        else:
            _from_field(data, number, kind, start, stop, dtype, value)


def _is_single(data: bytes, begin: int, end: int) -> bool:
    """True for the shape of one value: no dimensions, or all of size one."""
    for number, kind, start, stop in wire.fields(data, begin, end):
        if number == 2 and kind == BYTES:
            sizes = [
                wire.varint(data, a)[0]
                for n, k, a, _ in wire.fields(data, start, stop)
                if (n, k) == (1, VARINT)
            ]
            if sizes != [1]:
                return False
    return True


def _from_content(data: bytes, start: int, stop: int, dtype: int, value: Value) -> None:
    code = _CONTENT_CODES.get(dtype)
    if code is not None and struct.calcsize(code) == stop - start:
        value.number = float(struct.unpack_from(code, data, start)[0])
        if code in ("<f", "<d"):
            value.at, value.code = start, code[1:]
    elif dtype == 14 and stop - start == 2:  # bfloat16: the upper half of a float32
        (value.number,) = struct.unpack("<f", b"\0\0" + data[start:stop])


def _from_field(data: bytes, number: int, kind: int, start: int, stop: int, dtype: int, value: Value) -> None:
    _, place, code = _PACKED.get(dtype, (0, -1, ""))
    if code and number == place and stop - start == struct.calcsize(code):
        (value.number,) = struct.unpack_from(code, data, start)
        value.at, value.code = start, code[1:]
    elif number == _VARINT_FIELDS.get(dtype, -1) and kind in (VARINT, BYTES) and stop > start:
        number_read, end = wire.varint(data, start)
        if end == stop:
            value.number = float(wire.signed(number_read))
