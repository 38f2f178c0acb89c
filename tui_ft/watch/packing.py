"""A table of curves as bytes and back: what the cache keeps of a run."""

from __future__ import annotations

import os
import zlib
from array import array
from collections.abc import Iterator
from typing import Any, BinaryIO, Literal

import msgspec

from tui_ft.watch.series import Series
from tui_ft.watch.sources.table import MetricTable
from tui_ft.watch.steps import Steps
from tui_ft.watch.stored import StoredColumn, StoredFile
from tui_ft.watch.values import BLOCK, Values

_ARRAYS = 6
"""Of each curve: see `Series.parts`."""
_PIECE = 65_536
"""Numbers looked through at a time."""


class PackedSteps(msgspec.Struct, frozen=True):
    """A column of steps: a start and a stride, or so many listed numbers."""

    start: int
    stride: int
    count: int
    is_listed: bool


class PackedSeries(msgspec.Struct, frozen=True):
    """A curve: which column of steps, and how many numbers of each kind follow."""

    steps: int
    typecode: Literal["d", "f"]
    whole: int
    rest: int
    blocks: int
    gaps: int
    rewrites: int
    stays_wide: bool


class PackedTable(msgspec.Struct, frozen=True):
    """Everything of a table but its numbers, which follow as arrays in the order of `arrays`."""

    steps: list[PackedSteps]
    names: list[str]
    series: list[PackedSeries]
    step: int | None
    epoch: float | None
    time: float | None
    back_steps: list[float]
    restarts: int
    clock: str
    trained: float | None


class UnpackError(ValueError):
    """Bytes that are no table."""


def pack(table: MetricTable) -> tuple[PackedTable, list[array[Any]]]:
    """Return a table as its description and its arrays; both share the table's memory."""
    columns: dict[int, int] = {}
    steps: list[PackedSteps] = []
    arrays: list[array[Any]] = []
    curves = [table.times, *table.series.values()]
    for curve in curves:
        if id(curve.own_steps) not in columns:
            columns[id(curve.own_steps)] = len(steps)
            start, stride, count, listed = curve.own_steps.parts()
            steps.append(PackedSteps(start, stride, count, listed is not None))
            arrays += [listed] if listed is not None else []
    packed = []
    for curve in curves:
        parts = curve.parts()
        head, tail, lows, highs, gaps, ends = parts
        kind: Literal["d", "f"] = "f" if head.typecode == "f" else "d"
        packed.append(
            PackedSeries(
                columns[id(curve.own_steps)], kind, len(head), len(tail), len(lows), len(gaps),
                curve.rewrites, curve.stays_wide,
            )
        )  # fmt: skip
        arrays += [head, tail, lows, highs, gaps, ends]
    described = PackedTable(
        steps, list(table.series), packed, table.step, table.epoch, table.time, table.back_steps,
        table.restarts, *table.clock(),
    )  # fmt: skip
    return described, arrays


def leave(table: MetricTable, arrays: list[array[Any]], file: StoredFile, start: int) -> None:
    """Leave the long columns of a table to the file in which its arrays lie, from byte `start` on."""
    offsets = [start]
    for numbers in arrays:
        offsets.append(offsets[-1] + len(numbers) * numbers.itemsize)
    first = len(arrays) - _ARRAYS * (len(table.series) + 1)  # the steps come before the curves
    for at, series in enumerate(table.series.values(), 1):
        head = first + _ARRAYS * at
        if arrays[head].typecode == "f":
            series.values.leave_to(StoredColumn(file, "f", offsets[head], len(arrays[head])))


def unpack(described: PackedTable, numbers: Numbers) -> MetricTable:
    """Make the table again. Raises `UnpackError` when the numbers are not what was described."""
    if len(described.series) != len(described.names) + 1:
        raise UnpackError("names and series differ in number")
    steps = []
    for packed in described.steps:
        listed = numbers.take("d", packed.count) if packed.is_listed else None
        steps.append(Steps.of_parts(packed.start, packed.stride, packed.count, listed))
    curves = [_curve(packed, steps, numbers) for packed in described.series]
    if numbers.left:
        raise UnpackError("more bytes than were described")
    table = MetricTable()
    table.times = curves[0]
    table.series = dict(zip(described.names, curves[1:], strict=True))
    table.step, table.epoch, table.time = described.step, described.epoch, described.time
    table.back_steps, table.restarts = list(described.back_steps), described.restarts
    table.set_clock(described.clock, described.trained)
    return table


def _curve(packed: PackedSeries, steps: list[Steps], numbers: Numbers) -> Series:
    head = numbers.leave(packed.typecode, packed.whole)
    tail = numbers.take("d", packed.rest)
    lows, highs = numbers.take("d", packed.blocks), numbers.take("d", packed.blocks)
    gaps, ends = numbers.take("q", packed.gaps), numbers.take("d", 4)
    count = packed.whole + packed.rest
    is_whole = 0 <= packed.steps < len(steps) and packed.blocks <= count // BLOCK
    if not is_whole or len(steps[packed.steps]) < count or (gaps and not 0 <= min(gaps) <= max(gaps) < count):
        raise UnpackError("a curve does not fit its steps")
    values = Values.of_parts(head, tail.tolist(), was_narrow=packed.stays_wide)
    return Series.of_parts(
        steps[packed.steps], values, lows, highs, gaps, ends,
        rewrites=packed.rewrites, stays_wide=packed.stays_wide,
    )  # fmt: skip


class Numbers:
    """Arrays one after the other in a file, of which `left` bytes are left; `checksum` is their CRC-32."""

    def __init__(self, file: BinaryIO, left: int) -> None:
        self._file = file
        self._stored = StoredFile(os.dup(file.fileno()))
        self.left = left
        self.checksum = 0

    def take(self, typecode: str, count: int) -> array[Any]:
        """Read the next array. Raises `UnpackError` when there are not so many bytes."""
        made = array(typecode)
        size = count * made.itemsize
        if not 0 <= size <= self.left:  # before anything is read, however much was claimed
            raise UnpackError("fewer bytes than were described")
        try:
            made.fromfile(self._file, count)
        except EOFError as error:
            raise UnpackError("the file ends too soon") from error
        self.left -= size
        self.checksum = zlib.crc32(made, self.checksum)
        return made

    def leave(self, typecode: str, count: int) -> array[Any] | StoredColumn:
        """Look the next array through; a long one of float32 stays in the file. Raises `UnpackError`."""
        if typecode != "f":
            return self.take(typecode, count)
        offset, rest = self._file.tell(), count
        while rest:
            rest -= len(self.take(typecode, min(rest, _PIECE)))
        return StoredColumn(self._stored, typecode, offset, count)


def chunks(arrays: list[array[Any]]) -> Iterator[memoryview]:
    """The bytes of the arrays, without a copy."""
    for numbers in arrays:
        if len(numbers):
            yield memoryview(numbers).cast("B")
