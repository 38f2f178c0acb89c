"""What can be removed from a run directory without losing what it is for: listed first, removed when told."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tui_ft.errors import TuiFtError
from tui_ft.runs import checkpoints, elsewhere
from tui_ft.runs import lock as locks
from tui_ft.runs.directory import REPLACED_PREFIX, UNFINISHED_PREFIX, RunDirectory
from tui_ft.runs.following import follow
from tui_ft.runs.handles import handle
from tui_ft.runs.records import ENDED
from tui_ft.runs.truth import Truth, read_truth

Kind = Literal["unfinished", "broken", "superseded", "older", "all"]

_PATIENCE_S = 2.0
"""What holds the lock of a run that has ended (the report of its deeds) is done sooner."""

_WHY: dict[Kind, str] = {
    "unfinished": "was never finished",
    "broken": "is not whole: nothing can be resumed from it",
    "superseded": "lies behind the checkpoint that the run went back to",
    "older": "is older than the newest, and not the best",
    "all": "the run has finished: its result is there",
}


@dataclass(frozen=True, kw_only=True)
class Item:
    """A folder that can go. `bytes` is what it takes on the disk, `files` how many inodes."""

    path: Path
    kind: Kind
    bytes: int
    files: int

    @property
    def why(self) -> str:
        return _WHY[self.kind]


@dataclass(frozen=True, kw_only=True)
class Prunable:
    """What can go, the least regretted first, and what stays with the reason."""

    items: tuple[Item, ...]
    kept: tuple[tuple[str, int, str], ...]

    @property
    def bytes(self) -> int:
        return sum(item.bytes for item in self.items)


def size_text(size: int) -> str:
    """Bytes as people compare them: GiB from one on, else MiB, else KiB."""
    if size >= 1 << 30:
        return f"{size / 2**30:.1f} GiB"
    return f"{size / 2**20:.1f} MiB" if size >= 1 << 20 else f"{size / 2**10:.0f} KiB"


def find(run: RunDirectory) -> Prunable:
    """List what can go from `run`, reading no more than folders. Never raises for what they hold.

    While the run is going, or may be going on another machine, nothing that its trainer may be at work on
    is listed. Of a run that is a link nothing is: it is not here.
    """
    truth = read_truth(run)
    return _find(run, truth, _may_be_live(run, truth))


def _find(run: RunDirectory, truth: Truth, is_live: bool) -> Prunable:
    if run.path.is_symlink():
        return Prunable(items=(), kept=())
    has_result = not is_live and truth.status == "finished" and _has_result(run, truth)
    whole = checkpoints.whole(run)
    steps = {one.path for one in whole}
    newest, best = (whole[0] if whole else None), checkpoints.best(whole)
    items: list[tuple[Path, Kind]] = []
    if not is_live:
        items += [(path, "unfinished") for path in _unfinished(run)]
        broken = [path for _, path in run.list_checkpoints() if path not in steps]
        items += [(path, "broken") for path in broken]
    items += [(path, "broken") for path in checkpoints.rejected(run)]
    items += [(path, "superseded") for path in checkpoints.superseded(run)]
    kept: list[tuple[str, int, str]] = []
    for one in reversed(whole):
        is_best = best is not None and one.path == best.path
        if has_result and (one is newest or not is_best):
            items.append((one.path, "all"))
        elif one is newest:
            kept.append((one.path.name, one.bytes, "the newest: a resume goes on from it"))
        elif is_best:
            kept.append((one.path.name, one.bytes, f"the best: eval loss {one.eval_loss:.4g}"))
        else:
            items.append((one.path, "older"))
    measured = tuple(_measured(path, kind) for path, kind in items if not path.is_symlink())
    return Prunable(items=measured, kept=tuple(kept))


def remove(run: RunDirectory, items: Iterable[Item]) -> int:
    """Remove `items`, each only if it still can go; return the bytes that this freed.

    Meanwhile nobody resumes the run. Raises `TuiFtError` when the checkpoint for which older ones are to go
    does not hold what was written, and when the disk refuses; what was removed before stays removed.
    """
    asked = {(item.path, item.kind) for item in items}
    freed = 0
    with _looked_at_anew(run) as (found, is_live):
        wanted = [item for item in found.items if (item.path, item.kind) in asked]
        if not is_live and any(item.kind == "older" for item in wanted):
            _require_sound_newest(run)
        for item in wanted:
            try:
                _remove(run, item.path)
            except OSError as error:
                raise TuiFtError(
                    f"{item.path} cannot be removed: {os.strerror(error.errno or 0)}.", "Is it yours?"
                ) from error
            freed += item.bytes
    return freed


@contextmanager
def _looked_at_anew(run: RunDirectory) -> Iterator[tuple[Prunable, bool]]:
    """What can go by now: a checkpoint may have become the only one. Of a run that is over the lock is held;
    who does not get it leaves alone what a trainer may be at work on, for one has just been started. Tells
    too whether it is going.
    """
    truth = read_truth(run)
    is_live = _may_be_live(run, truth)
    lock = None
    if not is_live:
        try:
            lock = locks.acquire(run, _PATIENCE_S)
        except TuiFtError:
            is_live = True
        else:
            is_live = locks.is_locked(run.events)
    try:
        yield _find(run, truth, is_live), is_live
    finally:
        if lock is not None:
            lock.close()


def _require_sound_newest(run: RunDirectory) -> None:
    """Every byte of it is read: the list goes by names and sizes, and one that is broken under a whole look
    must not cost the older ones. While the run is going its trainer has proved the newest itself.
    """
    newest = checkpoints.newest(run)
    reason = checkpoints.verify(newest.path) if newest is not None else None
    if newest is not None and reason is not None:
        raise TuiFtError(
            f"{newest.path.name} is the newest, but it is not whole: {reason}. Nothing was removed.",
            f"`tui-ft resume {handle(run)}` goes on from the newest whole one, and puts this one aside.",
        )


def _remove(run: RunDirectory, path: Path) -> None:
    """Renamed first: a kill in the middle leaves nothing that looks like a checkpoint."""
    if path.name.startswith((UNFINISHED_PREFIX, REPLACED_PREFIX)):
        shutil.rmtree(path)
        return
    doomed = run.checkpoints / f"{UNFINISHED_PREFIX}pruned-{path.parent.name}-{path.name}"
    if doomed.is_dir() and not doomed.is_symlink():
        shutil.rmtree(doomed)
    path.rename(doomed)
    shutil.rmtree(doomed)
    if path.parent != run.checkpoints and not any(path.parent.iterdir()):
        path.parent.rmdir()


def _may_be_live(run: RunDirectory, truth: Truth) -> bool:
    """True unless its trainer is surely gone: on another machine it may go on, whatever is locked here."""
    if locks.is_locked(run.events):
        return True
    if truth.status in ENDED or truth.status in ("lost", "queued"):
        return False
    return truth.state is None or not elsewhere.is_surely_over(run, truth.state)


def _has_result(run: RunDirectory, truth: Truth) -> bool:
    """True when the result holds weights, and as much as the trainer wrote by its last word."""
    if run.result.is_symlink() or not run.result.is_dir():
        return False
    weights = [path for pattern in checkpoints.WEIGHT_PATTERNS for path in run.result.glob(pattern)]
    if not any(path.is_file() and not path.is_symlink() and path.stat().st_size for path in weights):
        return False
    end = follow(run, truth.state.attempt).end if truth.state is not None else None
    if end is None or end.result_bytes is None:
        return True
    return _content_bytes(run.result) >= end.result_bytes


def _content_bytes(folder: Path) -> int:
    """The bytes in the files of a folder; what cannot be read or is a link counts for nothing."""
    total = 0
    for place, _, names in os.walk(folder, followlinks=False):
        for name in names:
            try:
                about = os.lstat(os.path.join(place, name))  # noqa: PTH118 - as below
            except OSError:
                continue
            total += about.st_size if stat.S_ISREG(about.st_mode) else 0
    return total


def _unfinished(run: RunDirectory) -> list[Path]:
    prefixes = (f"{UNFINISHED_PREFIX}*", f"{REPLACED_PREFIX}*")
    is_link = run.checkpoints.is_symlink()
    places = [path for prefix in prefixes for path in run.checkpoints.glob(prefix) if not is_link]
    places += run.path.glob(f"{UNFINISHED_PREFIX}*")
    return sorted(path for path in places if path.is_dir())


def _measured(path: Path, kind: Kind) -> Item:
    """Count what a folder takes; links are counted as links."""
    size = files = 0
    for folder, _, names in os.walk(path, followlinks=False):
        files += 1
        for name in names:
            try:
                about = os.lstat(os.path.join(folder, name))  # noqa: PTH118 - many files
            except OSError:
                continue
            files += 1
            size += about.st_blocks * 512 if stat.S_ISREG(about.st_mode) else 0
    return Item(path=path, kind=kind, bytes=size, files=files)
