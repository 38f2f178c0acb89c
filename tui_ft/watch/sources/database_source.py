"""Runs in a SQLite database: looked at when the file was written to, read in parts."""

from __future__ import annotations

import time
from abc import abstractmethod
from typing import TYPE_CHECKING, Any

from tui_ft.watch.sources import sqlite_file
from tui_ft.watch.sources.foreign import ForeignSource

if TYPE_CHECKING:
    import sqlite3

Row = tuple[Any, ...]


class DatabaseSource(ForeignSource):
    """Follows one run of a database; a format says what it fetches and how that is taken."""

    def start_over(self) -> None:
        super().start_over()
        self._stamp: sqlite_file.Stamp = ()
        self.facts.is_complete = False

    def advance(self, end: float) -> bool:
        file = self.place.files[0]
        stamp = sqlite_file.stamp(file)
        if stamp == self._stamp and self.facts.is_complete:
            return False
        if self._stamp and stamp[0][0] != self._stamp[0][0]:
            self.start_over()
        end = min(end, time.monotonic() + sqlite_file.READ_S)
        with sqlite_file.opened(file) as connection:
            fetched, is_complete = self.fetch(connection, end)
        self._stamp, self.facts.is_complete = stamp, is_complete
        self.take(fetched, stamp[0][2] or None)
        return True

    @abstractmethod
    def fetch(self, connection: sqlite3.Connection, end: float) -> tuple[list[list[Row]], bool]:
        """The rows that were added, by table, and whether these are all of them so far.

        Nothing is taken yet: a reading without locks may turn out void.
        """

    @abstractmethod
    def take(self, fetched: list[list[Row]], modified: float | None) -> None:
        """Put what was fetched into the table and the facts; `modified` is the file's time (unix seconds)."""


def rows_until(cursor: sqlite3.Cursor, at_once: int, end: float) -> tuple[list[Row], bool]:
    """Fetch until the monotonic time `end`, and say whether these are all rows."""
    rows: list[Row] = []
    while part := cursor.fetchmany(at_once):
        rows += part
        if time.monotonic() >= end:
            return rows, len(part) < at_once
    return rows, True
