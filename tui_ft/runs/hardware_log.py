"""hardware.jsonl as the supervisor writes it: the run is worth more than its hardware curve."""

from __future__ import annotations

from collections.abc import Callable

from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.records import HardwareRow, JsonLinesWriter


class HardwareLog:
    """Appends rows and never raises; what could not be written is counted, and said at the end."""

    def __init__(self, run: RunDirectory, say: Callable[[str], None]) -> None:
        self._name = run.hardware.name
        self._say = say
        self._lost = 0
        try:
            self._writer: JsonLinesWriter | None = JsonLinesWriter(run.hardware)
        except OSError:
            self._writer = None

    def append(self, row: HardwareRow | None) -> None:
        """Write a row, where there is one."""
        if row is None or self._writer is None:
            return
        try:
            self._writer.write(row)
        except OSError:
            self._lost += 1

    def close(self) -> None:
        """Write what waits for room."""
        if self._writer is None:
            return
        try:
            self._writer.close()
        except OSError:
            self._lost += 1
        lost = self._writer.dropped + self._lost
        if lost:
            self._say(f"tui-ft: {lost} rows of {self._name} could not be written.")
