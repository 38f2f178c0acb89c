"""Where the next row of a JSON array begins behind one that is broken, judged by the rows before."""

from __future__ import annotations

import json
import re
from typing import Any

_FIRST_KEY = re.compile(r'\{\s*("(?:[^"\\\n]|\\.)*")\s*:')
_MOST_KEYS = 8
ANY_ROW = re.compile(r"[,\n]\s*(?=\{)")
"""What may be the beginning of a further row."""


class Layout:
    """How the rows seen so far are laid out: each on a line of its own at one indentation, or not."""

    def __init__(self) -> None:
        self._indents: set[str | None] = set()
        self._keys: set[str] = set()
        self._is_ambiguous = False

    def see_gap(self, gap: str, number: int, *, starts_file: bool) -> None:
        """Learn from the characters between row `number` and the one before it."""
        if "\n" in gap:
            self._indents.add(gap[gap.rindex("\n") + 1 :].replace(",", ""))
        elif number > 1 or starts_file:
            self._indents.add(None if number > 1 else gap)

    def see_row(self, text: str, start: int, end: int, value: Any) -> None:
        """Learn from a whole row, which is `text[start:end]`."""
        if not isinstance(value, dict):
            return
        for first in value:
            self._keys.add(json.dumps(first, ensure_ascii=False))
            break
        if self._is_ambiguous or len(self._keys) > _MOST_KEYS:
            return
        if (indent := self._indent()) is not None:
            self._is_ambiguous = text.find("\n" + indent + "{", start + 1, end) >= 0
        else:
            self._is_ambiguous = any(text.count(key, start, end) > 1 for key in self._keys)

    def next_row(self, text: str, start: int) -> re.Pattern[str] | None:
        """Return what ends right before the row behind the broken one at `start`; None when not certain."""
        if self._is_ambiguous:
            return None
        if not self._keys and (match := _FIRST_KEY.match(text, start)):
            self._keys.add(match[1])
        is_known = 0 < len(self._keys) <= _MOST_KEYS
        key = "|".join(re.escape(key) + r"\s*:" for key in sorted(self._keys)) if is_known else r'["}]'
        if (indent := self._indent()) is not None:
            return re.compile(rf"\n{re.escape(indent)}(?=\{{\s*(?:{key}))")
        return re.compile(rf"[,\n]\s*(?=\{{\s*(?:{key}))") if is_known else None

    def _indent(self) -> str | None:
        return next(iter(self._indents)) if len(self._indents) == 1 else None
