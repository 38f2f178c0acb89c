"""The places of runs in a tree, by walking it: bounded in depth, number and time, and never in a circle."""

from __future__ import annotations

import os
import re
import time
from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tui_ft.runs import directory
from tui_ft.runs.directory import RunDirectory
from tui_ft.watch import formats
from tui_ft.watch.found import found_ours
from tui_ft.watch.sources.following import LFS_POINTER, read_piece, stays_within
from tui_ft.watch.sources.protocol import Place

DEEPEST = 12
MOST_FOLDERS = 20_000
MOST_ENTRIES = 10_000
MOST_LINKS = 64
LONGEST_WALK_S = 8.0
"""A tree is walked so far: what lies beyond is said, not searched."""

_SKIPPED = frozenset({"node_modules", "__pycache__", "site-packages", "dist-packages", "lost+found"})
_HIDDEN_RUNS = ".wandb"
"""W&B writes into this folder instead of `wandb` where it is there."""
_KERNEL = frozenset(map(Path, ("/proc", "/sys", "/dev")))
_LARGEST_POINTER = 1024
_HEAD_BYTES = 4096
_DATA_NAME = re.compile(
    r"tfevents|trainer_state\.json$|trainer_log\.jsonl$|\.wandb$|\.db$|metrics\.csv$|\.log$|nohup\.out$"
)
"""Files of runs that people keep in git, where only a pointer to them may be."""


@dataclass(kw_only=True)
class Walk:
    """What one walk found. `pointers` are files of runs that are git-lfs pointers, `notes` its limits.

    `beside` are places outside that may belong to the run; a guess is a file of no known name.
    """

    places: list[Place] = field(default_factory=list)
    beside: list[Place] = field(default_factory=list)
    pointers: list[Path] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    links: set[Path] = field(default_factory=set)
    folders: int = 0
    files: int = 0
    is_guess: bool = False


def walk_file(path: Path) -> Walk:
    """Ask every format for the one file `path`."""
    walk = Walk(files=1)
    if not stays_within(path, path.parent):
        return walk
    if is_pointer(path):
        walk.pointers.append(path)
    else:
        _ask(walk, path.parent, [path.name])
    return walk


def walk_tree(top: Path, longest_s: float = LONGEST_WALK_S) -> Walk:
    """Ask every format for every folder at `top` and under it, nearest first.

    Links to folders come last, each folder once. A run directory of ours is one place, not searched.
    """
    walk = Walk()
    end = time.monotonic() + longest_s
    waiting: deque[tuple[Path, int, bool]] = deque([(top, 0, False)])
    linked: deque[tuple[Path, int, bool]] = deque()
    seen: set[tuple[int, int]] = set()
    links = 0
    while waiting or linked:
        folder, depth, is_link = waiting.popleft() if waiting else linked.popleft()
        links += is_link
        if walk.folders >= MOST_FOLDERS or links > MOST_LINKS or time.monotonic() > end:
            walk.notes.append(f"There is more than was searched: {walk.folders} folders under {top}.")
            break
        names, below, below_by_link = _entries(walk, top, folder, seen)
        if not names:
            continue
        walk.folders += 1
        if is_ours(folder, names):
            walk.places.append(found_ours(RunDirectory(folder)).places[0])
            continue
        _ask(walk, folder, names)
        if depth < DEEPEST:
            waiting.extend((path, depth + 1, is_link) for path in below)
            linked.extend((path, depth + 1, True) for path in below_by_link)
        elif below:
            walk.notes.append(f"Not searched deeper than {folder}.")
    _leave_out_links(walk)
    return walk


def _leave_out_links(walk: Walk) -> None:
    """Leave out what a link leads to when that was found under its own name, too."""
    found = {(place.format, file) for place in walk.places for file in place.files} if walk.links else set()
    for place in list(walk.places):
        file = place.files[0] if place.files else place.path
        if file in walk.links and (place.format, file.resolve()) in found:
            walk.places.remove(place)


def is_ours(folder: Path, names: Collection[str]) -> bool:
    """True for a run directory of ours; a state alone may be that of another tool."""
    run = RunDirectory(folder)
    return (run.spec.name in names or run.control.name in names) and directory.is_run(folder)


def _entries(
    walk: Walk, top: Path, folder: Path, seen: set[tuple[int, int]]
) -> tuple[list[str], list[Path], list[Path]]:
    """The names in a folder that was not seen before, and the folders among them: real ones, and links."""
    try:
        status = folder.stat()
        if (status.st_dev, status.st_ino) in seen or _is_kernels(folder):
            return [], [], []
        seen.add((status.st_dev, status.st_ino))
        with os.scandir(folder) as entries:
            return _sorted(walk, top, folder, entries)
    except OSError as error:
        walk.notes.append(f"{folder} cannot be read: {error.strerror or error}.")
        return [], [], []


def _is_kernels(folder: Path) -> bool:
    """True for a folder of the kernel's, or one reached through it: links of processes lead anywhere."""
    return folder in _KERNEL or folder.parts[1:2] in (("proc",), ("sys",))


def _sorted(
    walk: Walk, top: Path, folder: Path, entries: Iterator[os.DirEntry[str]]
) -> tuple[list[str], list[Path], list[Path]]:
    names: list[str] = []
    below: list[Path] = []
    below_by_link: list[Path] = []
    for entry in entries:
        if len(names) >= MOST_ENTRIES:
            walk.notes.append(f"{folder} holds more than {MOST_ENTRIES} files; not all were looked at.")
            break
        try:
            is_folder = entry.is_dir()
            is_link = entry.is_symlink()
        except OSError:  # a link to itself
            continue
        if is_link and not is_folder:
            if not stays_within(folder / entry.name, top, folder):
                continue
            walk.links.add(folder / entry.name)
        names.append(entry.name)
        if not is_folder:
            walk.files += 1
            _note_pointer(walk, entry)
        elif _is_searched(entry.name):
            (below_by_link if is_link else below).append(folder / entry.name)
    return sorted(names), sorted(below), sorted(below_by_link)


def _is_searched(name: str) -> bool:
    return name not in _SKIPPED and (not name.startswith(".") or name == _HIDDEN_RUNS)


def _note_pointer(walk: Walk, entry: os.DirEntry[str]) -> None:
    if _DATA_NAME.search(entry.name) and len(walk.pointers) < 1000 and is_pointer(Path(entry.path)):
        walk.pointers.append(Path(entry.path))


def is_pointer(path: Path) -> bool:
    """True when `path` holds what git-lfs puts in the place of a file that was not fetched."""
    return _head(path, largest=_LARGEST_POINTER).startswith(LFS_POINTER)


def is_text(path: Path) -> bool:
    """True for a regular file that does not begin as binary data do."""
    head = _head(path)
    return bool(head) and b"\0" not in head


def _head(path: Path, largest: int | None = None) -> bytes:
    """The beginning of a regular file that is no larger than `largest`; b"" for anything else."""
    try:
        if largest is not None and path.stat().st_size > largest:
            return b""
        return read_piece(path, _HEAD_BYTES)
    except OSError:
        return b""


def _ask(walk: Walk, folder: Path, names: list[str]) -> None:
    for form in formats.FORMATS:
        try:
            walk.places.extend(form.find(folder, names))
        except OSError as error:
            walk.notes.append(f"{folder} cannot be read: {error.strerror or error}.")
        except Exception as error:  # noqa: BLE001 - a mistake in one reader must not hide the other runs
            walk.notes.append(f"{form.name} cannot be looked for in {folder} ({error!r}); please report it.")


def distinct(places: list[Place]) -> list[Place]:
    """Leave out each place whose files all belong to another one of its format that is larger or above it.

    A checkpoint's folder is no run beside the output folder that holds it. Runs that share a database stay.
    """
    by_file: dict[tuple[str, Path], list[Place]] = {}
    for place in places:
        for file in place.files:
            by_file.setdefault((place.format, file), []).append(place)
    kept = []
    for place in dict.fromkeys(places):
        files = frozenset(place.files)
        rivals = by_file.get((place.format, place.files[0]), ()) if files else ()
        if not any(_holds(rival, place, files) for rival in rivals):
            kept.append(place)
    return kept


def _holds(rival: Place, place: Place, files: frozenset[Path]) -> bool:
    if rival.path == place.path or not files <= frozenset(rival.files):
        return False
    return len(rival.files) > len(files) or rival.path in place.path.parents
