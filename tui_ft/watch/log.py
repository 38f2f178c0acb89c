"""The last lines of a log, safe to show: no control character of a log ever reaches the terminal."""

from __future__ import annotations

import re
import unicodedata
from collections import deque
from pathlib import Path

from tui_ft.watch.tail import Tail

KEPT_LINES = 1_000
OPENED_BYTES = 128 * 1024
LONGEST_LINE = 4_000

_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]P_^X].*?(?:\x07|\x1b\\|$)|\x1b[ -/]*[0-~]|\x9b[0-?]*[ -/]*[@-~]",
    re.DOTALL,
)
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories that move the cursor, reorder a line, or have no glyph."""


def clean_line(text: str) -> str:
    """Return a line of a log without escape sequences and control characters.

    Of a progress bar that rewrites its line by carriage returns, the last writing is kept.
    """
    if text.isascii() and text.isprintable():
        return text[:LONGEST_LINE]
    text = _ESCAPES.sub("", text)
    written = [part for part in text.split("\r") if part.strip()]
    text = written[-1] if written else ""
    text = text.expandtabs(4)[:LONGEST_LINE]
    return "".join(
        character for character in text if character == " " or unicodedata.category(character) not in _UNSAFE
    )


class LogBuffer:
    """The last lines of one log file; `version` grows with every change."""

    def __init__(self, path: Path) -> None:
        self._tail = Tail(path)
        self._lines: deque[str] = deque(maxlen=KEPT_LINES)
        self.version = 0

    @property
    def lines(self) -> tuple[str, ...]:
        torn = self._torn()
        return (*self._lines, torn) if torn else tuple(self._lines)

    def _torn(self) -> str:
        """The last line while it has no end yet: a dying process often leaves one."""
        return clean_line(self._tail.torn.decode("utf-8", errors="replace")).rstrip()

    def poll(self) -> bool:
        """Read what was added; of a long file only the end is ever read. True when lines changed."""
        torn = self._tail.torn
        data = self._tail.read(OPENED_BYTES, skip_to_last=OPENED_BYTES)
        if self._tail.restarted:
            self._lines.clear()
        if not data and torn == self._tail.torn and not self._tail.restarted:
            return False
        text = data.decode("utf-8", errors="replace")
        self._lines.extend(clean_line(line).rstrip() for line in text.split("\n")[:-1])
        self.version += 1
        return True
