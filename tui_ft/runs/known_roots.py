"""The runs roots that were ever used: runs that lie in others than the present one are found again."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from tui_ft import settings
from tui_ft.atomic import write_atomically

MOST_ROOTS = 100
"""Of more roots those that were used first are forgotten."""
_LONGEST_PATH = 4096
_MOST_BYTES = 4 * MOST_ROOTS * _LONGEST_PATH


def roots_file() -> Path:
    """Where they stand, one path a line, the newest last."""
    return settings.state_folder() / "runs_roots"


def known_roots() -> list[Path]:
    """The roots that are remembered and still there, the newest first; none where they cannot be read."""
    return [root for root in reversed(_read()) if _is_there(root)]


def _is_there(root: Path) -> bool:
    """False also where nothing answers, or nobody may look: the other roots are what is asked for."""
    try:
        return root.is_dir()
    except (OSError, ValueError):
        return False


def remember(root: Path) -> None:
    """Note that runs are kept under `root`. Never raises: a run goes on without that."""
    path = os.path.abspath(root)  # noqa: PTH100 - a link is remembered as it was named
    if "\n" in path or len(path) > _LONGEST_PATH or Path(path) in (known := _read()):
        return
    line = os.fsencode(path) + b"\n"
    with suppress(OSError):
        file = roots_file()
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if len(known) >= 2 * MOST_ROOTS:
            kept = [os.fsencode(one) + b"\n" for one in known[1 - MOST_ROOTS :]]
            write_atomically(file, b"".join([*kept, line]))
            return
        descriptor = os.open(
            file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK | os.O_CLOEXEC, 0o600
        )
        try:
            os.write(descriptor, line)  # at once: two launches never mix their lines
        finally:
            os.close(descriptor)


def _read() -> list[Path]:
    try:
        with open(os.open(roots_file(), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            lines = file.read(_MOST_BYTES).splitlines()
    except OSError:
        return []
    paths = dict.fromkeys(
        Path(os.fsdecode(line)) for line in lines if line.startswith(b"/") and b"\0" not in line
    )
    return list(paths)
