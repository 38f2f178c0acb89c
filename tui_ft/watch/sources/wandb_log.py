"""What a run printed, where only its `.wandb` file holds it."""

from __future__ import annotations

from collections import deque

from tui_ft.watch.log import KEPT_LINES, clean_line

_LONGEST_PART = 16_384


class PrintedLog:
    """The last lines that were printed; `version` grows with every change. Read like a LogBuffer."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._part = ""
        self._seen = 0
        self.version = 0

    @property
    def lines(self) -> tuple[str, ...]:
        part = clean_line(self._part).rstrip()
        return (*self._lines, part) if part else tuple(self._lines)

    def add(self, text: str) -> None:
        """Take what was written next, line ends and carriage returns as they were."""
        *whole, rest = (self._part + text).split("\n")
        self._lines.extend(clean_line(line).rstrip() for line in whole)
        self._part = rest[rest.rstrip("\r").rfind("\r") + 1 :][-_LONGEST_PART:]
        self.version += 1

    def poll(self) -> bool:
        """True when lines were added since the last call."""
        before, self._seen = self._seen, self.version
        return before != self.version
