"""A look at the first bytes of a file, whoever it belongs to."""

from __future__ import annotations

import stat
from pathlib import Path

from tui_ft.watch.sources import following


def is_regular(path: Path) -> bool:
    """True for a regular file, or a link to one."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return False


def head(path: Path, size: int = 64) -> bytes:
    """The first bytes of a regular file; b"" for anything else, or where it cannot be read."""
    try:
        return following.read_piece(path, size)
    except OSError:
        return b""


def is_lfs_pointer(path: Path) -> bool:
    """True when a git-lfs pointer lies here instead of the data."""
    return following.is_lfs_pointer(head(path))


def small_text(path: Path, limit: int = 1024 * 1024) -> str:
    """A small text file beside a run; "" when it is absent, larger, or cannot be read."""
    data = head(path, limit + 1)
    return data.decode("utf-8", errors="replace") if len(data) <= limit else ""
