"""From a process to the run that it writes, so that it can be watched."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path

from tui_ft.errors import TuiFtError
from tui_ft.watch import formats
from tui_ft.watch.found import FoundRun
from tui_ft.watch.likeness import Glimpse, are_same, look_at
from tui_ft.watch.processes.box import Group, scan
from tui_ft.watch.processes.run_files import is_run_file
from tui_ft.watch.processes.searching import SLACK_S
from tui_ft.watch.sources.protocol import Place

Find = Callable[[Path], list[FoundRun]]
"""How runs are found under a path: `watch.finding.find_runs` at some moment."""

_LOOK_S = 0.1
_CHECKPOINT = "checkpoint-"
_STATE = "trainer_state.json"
_DATABASE = ".db"


def run_of(pid: int, find: Find) -> FoundRun | None:
    """Return the run that `pid`, its launcher or its workers write; None when it writes none that is known.

    Scans all of /proc and looks into the run's files: up to a second or two, for a worker. Never raises.
    """
    group = next((group for group in scan(with_gpus=False).groups if pid in group.pids), None)
    return found_run(group, find) if group is not None else None


def found_run(group: Group, find: Find) -> FoundRun | None:
    """Return the run that a group writes, all its sources together; None when none is to be seen yet.

    What the process is known to write is taken; what is only likely its own, unless it tells of another run.
    """
    if group.our_run is not None:
        return next(iter(_find(find, group.our_run)), None)
    known = _Places(group, find)
    for path in dict.fromkeys(map(_where_to_look, group.paths)):
        known.add(path)
    for path in dict.fromkeys(map(_where_to_look, group.likely)):
        known.add(path, is_likely=True)
    for path in group.outputs:
        known.add_output(path)
    return known.found()


class _Places:
    """The sources of one run, as they come together."""

    def __init__(self, group: Group, find: Find) -> None:
        self._group = group
        self._find = find
        self._places: dict[tuple[str, Path], Place] = {}
        self._whole: FoundRun | None = None
        self._glimpses: dict[tuple[str, Path], Glimpse] = {}

    def add(self, path: Path, *, is_likely: bool = False) -> None:
        """Add the run at `path`: of several there the one that the process has open, else the first."""
        runs = [run for run in _find(self._find, path) if not run.is_ours and self._is_fresh(run.places)]
        run = next((run for run in runs if self._is_open(run)), runs[0] if runs else None)
        if run is None or (is_likely and self._tells_of_another(run)):
            return
        for place in run.places:
            known = self._places.get((place.format, place.path))
            is_larger = known is None or len(known.files) < len(place.files)
            if is_larger and self._is_fresh([place]):
                self._places[place.format, place.path] = place
        if path.is_dir() and (self._whole is None or len(self._whole.places) < len(run.places)):
            self._whole = run

    def add_output(self, log: Path) -> None:
        """Add what it prints to what else is known: a log without a curve may tell of its end."""
        if self._places and log.is_file() and not any(log in place.files for place in self._places.values()):
            self._places["stdout", log] = Place(format="stdout", path=log, files=(log,))

    def found(self) -> FoundRun | None:
        """All of them as one run, the richest first."""
        places = sorted(self._places.values(), key=lambda place: -formats.richness(place.format))
        if not places:
            return None
        if self._whole is None:
            return FoundRun(title=self._group.title, path=places[0].path, places=tuple(places))
        return FoundRun(title=self._whole.title, path=self._whole.path, places=tuple(places))

    def _is_fresh(self, places: Iterable[Place]) -> bool:
        """An output folder may hold older runs: what nobody wrote since the process began is not its own."""
        began = self._group.started_at
        return began is None or any(
            _changed(file) >= began - SLACK_S for place in places for file in place.files
        )

    def _is_open(self, run: FoundRun) -> bool:
        mine = set(self._group.paths)
        return any(file in mine for place in run.places for file in place.files)

    def _tells_of_another(self, run: FoundRun) -> bool:
        known = [self._glimpse(place) for place in self._places.values()]
        return any(
            are_same(self._glimpse(place), glimpse) is False for place in run.places for glimpse in known
        )

    def _glimpse(self, place: Place) -> Glimpse:
        key = (place.format, place.path)
        if key not in self._glimpses:
            self._glimpses[key] = look_at(place, time.time, _LOOK_S)
        return self._glimpses[key]


def _find(find: Find, path: Path) -> list[FoundRun]:
    try:
        return find(path)
    except TuiFtError:  # nothing there yet: the process has only begun
        return []


def _where_to_look(path: Path) -> Path:
    """The folder of a logger's file: what it wrote before a restart lies there too."""
    if path.name == _STATE and path.parent.name.startswith(_CHECKPOINT):
        return path.parent.parent
    if path.name in (_STATE, "meta.yaml") or (is_run_file(str(path)) and not path.name.endswith(_DATABASE)):
        return path.parent
    return path


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
