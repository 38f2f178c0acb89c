"""Records of a `.wandb` file, field by field (wandb/proto/wandb_internal.proto)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tui_ft.watch.sources import setting_values, wire
from tui_ft.watch.sources.wire import BYTES, VARINT

HISTORY, CONFIG, STATS, METRIC, OUTPUT, OUTPUT_RAW, RUN, EXIT, ENVIRONMENT = 2, 5, 7, 12, 4, 13, 17, 18, 26
"""Numbers of the records that tell something to a reader."""

VALUE_JSON = 16
_ENVELOPE = frozenset({16, 19, 200})
"""What the client writes for itself into the outer record: control, uuid, info."""
_QUICK = frozenset(bytes([number << 3 | BYTES]) for number in (2, 3, 7, 13))
"""The first bytes of the records that come in great numbers: history, summary, statistics, output."""


@dataclass
class Item:
    """One value of a row: its name and its JSON; `head` are the bytes before the JSON, without lengths.

    `head` is b"" for an item that is built otherwise than writers build it.
    """

    name: str
    json: bytes
    head: bytes


def kind_of(data: bytes, begin: int, end: int) -> int:
    """The number of the record in an outer record; 0 when there is none. Raises WireError."""
    if data[begin : begin + 1] == b"\x08":  # the number of the record comes first, and then mostly the record
        at = begin + 1
        while at < end and data[at] >= 0x80:
            at += 1
        if data[at + 1 : at + 2] in _QUICK:
            return data[at + 1] >> 3
    for number, kind, _, _ in wire.fields(data, begin, end):
        if kind == BYTES and number not in _ENVELOPE:
            return number
    return 0


def body(data: bytes, begin: int, end: int, number: int) -> tuple[int, int]:
    """Where the record of this number begins and ends in the outer record. Raises WireError."""
    for here, kind, start, stop in wire.fields(data, begin, end):
        if (here, kind) == (number, BYTES):
            return start, stop
    raise wire.WireError("no such record")


def items(data: bytes, begin: int, end: int, number: int = 1) -> Iterator[Item]:
    """The values of a row of history, a change of the configuration, or a row of statistics."""
    for here, kind, start, stop in wire.fields(data, begin, end):
        if (here, kind) != (number, BYTES):
            continue
        names, value, head, before = [], b"", b"", start
        for inner, inner_kind, a, b in wire.fields(data, start, stop):
            if inner in (1, 2) and inner_kind == BYTES and b > a:
                names.append(wire.text(data, a, b))
            elif (inner, inner_kind) == (VALUE_JSON, BYTES):
                value = data[a:b]
                head = data[start:before] if b == stop else b""
            before = b
        yield Item(".".join(names), value, head)


def numbers_of(item: Item) -> dict[str, float]:
    """The numbers of an item: one, or those of a nested dictionary by dotted names; none of a picture."""
    known = setting_values.loads(item.json)
    if isinstance(known, dict):
        return {f"{item.name}.{name}": number for name, number in flat_numbers(known).items()}
    number = as_number(known)
    return {} if number is None else {item.name: number}


def flat_numbers(known: dict[str, Any]) -> dict[str, float]:
    """The numbers of a dictionary, by dotted names where nested; none of pictures and tables."""
    found: dict[str, float] = {}
    for name, value in list(known.items())[: setting_values.MOST_SETTINGS]:
        if isinstance(value, dict):
            if "_type" not in value:
                found |= {f"{name}.{inner}": number for inner, number in flat_numbers(value).items()}
        elif (number := as_number(value)) is not None:
            found[name] = number
    return {} if "_type" in known else found


def as_number(value: object) -> float | None:
    """A decoded value as a number: also the words NaN and Infinity; None for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and value.strip("+-") not in ("NaN", "Infinity", "nan", "inf"):
        return None
    try:
        return float(value)
    except OverflowError:
        return -math.inf if isinstance(value, int) and value < 0 else math.inf
    except ValueError:
        return None


def stamp(data: bytes, begin: int, end: int) -> float:
    """A google.protobuf.Timestamp as unix seconds."""
    seconds = nanos = 0
    for number, kind, start, _ in wire.fields(data, begin, end):
        if kind == VARINT and number == 1:
            seconds = wire.signed(wire.varint(data, start)[0])
        elif kind == VARINT and number == 2:
            nanos = wire.signed(wire.varint(data, start)[0])
    return seconds + nanos / 1e9


@dataclass
class Run:
    """What the record of the run says."""

    id: str = ""
    project: str = ""
    name: str = ""
    host: str = ""
    started_at: float | None = None
    config: dict[str, Any] = field(default_factory=dict)


def run(data: bytes, begin: int, end: int) -> Run:
    """Read the record of the run. Raises WireError."""
    known = Run()
    for number, kind, start, stop in wire.fields(data, begin, end):
        if kind != BYTES:
            continue
        if number == 1:
            known.id = wire.text(data, start, stop)
        elif number == 3:
            known.project = wire.text(data, start, stop)
        elif number == 8:
            known.name = wire.text(data, start, stop)
        elif number == 13:
            known.host = wire.text(data, start, stop)
        elif number == 17:
            known.started_at = stamp(data, start, stop)
        elif number == 4:
            known.config = config(data, start, stop)
    return known


def config(data: bytes, begin: int, end: int) -> dict[str, Any]:
    """A change of the configuration by name; W&B's own part is left out. Raises WireError."""
    found = {item.name: setting_values.loads(item.json) for item in items(data, begin, end)}
    return {name: value for name, value in found.items() if not name.startswith("_wandb")}
