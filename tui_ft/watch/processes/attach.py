"""From a process to the run that it writes, so that it can be watched."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tui_ft.watch.found import FoundRun
from tui_ft.watch.processes.box import Group, scan
from tui_ft.watch.sources.protocol import Place

Find = Callable[[Path], list[FoundRun]]
"""How runs are found under a path: `watch.finding.find_runs` at some moment."""

_SLACK_S = 5.0
_MOST_FOLDERS = 200
_CHECKPOINT = "checkpoint-"


def run_of(pid: int, find: Find) -> FoundRun | None:
    """Return the run that `pid`, its launcher or its workers write; None when it writes none that is known.

    Scans all of /proc: tens of milliseconds, for a worker. Never raises.
    """
    group = next((group for group in scan(with_gpus=False).groups if pid in group.pids), None)
    return found_run(group, find) if group is not None else None


def found_run(group: Group, find: Find) -> FoundRun | None:
    """Return the run that a group writes, all its sources together; None when none is to be seen yet."""
    if group.our_run is not None:
        return next(iter(find(group.our_run)), None)
    places: dict[tuple[str, Path], Place] = {}
    for path in (*group.paths, *_checkpoint_folders(group)):
        for run in find(path):
            for place in run.places:
                if _is_fresh(place, group):
                    places.setdefault((place.format, place.path), place)
    if not places:
        return None
    found = tuple(places.values())
    return FoundRun(title=group.title, path=found[0].path, places=found)


def _is_fresh(place: Place, group: Group) -> bool:
    """An output folder may hold older runs: what was last written before the process began is not its own."""
    if group.started_at is None:
        return True
    for path in place.files:
        try:
            if path.stat().st_mtime >= group.started_at - _SLACK_S:
                return True
        except OSError:
            continue
    return False


def _checkpoint_folders(group: Group) -> Iterator[Path]:
    """Yield folders in the working directory that got checkpoints since the process began."""
    if group.cwd is None or any(path.is_dir() for path in group.paths):
        return
    began = (group.started_at or time.time()) - _SLACK_S
    for folder in _folders(group.cwd):
        if any(
            inner.name.startswith(_CHECKPOINT) and _changed(inner) >= began for inner in _folders(folder.path)
        ):
            yield Path(folder.path)


def _folders(path: os.PathLike[str] | str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(path) as entries:
            found = [entry for _, entry in zip(range(5 * _MOST_FOLDERS), entries, strict=False)]
    except OSError:
        return []
    return [entry for entry in found if entry.is_dir(follow_symlinks=False)][:_MOST_FOLDERS]


def _changed(entry: os.DirEntry[str]) -> float:
    try:
        return entry.stat(follow_symlinks=False).st_mtime
    except OSError:
        return 0.0
