"""Rows of metrics turned into series, a column at a time where rows are alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby, islice, pairwise
from operator import lt
from typing import Any

import msgspec

from tui_ft.runs.records import complete_lines, decode_metrics, number
from tui_ft.watch.series import Series

NOT_SERIES = frozenset({"schema", "step", "time", "epoch"})

_PLAIN_NUMBERS = {int, float}
_MANY = msgspec.json.Decoder(list[dict[str, Any]])


def decode_rows(data: bytes) -> tuple[list[dict[str, Any]], int]:
    """Decode complete lines; return the rows that are rows of metrics, and how many lines were bad."""
    lines = list(complete_lines(data))
    bad = 0
    try:
        rows = _MANY.decode(b"[" + b",".join(lines) + b"]")
        if len(rows) != len(lines):  # a bad line may hold a comma between two objects
            raise msgspec.DecodeError("not one row a line")
    except (msgspec.DecodeError, UnicodeDecodeError):
        rows = []
        for line in lines:
            try:
                rows.append(decode_metrics(line))
            except (msgspec.DecodeError, UnicodeDecodeError):
                bad += 1
    good = [row for row in rows if type(row.get("step")) is int]
    return good, bad + len(rows) - len(good)


def _keys(row: dict[str, Any]) -> tuple[str, ...]:
    return tuple(row)


class MetricTable:
    """All series of a run by name, and where its steps went back."""

    def __init__(self) -> None:
        self.series: dict[str, Series] = {}
        self.times = Series()
        self.step: int | None = None
        self.epoch: float | None = None
        self.time: float | None = None
        self.back_steps: list[float] = []

    def add(self, rows: Iterable[dict[str, Any]]) -> None:
        """Take rows in the order of the file."""
        for keys, group in groupby(rows, key=_keys):
            self._add_alike(keys, list(group))
        for series in (*self.series.values(), self.times):
            series.settle()

    def _add_alike(self, keys: tuple[str, ...], rows: list[dict[str, Any]]) -> None:
        steps = [row["step"] for row in rows]
        is_upwards = all(map(lt, steps, islice(steps, 1, None)))
        self._follow(keys, rows, steps)
        for key in keys:
            if key not in NOT_SERIES:
                self._add_column(self._series(key), steps, [row[key] for row in rows], is_upwards)
        if "time" in keys and "loss" in keys:
            self._add_column(self.times, steps, [row["time"] for row in rows], is_upwards)

    def _follow(self, keys: tuple[str, ...], rows: list[dict[str, Any]], steps: list[int]) -> None:
        """Note step, epoch and time, and where the steps of training go back."""
        last = rows[-1]
        self.epoch = number(last.get("epoch")) if "epoch" in keys else self.epoch
        self.time = number(last.get("time")) if "time" in keys else self.time
        if "loss" in keys:
            before = [self.step if self.step is not None else steps[0], *steps]
            self.back_steps += [float(step) for last, step in pairwise(before) if step < last]
            self.step = steps[-1]
        elif self.step is None or steps[-1] > self.step:
            self.step = steps[-1]

    def _series(self, key: str) -> Series:
        if key not in self.series:
            self.series[key] = Series()
        return self.series[key]

    @staticmethod
    def _add_column(series: Series, steps: Sequence[int], column: list[Any], is_upwards: bool) -> None:
        if is_upwards and set(map(type, column)) <= _PLAIN_NUMBERS:
            series.extend(steps, column)
            return
        for step, value in zip(steps, column, strict=True):
            if (known := number(value)) is not None:
                series.add(step, known)

    def named_series(self) -> dict[str, Series]:
        """The series that have at least one point."""
        return {name: series for name, series in self.series.items() if len(series)}
