"""Rows of metrics as our trainer writes them: JSON lines, decoded many at a time where they are alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from tui_ft.runs.records import complete_lines, decode_metrics
from tui_ft.watch.sources.row_columns import Rows, column
from tui_ft.watch.sources.table import NOT_SERIES, MetricTable

__all__ = ["NOT_SERIES", "MetricTable", "RowReader", "decode_rows"]

_MANY = msgspec.json.Decoder(list[dict[str, Any]])
_BAD = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_LARGEST_STEP = 2**53
_MOST_NAMES = 256
"""Rows of more names than this are decoded one by one: what is learned of them must stay small."""


def decode_rows(data: bytes) -> tuple[list[dict[str, Any]], int]:
    """Decode complete lines; return the rows that are rows of metrics, and how many lines were bad."""
    lines = list(complete_lines(data))
    bad = 0
    try:
        rows = _MANY.decode(b"[" + b",".join(lines) + b"]")
        if len(rows) != len(lines):  # a bad line may hold a comma between two objects
            raise msgspec.DecodeError("not one row a line")
    except _BAD:
        rows = []
        for line in lines:
            try:
                rows.append(decode_metrics(line))
            except msgspec.DecodeError:
                bad += 1
    good = [row for row in rows if type(row.get("step")) is int and abs(row["step"]) < _LARGEST_STEP]
    return good, bad + len(rows) - len(good)


class RowReader:
    """Reads lines into a table, by a decoder made for the names that the rows had so far.

    That one is three times as quick as the general one, and refuses whatever it was not made for: a name
    that is new, a word in place of a number, a line that is no row. Then the general one reads the lines.
    """

    def __init__(self) -> None:
        self._names: list[str] = []
        self._columns: dict[str, Callable[[Rows], list[Any]]] = {}
        self._decoder: msgspec.json.Decoder[Any] | None = None

    def read(self, data: bytes, table: MetricTable) -> int:
        """Take complete lines; return how many of them were bad."""
        decoded = self._decode(data)
        if decoded is not None:
            steps, columns = decoded
            table.add_numbers(steps, columns)
            return 0
        rows, bad = decode_rows(data)
        table.add(rows)
        self._learn(rows)
        return bad

    def _decode(self, data: bytes) -> tuple[Sequence[int], Mapping[str, Sequence[Any]]] | None:
        if self._decoder is None:
            return None
        try:
            rows = self._decoder.decode_lines(data)
        except _BAD:
            return None
        steps = [row.step for row in rows]
        if not steps or max(steps) >= _LARGEST_STEP or min(steps) <= -_LARGEST_STEP:
            return None
        columns = {name: take(rows) for name, take in self._columns.items()}
        return steps, {name: column for name, column in columns.items() if is_any_known(column)}

    def _learn(self, rows: Sequence[Mapping[str, Any]]) -> None:
        names = dict.fromkeys([*self._names, *(name for row in rows for name in row if name != "step")])
        if len(names) == len(self._names) or len(names) > _MOST_NAMES or not all(map(_is_plain, names)):
            return
        self._names = list(names)
        self._columns = {name: column(at) for at, name in enumerate(names) if name not in ("schema", "step")}
        fields = [(f"f{at}", float | None, None) for at in range(len(self._names))]
        row = msgspec.defstruct(
            "Row", [("step", int), *fields], gc=False, forbid_unknown_fields=True,
            rename={f"f{at}": name for at, name in enumerate(self._names)},
        )  # fmt: skip
        self._decoder = msgspec.json.Decoder(row)


def _is_plain(name: str) -> bool:
    """True for a name that a decoder can be made for."""
    return name.isprintable() and not {"\\", '"'} & set(name)


def is_any_known(values: Sequence[object]) -> bool:
    """True when a column holds a value at all."""
    return values[0] is not None or values.count(None) < len(values)
