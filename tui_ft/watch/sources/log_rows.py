"""Rows of one kind of line, on their way into a table of their own."""

from __future__ import annotations

from typing import Any

from tui_ft.watch.names import SeriesNames
from tui_ft.watch.sources.rows import MetricTable
from tui_ft.watch.sources.words import series_key


class LogRows:
    """Rows of one kind of line, on their way into a table of their own."""

    def __init__(self) -> None:
        self.table = MetricTable()
        self.hits = 0
        self._names = SeriesNames()
        self._new: list[dict[str, Any]] = []

    def add(self, step: int, epoch: float | None, numbers: dict[str, float], *, is_hit: bool = True) -> None:
        row: dict[str, Any] = {"step": step}
        if epoch is not None:
            row["epoch"] = epoch
        for name, value in numbers.items():
            row[series_key(self._names.of(name))] = value
        self._new.append(row)
        self.hits += is_hit

    def settle(self) -> None:
        """Hand what was added to the table."""
        if self._new:
            self.table.add(self._new)
            self._new = []
