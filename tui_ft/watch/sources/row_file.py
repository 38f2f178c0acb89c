"""Following a file of rows of ours: each line decoded, bad ones counted, a new start when it was replaced."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from tui_ft.runs.records import complete_lines
from tui_ft.watch.tail import Tail

Row = TypeVar("Row")


class RowFile(ABC, Generic[Row]):
    """Reads what is new of one file; `bad` counts the lines that are no rows."""

    def __init__(self, path: Path, decode: Callable[[bytes], Row]) -> None:
        self._tail = Tail(path)
        self._decode = decode
        self.bad = 0
        self.reset()

    @abstractmethod
    def reset(self) -> None:
        """Forget what was read: the file is another."""

    @abstractmethod
    def take(self, rows: list[Row]) -> None:
        """Take the rows of a piece, in the order in which they were written."""

    def poll(self, end: float) -> bool:
        """Read what is new until the monotonic time `end`; True when anything was. Never raises."""
        changed = False
        while data := self._tail.read():
            if self._tail.restarted:
                self.bad = 0
                self.reset()
            changed = True
            self.take(self._decoded(data))
            if time.monotonic() >= end:
                break
        return changed

    def _decoded(self, data: bytes) -> list[Row]:
        rows = []
        for line in complete_lines(data):
            try:
                rows.append(self._decode(line))
            except msgspec.DecodeError:
                self.bad += 1
        return rows
