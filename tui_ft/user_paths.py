"""Paths as people write them: `~` for a home folder, and names that no file can have."""

from __future__ import annotations

import os
from pathlib import Path


def user_path(written: str | Path) -> Path:
    """Return what is written as a path: `~` and `~name` are home folders, that of nobody stays as it is."""
    return Path(os.path.expanduser(written))  # noqa: PTH111 - Path's own raises for a user that is not there


def is_there(path: Path) -> bool:
    """True when something at `path` can be seen; what is too long for a name, or out of reach, cannot."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False
