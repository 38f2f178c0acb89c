"""Completing a path as a shell does: as far as it is unambiguous, then the choices."""

from __future__ import annotations

import os
from pathlib import Path

from tui_ft.user_paths import user_path

_SCANNED = 10_000
_SHOWN = 12


def complete(text: str) -> tuple[str, list[str]]:
    """Return `text` completed as far as it goes, and the names that it could go on with.

    Blocks on the file system; a folder that cannot be read completes to nothing.
    """
    folder, name = os.path.split(text)
    names = _names(user_path(folder or "."), name)
    if not names:
        return text, []
    common = _common_beginning(names)
    return text[: len(text) - len(name)] + common, _some(names)


def _names(folder: Path, beginning: str) -> list[str]:
    found = []
    try:
        with os.scandir(folder) as entries:
            for count, entry in enumerate(entries):
                if count >= _SCANNED:
                    break
                hidden = entry.name.startswith(".") and not beginning.startswith(".")
                if entry.name.startswith(beginning) and not hidden and entry.name.isprintable():
                    found.append(entry.name + ("/" if entry.is_dir() else ""))
    except OSError:
        return []
    return sorted(found)


def _common_beginning(names: list[str]) -> str:
    """The names are sorted: what the first and the last share, all share."""
    first, last = names[0], names[-1]
    shared = 0
    while shared < min(len(first), len(last)) and first[shared] == last[shared]:
        shared += 1
    return first[:shared]


def _some(names: list[str]) -> list[str]:
    if len(names) <= _SHOWN:
        return names
    return [*names[:_SHOWN], f"… {len(names) - _SHOWN} more"]
