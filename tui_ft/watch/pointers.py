"""What git-lfs left in the place of files: said of the run that they belong to, else once for a search."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from tui_ft.watch.grouping import Group
from tui_ft.watch.homes import home
from tui_ft.watch.log import clean_line
from tui_ft.watch.reading import SourceName
from tui_ft.watch.sources.protocol import Place

_CHECKPOINT = re.compile(r"checkpoint-\d+$")
_IN_RUN_FOLDER = frozenset({"trainer_state.json", "trainer_log.jsonl", "metrics.csv"})


def notes_of(groups: Sequence[Group], pointers: Iterable[Path]) -> list[tuple[str, ...]]:
    """Return the notes for each group of places: on pointers in its own folder, of several there the first's.

    Those of runs of which nothing else is there are named with the first group of all.
    """
    homes = [{home(place) for place in members} for members in groups]
    told: list[list[Path]] = [[] for _ in groups]
    strange: list[Path] = []
    for pointer in pointers:
        its = (told[at] for at in range(len(groups)) if _home_of(pointer) in homes[at])
        next(its, strange).append(pointer)
    notes = [_notes(paths, "its data is not here") for paths in told]
    if notes:
        notes[0] += _notes(strange, "another run, whose data is not here")
    return list(map(tuple, notes))


def _home_of(pointer: Path) -> Path:
    folder = pointer.parent
    if _CHECKPOINT.match(folder.name):
        return folder.parent
    form: SourceName = "hf_trainer_state" if pointer.name in _IN_RUN_FOLDER else "tensorboard"
    return home(Place(format=form, path=pointer, files=(pointer,)))


def _notes(pointers: Sequence[Path], what: str) -> list[str]:
    if not pointers:
        return []
    more = f" and {len(pointers) - 1} more" if len(pointers) > 1 else ""
    return [clean_line(f"{pointers[0]}{more}: a git-lfs pointer, {what}; run `git lfs pull`.")]
