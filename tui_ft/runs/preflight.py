"""What is checked before anything is made: platform, trainer, model folder, data, room on the disk."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from tui_ft import settings
from tui_ft.errors import TuiFtError
from tui_ft.hardware import host
from tui_ft.spec.run_spec import RunSpec

_LEAST_FREE_BYTES = 64 << 20


def check(spec: RunSpec, runs_root: Path) -> None:
    """Raise `TuiFtError` for whatever would surely end the run; nothing is written."""
    if sys.platform != "linux":
        raise TuiFtError(
            "Runs can be started on Linux only.", "On Windows use WSL; elsewhere start it on the GPU machine."
        )
    _check_room(runs_root)


def trainer_python() -> str:
    """Return the interpreter that trains. Raises `TuiFtError` when the one in the settings is missing."""
    python = settings.trainer_python()
    found = shutil.which(os.path.expanduser(python))  # noqa: PTH111 - also a bare name from PATH
    if found is None:
        raise TuiFtError(
            f"The interpreter of the trainer, {python}, is not there or cannot be run.",
            f"Mend trainer_python in {settings.config_folder() / 'settings.toml'}.",
        )
    return found


def _check_room(runs_root: Path) -> None:
    disk = host.disk(runs_root)
    if disk.free_bytes is not None and disk.free_bytes < _LEAST_FREE_BYTES:
        raise TuiFtError(
            f"The disk of the runs root {runs_root} is full: {disk.free_bytes >> 20} MiB are free.",
            "Free some space there, or choose another place with --runs-root.",
        )
    if disk.free_inodes == 0:
        raise TuiFtError(
            f"The disk of the runs root {runs_root} has no inodes left: no file can be made there.",
            "Remove files you do not need, or choose another place with --runs-root.",
        )
