"""What the names of event files and of their folders tell: who wrote them, and which belong to one run."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from tui_ft.watch.sources.following import stays_within
from tui_ft.watch.sources.heads import is_lfs_pointer, is_regular

_NAME = re.compile(r"tfevents\.(?P<started>\d{9,11})\.(?P<rest>.+)$")
_WRITER = re.compile(r"^(?P<host>.+?)\.(?P<pid>\d+)\.\d+$")
_NOT_EVENTS = (".profile-empty", ".tmp", ".gz", ".zip")
_TIME_FOLDER = re.compile(r"^\d{9,11}(\.\d+)?$")
_HELD_OUT = frozenset({"validation", "val", "eval", "valid", "test"})

MOST_FILES = 1_000
MOST_ENTRIES = 10_000


@dataclass(frozen=True)
class EventName:
    """What the name of an event file says; `pid` is None for writers that do not say it."""

    started_at: float | None
    host: str
    pid: int | None


def parse_name(name: str) -> EventName | None:
    """`events.out.tfevents.<unix seconds>.<host>.<pid>.<n>`, with `.v2` by TensorFlow 2; None for others."""
    if "tfevents" not in name or name.endswith(_NOT_EVENTS):
        return None
    match = _NAME.search(name.removesuffix(".v2"))
    if match is None:
        return EventName(None, "", None)
    writer = _WRITER.match(match["rest"])
    host, pid = (writer["host"], int(writer["pid"][:10])) if writer else (match["rest"], None)
    return EventName(float(match["started"]), host, pid)


@dataclass(frozen=True)
class EventPath:
    """An event file of a run and the folder its series are named after, "" for the run's own."""

    path: Path
    folder: str = ""


def names_in(folder: Path) -> list[str]:
    """The entries of a folder, bounded; none when it cannot be read."""
    try:
        with os.scandir(folder) as entries:
            names = [(entry.name, entry.is_symlink()) for entry in islice(entries, MOST_ENTRIES)]
            return [name for name, is_link in names if not is_link or stays_within(folder / name, folder)]
    except OSError:
        return []


def own_files(folder: Path, names: Iterable[str]) -> list[Path]:
    """The event files among `names`, the oldest first."""
    known = [(parsed.started_at or 0.0, name) for name in names if (parsed := parse_name(name)) is not None]
    paths = (folder / name for _, name in sorted(known)[:MOST_FILES])
    found = [path for path in paths if is_regular(path) and not is_lfs_pointer(path)]
    links = {path for path in found if path.is_symlink()}
    real = {path.resolve() for path in found if path not in links} if links else set()
    return [path for path in found if path not in links or path.resolve() not in real]


def files_of_run(folder: Path, names: Iterable[str]) -> list[EventPath]:
    """All event files of the run that writes into `folder`.

    Some writers open sub-folders of their own: HF and `add_hparams` one with the time as its name,
    `add_scalars` one a curve, Keras `train` and `validation`, estimators `eval`. They belong to the run
    when the same process wrote them.
    """
    names = list(names)
    own = own_files(folder, names)
    found = [EventPath(path) for path in own]
    writers = _writers(own)
    if writers:
        for name in sorted(names)[:MOST_FILES]:
            if (folder / name).is_dir() and not (folder / name).is_symlink():
                found += _of_writers(folder / name, writers)
        if folder.name == "train":
            for name in sorted(_HELD_OUT):
                found += _of_writers(folder.parent / name, writers)
    return found


def files_of_folders(folders: Iterable[Path]) -> list[EventPath]:
    """The event files of a run that a resume left in several folders, each once, in the order of these."""
    found: dict[Path, EventPath] = {}
    for folder in dict.fromkeys(folders):
        for place in files_of_run(folder, names_in(folder)):
            found.setdefault(place.path, place)
    return list(found.values())


def _of_writers(folder: Path, writers: set[tuple[str, int]]) -> list[EventPath]:
    own = own_files(folder, names_in(folder))
    return [EventPath(path, folder.name) for path in own if _writers([path]) & writers]


def _writers(paths: Iterable[Path]) -> set[tuple[str, int]]:
    parsed = (parse_name(path.name) for path in paths)
    return {(name.host, name.pid) for name in parsed if name is not None and name.pid is not None}


def series_name(tag: str, folder: str, is_keras: bool) -> str:
    """The name of a tag that stands in a sub-folder of a run.

    `add_scalars("loss", {"val": …})` writes the tag `loss` into `loss_val`: that is `val/loss`. Keras
    writes `epoch_loss` into `train` and `validation`.
    """
    if is_keras:
        tag = tag.removeprefix("epoch_")
    if not folder or _TIME_FOLDER.match(folder):
        return tag
    curve = folder.removeprefix(tag.replace("/", "_") + "_")
    if curve != folder:
        return f"{curve}/{tag}"
    return f"{'eval' if folder in _HELD_OUT else folder}/{tag}"
