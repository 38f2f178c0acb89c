"""Which runs lie at a path: a file, a run's folder, an output folder, or a whole tree."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from tui_ft.errors import TuiFtError
from tui_ft.runs import directory
from tui_ft.runs.directory import RunDirectory
from tui_ft.user_paths import is_there, user_path
from tui_ft.watch import formats
from tui_ft.watch.found import FoundRun, found_ours
from tui_ft.watch.grouping import Group, group
from tui_ft.watch.homes import OWN_FOLDER, home
from tui_ft.watch.likeness import Glimpse, changed_at, look_at
from tui_ft.watch.log import clean_line
from tui_ft.watch.reading import OtherSource
from tui_ft.watch.sources.protocol import Place
from tui_ft.watch.state import FRESH_S
from tui_ft.watch.walking import Walk, distinct, is_text, walk_file, walk_tree

LOOK_S = 0.15
LOOKS_S = 4.0
"""A place is looked at for so long, and all places of one search together; the rest is not compared."""

LIVE = ("running", "quiet", "starting", "paused", "stopping")
_COMMON_NAMES = frozenset({
    "out", "output", "outputs", "result", "results", "checkpoints", "model", "models", "logs", "runs", "save",
    "saves", "run", "tmp", "train", "training",
})  # fmt: skip
_LOG_ENDINGS = (".log", ".out", ".txt")


def find_runs(path: Path, now: float | None = None) -> list[FoundRun]:
    """Return the runs at `path` and under it, the one to show first first; empty where there is none.

    `path` may be a file, a folder, or what a place inside a database is called. Bounded in depth, number
    and time; what the search could not do stands in `notes`. Never raises for what it meets there.
    """
    now = time.time() if now is None else now
    return _runs_of(_walk(path), path, now)


def resolve(runs_root: Path, text: str, now: float | None = None) -> FoundRun:
    """Return the run that `text` means: a path, an id of ours or the beginning of one, or a pid.

    Of several runs at a path it is the one to show first, the others are its `siblings`. Raises
    `TuiFtError` when there is none, saying why.
    """
    now = time.time() if now is None else now
    path = user_path(text).absolute()
    if not is_there(path) and not _database_above(path):
        return _by_process(text, now) or found_ours(directory.find(runs_root, text))
    if "/" not in text and (ours := _by_id(runs_root, text)) is not None:
        return ours
    walk = _walk(path)
    found = _runs_of(walk, path, now)
    if not found:
        raise _nothing(walk, path)
    return replace(found[0], siblings=tuple(found[1:]))


def found_other(other: OtherSource, now: float | None = None) -> FoundRun:
    """Return what a reading's `others` name: another run, or one other source of the same run alone.

    Raises `TuiFtError` when it is no longer there.
    """
    path = Path(other.path)
    runs = find_runs(path, now)
    for found in runs:
        if str(found.path) == other.path and found.places[0].format == other.source:
            return found
    for found in runs:
        for place in found.places:
            if (str(place.path), place.format) == (other.path, other.source):
                return FoundRun(title=other.title, path=place.path, places=(place,))
    if runs:
        return runs[0]
    raise TuiFtError(f"There is no run at {path} any more.", "")


def _walk(path: Path) -> Walk:
    """Find the places at a path; a log that is named after a folder is looked for beside it, too."""
    if database := _database_above(path):
        walk = walk_file(database)
        walk.places = [place for place in walk.places if place.path == path]
        return walk
    if not path.is_dir():
        walk = walk_file(path.resolve() if is_there(path) else path)
        if not walk.places and not walk.pointers and is_text(path):
            walk.places = [Place(format="stdout", path=path, files=(path,))]
            walk.is_guess = True
        return walk
    top = path.resolve()
    ours = _our_run_around(top)
    if ours is not None:
        return Walk(places=[found_ours(ours).places[0]])
    walk = walk_tree(top)
    if walk.places:
        for ending in _LOG_ENDINGS:
            log = top.parent / f"{top.name}{ending}"
            if log.is_file():
                walk.beside += walk_file(log).places
    return walk


def _our_run_around(top: Path) -> RunDirectory | None:
    """The run of ours that a folder is, or is a part of."""
    for folder in (top, *top.parents[:2]):
        if directory.is_run(folder):
            return RunDirectory(folder)
    return None


def _runs_of(walk: Walk, path: Path, now: float) -> list[FoundRun]:
    pointers = frozenset(walk.pointers)
    places = [place for place in distinct(walk.places) if not pointers.issuperset(place.files)]
    glances = _Glances(now)
    if walk.is_guess and all(_is_empty(glances.look(place)) for place in places):
        return []
    groups = group([*places, *walk.beside], glances.look)
    known = set(map(id, walk.beside))
    groups = [members for members in groups if any(id(place) not in known for place in members)]
    ranked = sorted(groups, key=lambda members: _rank(members, glances, now), reverse=True)
    notes = tuple(clean_line(note) for note in (*walk.notes, *_pointer_notes(walk)))
    taken: set[Path] = set()
    return [_found(members, glances, notes, taken) for members in ranked]


def _is_empty(look: Glimpse) -> bool:
    return look.tier == 0 and look.status not in ("finished", "failed", "stopped")


class _Glances:
    """One look at each place, kept; all together for a bounded time."""

    def __init__(self, now: float) -> None:
        self._now = now
        self._known: dict[int, tuple[Place, Glimpse]] = {}
        self._left_s = LOOKS_S

    def look(self, place: Place) -> Glimpse:
        """Return what a look at a place shows; only when its files changed once the time is used up."""
        known = self._known.get(id(place))
        if known is None:
            started = time.monotonic()
            is_known = place.format != "tui_ft" and self._left_s > 0
            glimpse = (
                look_at(place, lambda: self._now, min(LOOK_S, self._left_s))
                if is_known
                else Glimpse(changed_at=changed_at(place))
            )
            self._left_s -= time.monotonic() - started
            known = self._known[id(place)] = (place, glimpse)
        return known[1]


def _rank(members: Group, glances: _Glances, now: float) -> tuple[bool, int, int, float]:
    """What is shown first: what lives, what has points of training, what tells the most, what is newest."""
    looks = [glances.look(place) for place in members]
    changed = max((look.changed_at or 0.0 for look in looks), default=0.0)
    is_live = any(look.status in LIVE for look in looks) or now - changed < FRESH_S
    is_over = any(look.status in ("finished", "failed", "stopped") for look in looks)
    tier = max(look.tier for look in looks)
    tier = 2 if members[0].format == "tui_ft" else tier
    richest = max(
        formats.richness(place.format) for place in members if glances.look(place).tier == tier or tier == 2
    )
    updated = max((look.updated_at or 0.0 for look in looks), default=0.0) or changed
    return is_live and not is_over, tier, richest, updated


def _found(members: Group, glances: _Glances, notes: tuple[str, ...], taken: set[Path]) -> FoundRun:
    ordered = sorted(
        members,
        key=lambda place: (glances.look(place).tier == 2, formats.richness(place.format)),
        reverse=True,
    )
    if ordered[0].format == "tui_ft":
        return replace(found_ours(RunDirectory(ordered[0].path)), notes=notes)
    path = ordered[0].path if len(ordered) == 1 else _common_home(ordered)
    if path in taken:
        path = ordered[0].path
    taken.add(path)
    title = _title(path) if len(ordered) > 1 else glances.look(ordered[0]).title
    return FoundRun(
        title=title or clean_line(path.name),
        path=path,
        places=tuple(ordered),
        status=glances.look(ordered[0]).status,
        notes=notes,
    )


def _common_home(places: Sequence[Place]) -> Path:
    """The output folder of a run, where one of its sources lies in it; else its richest source."""
    own = [home(place) for place in places if place.format in OWN_FOLDER]
    homes = {home(place) for place in places if place.format != "stdout"}
    return own[0] if own else homes.pop() if len(homes) == 1 else places[0].path


def _title(path: Path) -> str:
    """The name of a folder; one that tools give to all of theirs is told with the folder above."""
    is_common = path.name.lower() in _COMMON_NAMES and path.parent.name
    return clean_line(f"{path.parent.name}/{path.name}" if is_common else path.name)


def _database_above(path: Path) -> Path | None:
    """The database file that a place inside it names as its parent."""
    if is_there(path):
        return None
    parent = path.parent
    return parent if is_there(parent) and parent.is_file() else None


def _by_id(runs_root: Path, text: str) -> FoundRun | None:
    exact = [run for run in directory.list_directories(runs_root) if run.id == text]
    return found_ours(exact[0]) if exact else None


def _by_process(text: str, now: float) -> FoundRun | None:
    """The run that the process of this pid writes; None when `text` is no pid of a process that lives."""
    if not text.isdecimal() or len(text) > 9 or not is_there(Path("/proc") / text):
        return None
    from tui_ft.watch.processes.attach import run_of

    found = run_of(int(text), partial(find_runs, now=now))
    if found is None:
        raise TuiFtError(
            f"Process {text} lives, but no run is known that it writes.",
            "Name a file or a folder of the run instead.",
        )
    return found


def _pointer_notes(walk: Walk) -> list[str]:
    if not walk.pointers:
        return []
    more = f" and {len(walk.pointers) - 1} more" if len(walk.pointers) > 1 else ""
    return [f"{walk.pointers[0]}{more}: a git-lfs pointer, its data is not here; run `git lfs pull`."]


def _nothing(walk: Walk, path: Path) -> TuiFtError:
    if walk.pointers:
        return TuiFtError(
            f"{walk.pointers[0]} is a git-lfs pointer: its data is not here.", "Run `git lfs pull` there."
        )
    if walk.notes and not walk.folders:
        return TuiFtError(walk.notes[0], "")
    known = ", ".join(form.name for form in formats.FORMATS)
    if path.is_dir():
        looked = f"{walk.folders} folders and {walk.files} files"
        return TuiFtError(f"There is no run under {path}: {looked} were looked at.", f"Known are: {known}.")
    return TuiFtError(f"{path} is no file of a run.", f"Known are: {known}.")
