"""How a command names a run, in hints that are to be typed as they stand."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from tui_ft import settings
from tui_ft.errors import TuiFtError

if TYPE_CHECKING:
    from tui_ft.runs.directory import RunDirectory


def handle(run: RunDirectory) -> str:
    """The run's id where `tui-ft` finds it by that; else its path, as a shell takes it."""
    try:
        root = settings.runs_root()
    except TuiFtError:  # settings that cannot be read: a path is found in any case
        return shlex.quote(str(run.path))
    is_there = run.path.parent.resolve() == root.resolve()
    return run.id if is_there else shlex.quote(str(run.path))
