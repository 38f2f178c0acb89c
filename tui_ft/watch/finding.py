"""Which runs lie at a path: a file, a run's folder, an output folder, or a whole tree."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from pathlib import Path

from tui_ft.errors import TuiFtError
from tui_ft.runs import directory
from tui_ft.runs.directory import RunDirectory
from tui_ft.user_paths import is_there, user_path
from tui_ft.watch import formats
from tui_ft.watch.found import FoundRun, found_by_id, found_ours
from tui_ft.watch.grouping import group
from tui_ft.watch.log import clean_line
from tui_ft.watch.pointers import notes_of
from tui_ft.watch.ranking import Glances, found_alone, found_run, is_empty, rank
from tui_ft.watch.reading import OtherSource
from tui_ft.watch.silent_logs import silent_logs
from tui_ft.watch.sources.protocol import Place
from tui_ft.watch.walking import Walk, distinct, is_text, walk_file, walk_tree

_LOG_ENDINGS = (".log", ".out", ".txt")


def find_runs(path: Path, now: float | None = None) -> list[FoundRun]:
    """Return the runs at `path` and under it, the one to show first first; empty where there is none.

    `path` may be a file, a folder, or what a place inside a database is called. Bounded in depth, number
    and time; what the search could not do stands in `notes`. Never raises for what it meets there.
    """
    now = time.time() if now is None else now
    return _runs_of(_walk(path), now)


def resolve(runs_root: Path, text: str, now: float | None = None) -> FoundRun:
    """Return the run that `text` means: a path, an id of ours or the beginning of one, or a pid.

    Of several runs at a path it is the one to show first, the others are its `siblings`. Raises
    `TuiFtError` when there is none, saying why.
    """
    now = time.time() if now is None else now
    path = user_path(text).absolute()
    if not is_there(path) and not _database_above(path):
        return _by_process(text, now) or found_ours(_find_ours(runs_root, text))
    if (ours := found_by_id(runs_root, text)) is not None:
        return ours
    walk = _walk(path)
    found = _runs_of(walk, now)
    if not found:
        raise _nothing(walk, path)
    return replace(found[0], siblings=tuple(found[1:]))


def found_other(other: OtherSource, now: float | None = None, within: FoundRun | None = None) -> FoundRun:
    """Return what a reading's `others` name: another run, or the same run shown by another of its sources.

    `within` is the run that names it, where that is known. Raises `TuiFtError` when it is not there any more.
    """
    path = Path(other.path)
    around = () if within is None or within.is_ours else (within, *within.siblings)
    if other.is_run:
        known = [found for found in around[1:] if str(found.path) == other.path]
        for found in (*known, *find_runs(path, now)):
            if str(found.path) == other.path and (found.places[0].format == other.source or known):
                return replace(found, siblings=tuple(one for one in around if one is not found))
    for found in (*around[:1], *find_runs(path, now)):
        for place in found.places:
            if (str(place.path), place.format) == (other.path, other.source):
                return replace(found, chosen=place)
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
    walk.beside += silent_logs(walk.places, top)
    if walk.places:
        for ending in _LOG_ENDINGS:
            log = top.parent / f"{top.name}{ending}"
            if log.is_file():
                walk.beside += walk_file(log).places
    return walk


def _our_run_around(top: Path) -> RunDirectory | None:
    """The run of ours that a folder is, or is a part of."""
    for folder in (top, *top.parents[:2]):
        run = RunDirectory(folder)
        if (run.spec.is_file() or run.control.is_dir()) and directory.is_run(folder):
            return run
    return None


def _runs_of(walk: Walk, now: float) -> list[FoundRun]:
    pointers = frozenset(walk.pointers)
    places = [place for place in distinct(walk.places) if not pointers.issuperset(place.files)]
    glances = Glances(now)
    if walk.is_guess and all(is_empty(glances.look(place)) for place in places):
        return []
    groups = group([*places, *walk.beside], glances.look)
    notes = tuple(map(clean_line, walk.notes))
    if len(groups) == 1 == len(groups[0]):  # nothing to choose: it is read once, not looked at before
        return [found_alone(groups[0][0], (*notes, *notes_of(groups, walk.pointers)[0]))]
    known = set(map(id, walk.beside))
    groups = [members for members in groups if any(id(place) not in known for place in members)]
    ranked = sorted(groups, key=lambda members: rank(members, glances, now), reverse=True)
    taken: set[Path] = set()
    own = notes_of(ranked, walk.pointers)
    return [
        found_run(members, glances, (*notes, *missing), taken)
        for members, missing in zip(ranked, own, strict=True)
    ]


def _database_above(path: Path) -> Path | None:
    """The database file that a place inside it names as its parent."""
    if is_there(path):
        return None
    parent = path.parent
    return parent if is_there(parent) and parent.is_file() else None


def _find_ours(runs_root: Path, text: str) -> RunDirectory:
    try:
        return directory.find(runs_root, text)
    except TuiFtError as error:
        if "/" in text and not is_there(path := user_path(text).absolute()):
            raise _not_there(path) from None
        if not _is_pid(text) or any(run.id.startswith(text) for run in directory.list_directories(runs_root)):
            raise
        words = error.message.rstrip(".")
        raise TuiFtError(f"{words}, and no process {text} lives here.", error.hint) from None


def _not_there(path: Path) -> TuiFtError:
    above = next((folder for folder in path.parents if is_there(folder)), path.parent)
    hint = "" if above == path.parent else f"{above} is there, what follows it is not."
    return TuiFtError(f"There is no file or folder {path}.", hint)


def _is_pid(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 9


def _by_process(text: str, now: float) -> FoundRun | None:
    """The run that the process of this pid writes; None when `text` is no pid of a process that lives."""
    from tui_ft.hardware import processes

    if not _is_pid(text) or processes.process_stat(int(text)) is None:
        return None
    from tui_ft.watch.processes.attach import run_of
    from tui_ft.watch.processes.terminal_output import advice_for

    found = run_of(int(text), partial(find_runs, now=now))
    if found is None:
        raise TuiFtError(
            f"Process {text} lives, but no run is known that it writes.",
            advice_for(int(text)) or "Name a file or a folder of the run instead.",
        )
    return found


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
