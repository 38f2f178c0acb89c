"""Text on its way to the terminal: what others wrote loses its control characters, and fits its column."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from rich.cells import cell_len, set_cell_size

_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories that move the cursor, reorder a line, have no width or no glyph."""


@lru_cache(maxsize=4096)
def plain(text: str) -> str:
    """Return `text` on one line: white space becomes spaces, unsafe characters vanish."""
    if text.isascii() and text.isprintable():
        return text
    spaced = (" " if char.isspace() else char for char in text)
    return "".join(char for char in spaced if unicodedata.category(char) not in _UNSAFE)


def fit(text: str, width: int, *, right: bool = False) -> str:
    """Return `text`, made safe, in exactly `width` cells: cut with an ellipsis, or padded on one side."""
    if width <= 0:
        return ""
    text = plain(text)
    length = cell_len(text)
    if length > width:
        return set_cell_size(text, width - 1) + "…"
    padding = " " * (width - length)
    return padding + text if right else text + padding


def gib(size: int | None) -> str:
    """Return bytes as GiB with the digits that matter; `–` when not known."""
    if size is None:
        return "–"
    value = size / 2**30
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 1 or value == 0 else f"{value:.2f}"
