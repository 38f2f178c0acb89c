"""What of a run is worth a copy: its result, or the checkpoints that it can go on from, and its record."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import NamedTuple

from tui_ft.errors import TuiFtError
from tui_ft.runs import checkpoints
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.following import EventFollower
from tui_ft.runs.records import ENDED, StateRecord
from tui_ft.runs.state import read_state

_MOST_FILES = 100_000


class File(NamedTuple):
    """One file, by its name in the run. What `is_made` belongs to the result or to a checkpoint, and no
    longer changes; the others are the run's record, which may still grow.
    """

    name: str
    source: Path
    size: int
    is_made: bool


class Source(NamedTuple):
    """What is copied, in words, and what the copy's name has behind the run's id."""

    files: list[File]
    what: str
    suffix: str

    @property
    def size(self) -> int:
        """In bytes."""
        return sum(file.size for file in self.files)


def find(run: RunDirectory, attempt: int) -> Source:
    """Return what a copy of `run` holds: of one that did not finish the newest whole checkpoint and the best.

    Raises `TuiFtError` where that is not all there, or cannot all be read: a copy of less would be taken for
    the whole. Raises `OSError` for a disk that does not answer.
    """
    state = read_state(run)
    if _is_finished(state):
        folders, what = [run.result], "the result"
    else:
        folders, what = _checkpoints(run)
    made = [file for folder in folders for file in _all_below(run, folder)]
    if folders == [run.result]:
        _require_weights(run, attempt, made)
    loose = (run.spec, run.state, run.metrics, run.events, run.health, run.output)
    record = [file for path in loose if (file := _file(run, path)) is not None]
    files = [*record, *_record_below(run, run.path / "attempts"), *made]
    if len(files) > _MOST_FILES:
        raise TuiFtError(f"{run.id} holds more than {_MOST_FILES} files: no copy is made.")
    suffix = "" if attempt == 1 else f"-attempt-{attempt}"
    if state.status not in ENDED:  # it goes on: its end will be another copy
        step = max((_step(folder) for folder in folders), default=0)
        suffix += f"-step-{step}"
    return Source(files, what, suffix)


def _is_finished(state: StateRecord) -> bool:
    return state.status in ENDED and state.exit is not None and state.exit.cause == "finished"


def _checkpoints(run: RunDirectory) -> tuple[list[Path], str]:
    """The newest checkpoint whose every byte is as it was written, and the best such one beside it."""
    if run.checkpoints.is_symlink():
        raise _is_a_link(run, run.checkpoints)
    whole = checkpoints.whole(run)
    newest = next((one for one in whole if checkpoints.verify(one.path) is None), None)
    if newest is None:
        if run.list_checkpoints():
            raise TuiFtError(
                f"No checkpoint of {run.id} is whole: there is nothing that a copy would save.",
                "Look at its checkpoints before the machine goes.",
            )
        return [], "spec and rows"
    best = checkpoints.best(whole)
    while best is not None and best.path != newest.path and checkpoints.verify(best.path) is not None:
        whole.remove(best)
        best = checkpoints.best(whole)
    if best is None or best.path == newest.path:
        return [newest.path], f"the checkpoint of step {newest.step}"
    return [newest.path, best.path], f"the checkpoints of step {newest.step} and, the best, {best.step}"


def _step(folder: Path) -> int:
    return int(folder.name.rpartition("-")[2])


def _require_weights(run: RunDirectory, attempt: int, made: list[File]) -> None:
    """A result without its weights, or smaller than the trainer left it, is none."""
    if not any(file.size and fnmatch(file.source.name, pattern) for file in made for pattern in
               checkpoints.WEIGHT_PATTERNS):  # fmt: skip
        raise TuiFtError(
            f"{run.id} has finished, but {run.result} holds no weights: no copy is made of that.",
            "Look where they are before the machine goes.",
        )
    follower = EventFollower(run, attempt)
    follower.poll()
    expected = follower.end.result_bytes if follower.end is not None else None
    size = sum(file.size for file in made)
    if expected is not None and size < expected:
        raise TuiFtError(
            f"The result of {run.id} has {size} bytes; the trainer left {expected}: no copy is made of that.",
            "Look what is missing before the machine goes.",
        )


def _all_below(run: RunDirectory, folder: Path) -> Iterator[File]:
    """Every file of a folder that must be copied whole: what is no file is an error, not passed over."""
    if folder.is_symlink():
        raise _is_a_link(run, folder)
    for place, folders, names in os.walk(folder, onerror=_raise, followlinks=False):
        for name in (*folders, *names):
            path = Path(place) / name
            mode = path.lstat().st_mode
            if stat.S_ISLNK(mode):
                raise _is_a_link(run, path)
            if not (stat.S_ISDIR(mode) or stat.S_ISREG(mode)):
                raise TuiFtError(f"{path.relative_to(run.path)} of {run.id} is no file: it cannot be copied.")
        for name in names:
            path = Path(place) / name
            yield File(str(path.relative_to(run.path)), path, path.lstat().st_size, is_made=True)


def _record_below(run: RunDirectory, folder: Path) -> Iterator[File]:
    """Regular files only: a link could bring in anything of this machine. What is owed is owed to the run,
    not to a copy of it.
    """
    owed = set(run.marks_of_attempts())
    if folder.is_symlink() or not folder.exists():
        return
    for place, folders, names in os.walk(folder, onerror=_raise, followlinks=False):
        folders[:] = [name for name in folders if not (Path(place) / name).is_symlink()]
        for name in names:
            file = _file(run, Path(place) / name)
            if file is not None and file.source not in owed:
                yield file


def _file(run: RunDirectory, path: Path) -> File | None:
    """A file of the record; None where there is none. Raises `OSError` where that cannot be told."""
    try:
        about = path.lstat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(about.st_mode):
        return None
    return File(str(path.relative_to(run.path)), path, about.st_size, is_made=False)


def _raise(error: OSError) -> None:
    raise error


def _is_a_link(run: RunDirectory, path: Path) -> TuiFtError:
    return TuiFtError(
        f"{path.relative_to(run.path)} of {run.id} is a link: what lies behind it would not be in the copy.",
        "Copy that yourself, or put it where the link is.",
    )
