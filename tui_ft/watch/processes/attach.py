"""From a process to the run that it writes, so that it can be watched."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tui_ft.errors import TuiFtError
from tui_ft.watch import formats
from tui_ft.watch.found import FoundRun
from tui_ft.watch.processes.box import Group, scan
from tui_ft.watch.processes.run_files import is_run_file
from tui_ft.watch.sources.protocol import Place

Find = Callable[[Path], list[FoundRun]]
"""How runs are found under a path: `watch.finding.find_runs` at some moment."""

_SLACK_S = 5.0
_MOST_FOLDERS = 200
_CHECKPOINT = "checkpoint-"
_DATABASE = ".db"


def run_of(pid: int, find: Find) -> FoundRun | None:
    """Return the run that `pid`, its launcher or its workers write; None when it writes none that is known.

    Scans all of /proc and looks into the run's files: up to a second or two, for a worker. Never raises.
    """
    group = next((group for group in scan(with_gpus=False).groups if pid in group.pids), None)
    return found_run(group, find) if group is not None else None


def found_run(group: Group, find: Find) -> FoundRun | None:
    """Return the run that a group writes, all its sources together; None when none is to be seen yet."""
    if group.our_run is not None:
        return next(iter(_find(find, group.our_run)), None)
    places: dict[tuple[str, Path], Place] = {}
    folders: list[FoundRun] = []
    for path in dict.fromkeys([*map(_where_to_look, group.paths), *_checkpoint_folders(group)]):
        runs = [run for run in _find(find, path) if not run.is_ours and _is_fresh(run, group)]
        taken = [run for run in runs if _is_open(run, group)][:1] or runs[:1]
        folders += taken if path.is_dir() else []
        for place in (place for run in taken for place in run.places if _is_fresh_place(place, group)):
            known = places.get((place.format, place.path))
            if known is None or len(known.files) < len(place.files):
                places[place.format, place.path] = place
    if not places:
        return None
    ordered = sorted(places.values(), key=lambda place: -formats.richness(place.format))
    whole = max(folders, key=lambda run: len(run.places), default=None)
    path = whole.path if whole is not None else ordered[0].path
    return FoundRun(title=whole.title if whole is not None else group.title, path=path, places=tuple(ordered))


def _find(find: Find, path: Path) -> list[FoundRun]:
    try:
        return find(path)
    except TuiFtError:  # nothing there yet: the process has only begun
        return []


def _where_to_look(path: Path) -> Path:
    """The folder of a logger's file: what it wrote before a restart lies there too."""
    if path.name.endswith(_DATABASE) or not is_run_file(str(path)):
        return path
    return path.parent


def _is_open(run: FoundRun, group: Group) -> bool:
    mine = set(group.paths)
    return any(file in mine for place in run.places for file in place.files)


def _is_fresh(run: FoundRun, group: Group) -> bool:
    return any(_is_fresh_place(place, group) for place in run.places)


def _is_fresh_place(place: Place, group: Group) -> bool:
    """An output folder may hold older runs: what was last written before the process began is not its own."""
    if group.started_at is None:
        return True
    return any(_changed(path) >= group.started_at - _SLACK_S for path in place.files)


def _checkpoint_folders(group: Group) -> Iterator[Path]:
    """Yield folders in the working directory that got checkpoints since the process began."""
    if group.cwd is None or group.started_at is None or any(path.is_dir() for path in group.paths):
        return
    for folder in _folders(group.cwd):
        inner = [path for path in _folders(folder) if path.name.startswith(_CHECKPOINT)]
        if any(_changed(path) >= group.started_at - _SLACK_S for path in inner):
            yield folder


def _folders(path: Path) -> Sequence[Path]:
    try:
        with os.scandir(path) as entries:
            some = [entry for _, entry in zip(range(5 * _MOST_FOLDERS), entries, strict=False)]
            return [Path(entry.path) for entry in some if entry.is_dir(follow_symlinks=False)][:_MOST_FOLDERS]
    except OSError:
        return []


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
