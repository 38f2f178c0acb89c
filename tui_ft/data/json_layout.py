"""Where the next row of a JSON array begins behind one that is broken, judged by the rows before."""

from __future__ import annotations

import json
import re
from itertools import islice
from typing import Any

_SPREAD = re.compile(r'\{[ \t\r]*\n"')
_MOST_KEYS = 8
_ROWS_SEARCHED = 50
ANY_ROW = re.compile(r"[,\n]\s{0,80}(?=\{)")
"""What may be the beginning of a further row."""


class Layout:
    """How the rows seen so far are laid out: each on a line of its own at one indentation, or not."""

    def __init__(self) -> None:
        self._indents: set[str | None] = set()
        self._keys: set[str] = set()
        self._shapes: set[frozenset[str]] = set()
        self._is_ambiguous = False
        self._rows = 0
        self._searched_for: tuple[str, str] | None = None
        self._search = ANY_ROW

    def see_gap(self, gap: str, number: int, *, starts_file: bool) -> None:
        """Learn from the characters between row `number` and the one before it."""
        if "\n" in gap:
            self._indents.add(_indent(gap))
        elif number > 1 or starts_file:
            self._indents.add(None if number > 1 else gap)

    def see_row(self, text: str, start: int, end: int, value: Any) -> None:
        """Learn from a whole row, which is `text[start:end]`."""
        if not isinstance(value, dict):
            return
        self._rows += 1
        if len(self._keys) <= _MOST_KEYS:
            self._keys.update(json.dumps(first, ensure_ascii=False) for first in islice(value, 1))
        if len(self._shapes) <= _MOST_KEYS:
            self._shapes.add(frozenset(value))
        if self._is_ambiguous:
            return
        if (indent := self._indent()) is None:
            self._is_ambiguous = any(text.count(key, start, end) > 1 for key in self._keys)
        elif self._rows <= _ROWS_SEARCHED:
            self._is_ambiguous = self._on_lines(indent).search(text, start + 1, end) is not None
        else:
            self._is_ambiguous = text.find("\n" + indent + "{", start + 1, end) >= 0

    def is_whole(self, text: str, start: int, end: int, value: Any, gap: str) -> bool:
        """True when `text[start:end]` is a whole row, though behind `gap` no object follows."""
        if not isinstance(value, dict):
            return False
        indent = self._indent()
        return (
            frozenset(value) in self._shapes
            or ("\n" in gap and _indent(gap) == indent)
            or (indent is not None and text.endswith(f"\n{indent}}}", start, end))
        )

    def next_row(self, text: str, start: int) -> re.Pattern[str] | None:
        """Return what stands before the row behind the broken one at `start`; None when that is not certain.

        Its group, or all of it where it has none, is the gap between the two.
        """
        if self._is_ambiguous:
            return None
        if (indent := self._indent()) is not None:
            is_spread = not self._rows and not indent and _SPREAD.match(text, start)
            return None if is_spread else self._on_lines(indent)
        keys = self._known_keys()
        return re.compile(rf"[,\n]\s{{0,80}}(?=\{{\s{{0,80}}(?:{keys})\s{{0,80}}:)") if keys else None

    def _on_lines(self, indent: str) -> re.Pattern[str]:
        """Return the gap before a row on a line of its own: with its brace, or behind one with its key."""
        line = rf"(\n{re.escape(indent)})"
        keys = self._known_keys()
        if (indent, keys) == self._searched_for:
            return self._search
        self._searched_for = indent, keys
        torn = rf"|\}}[ \t\r]*,?[ \t\r]*{line}(?={keys})" if keys else ""
        self._search = re.compile(rf"{line}(?=\{{\s*[\"}}])|\}}[ \t\r]*,?[ \t\r]*{line}(?=\{{){torn}")
        return self._search

    def _known_keys(self) -> str:
        """Return what matches the names that rows begin with; empty when there are none, or too many."""
        return "|".join(re.escape(key) for key in sorted(self._keys)) if len(self._keys) <= _MOST_KEYS else ""

    def _indent(self) -> str | None:
        return next(iter(self._indents)) if len(self._indents) == 1 else None


def _indent(gap: str) -> str:
    return gap[gap.rindex("\n") + 1 :].replace(",", "")
