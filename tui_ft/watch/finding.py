"""Which runs lie at a path: a file, a run's folder, an output folder, or a whole tree."""

from __future__ import annotations

import time
from pathlib import Path

from tui_ft.errors import TuiFtError
from tui_ft.runs import directory
from tui_ft.runs.directory import RunDirectory
from tui_ft.user_paths import is_there, user_path
from tui_ft.watch.found import FoundRun, found_ours
from tui_ft.watch.reading import OtherSource


def find_runs(path: Path, now: float | None = None) -> list[FoundRun]:
    """Return the runs at `path` and under it, the one to show first first; empty where there is none.

    Bounded in depth, number and time. Never raises for what it meets there.
    """
    if directory.is_run(path):
        return [found_ours(RunDirectory(path.resolve()))]
    return [found_ours(run) for run in directory.list_directories(path)]


def resolve(runs_root: Path, text: str, now: float | None = None) -> FoundRun:
    """Return the run that `text` means: a path, an id of ours or the beginning of one, or a pid.

    Of several runs at a path it is the one to show first, the others are its `siblings`. Raises
    `TuiFtError` when there is none, saying why.
    """
    now = time.time() if now is None else now
    path = user_path(text).absolute()
    if is_there(path) and (text.startswith((".", "/", "~")) or "/" in text or not _is_name(runs_root, text)):
        found = find_runs(path, now)
        if not found:
            raise TuiFtError(f"There is no run at {path}.", "See `tui-ft ls` for the runs there are.")
        return found[0]
    return found_ours(directory.find(runs_root, text))


def _is_name(runs_root: Path, text: str) -> bool:
    return any(run.id.startswith(text) for run in directory.list_directories(runs_root))


def found_other(other: OtherSource, now: float | None = None) -> FoundRun:
    """Return what a reading's `others` name: another run, or one other source of the same run alone.

    Raises `TuiFtError` when it is no longer there.
    """
    path = Path(other.path)
    for found in find_runs(path, now):
        for place in found.places:
            if (str(place.path), place.format) == (other.path, other.source):
                return FoundRun(title=other.title, path=place.path, places=(place,))
    raise TuiFtError(f"There is no run at {path} any more.", "")
