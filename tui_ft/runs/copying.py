"""Copying what a run made to another place, so that nothing but a whole, verified copy has the final name."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import NamedTuple

import msgspec

from tui_ft.atomic import write_atomically
from tui_ft.errors import TuiFtError
from tui_ft.runs import checkpoints
from tui_ft.runs.directory import UNFINISHED_PREFIX, RunDirectory
from tui_ft.runs.records import ENDED
from tui_ft.runs.state import read_state

MANIFEST = "copied.json"
"""Lies in a copy: every file of it with its size and blake2b hash."""

_CHUNK_BYTES = 1 << 22
_RESERVE_BYTES = 64 << 20
_MOST_FILES = 100_000


class Copy(NamedTuple):
    """A verified copy: its folder, its bytes, what it holds, and what should be known of it."""

    folder: Path
    size: int
    files: int
    what: str
    note: str = ""


class _File(NamedTuple):
    name: str
    source: Path
    size: int


def copy_run(run: RunDirectory, target: Path, attempt: int) -> Copy:
    """Copy result (of a run that did not finish: its newest whole checkpoint), spec and rows under `target`.

    The copy is `<target>/<run id>`, of a later attempt `<run id>-attempt-<n>`. Every file is written, synced
    and read again; its hash must be that of the source. A copy that is there already is read again instead.

    Raises `TuiFtError` when there is no room, no right, or a file that does not come out the same.
    """
    files, what = _wanted(run)
    name = run.id if attempt == 1 else f"{run.id}-attempt-{attempt}"
    final, temporary = target / name, target / f"{UNFINISHED_PREFIX}{name}"
    try:
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        if final.is_dir():
            return _again(final, files, what)
        _require_room(target, sum(file.size for file in files))
        if temporary.is_symlink():
            raise TuiFtError(f"{temporary} is a link: nothing is copied through it.", "Remove it.")
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(mode=0o700)
        _make_folders(temporary, files)
        hashes = {file.name: _copy(file, temporary / file.name) for file in files}
        for file in files:
            _verify(temporary / file.name, file, hashes[file.name])
        _write_manifest(temporary, run, files, hashes)
        _sync_folders(temporary)
        temporary.rename(final)
        _sync(target)
    except OSError as error:
        raise TuiFtError(
            f"{run.id} cannot be copied to {target}: {os.strerror(error.errno or 0)}.",
            "It needs a folder of yours with room, on a disk that is mounted.",
        ) from error
    return Copy(final, sum(file.size for file in files), len(files), what, _note(run, final))


def _wanted(run: RunDirectory) -> tuple[list[_File], str]:
    """The files to copy, and what they are in words."""
    loose = [run.spec, run.state, run.metrics, run.events, run.health, run.output]
    folders = [run.path / "attempts"]
    what = "spec and rows"
    if _has_result(run):
        folders.append(run.result)
        what = "the result"
    else:
        newest = checkpoints.newest(run)
        if newest is not None:
            folders.append(newest.path)
            what = f"the checkpoint of step {newest.step}"
    found = [file for path in loose if (file := _file(run, path)) is not None]
    for folder in folders:
        found += _files_below(run, folder)
    if len(found) > _MOST_FILES:
        raise TuiFtError(f"{run.id} holds more than {_MOST_FILES} files: no copy is made.")
    return found, what


def _has_result(run: RunDirectory) -> bool:
    state = read_state(run)
    return state.status in ENDED and state.exit is not None and state.exit.cause == "finished"


def _files_below(run: RunDirectory, folder: Path) -> Iterator[_File]:
    """Regular files only: a link could bring in anything of this machine."""
    if folder.is_symlink():
        return
    for place, folders, names in os.walk(folder, followlinks=False):
        folders[:] = [name for name in folders if not (Path(place) / name).is_symlink()]
        for name in names:
            file = _file(run, Path(place) / name)
            if file is not None:
                yield file


def _file(run: RunDirectory, path: Path) -> _File | None:
    try:
        about = path.lstat()
    except OSError:
        return None
    if not stat.S_ISREG(about.st_mode):
        return None
    return _File(str(path.relative_to(run.path)), path, about.st_size)


def _require_room(target: Path, size: int) -> None:
    free = shutil.disk_usage(target).free
    if free < size + _RESERVE_BYTES:
        raise TuiFtError(
            f"There is no room for a copy in {target}: it takes {size / 2**30:.2f} GiB, "
            f"{free / 2**30:.2f} GiB are free.",
            "Make room there.",
        )


def _make_folders(top: Path, files: list[_File]) -> None:
    """Each by itself: the parents that `mkdir` makes on the way would be open to others."""
    for folder in sorted({parent for file in files for parent in PurePath(file.name).parents}):
        (top / folder).mkdir(mode=0o700, exist_ok=True)


def _copy(file: _File, there: Path) -> str:
    """Copy the first `size` bytes (a log may grow meanwhile), sync them, return their hash."""
    digest = hashlib.blake2b()
    left = file.size
    source = os.open(file.source, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        target = os.open(there, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            while left and (chunk := os.read(source, min(_CHUNK_BYTES, left))):
                digest.update(chunk)
                left -= len(chunk)
                view = memoryview(chunk)
                while view:
                    view = view[os.write(target, view) :]
            os.fsync(target)
            _forget_pages(target)
        finally:
            os.close(target)
    finally:
        os.close(source)
    if left:
        raise TuiFtError(f"{file.name} became shorter while it was copied.", "Nothing may write to the run.")
    return digest.hexdigest()


def _forget_pages(descriptor: int) -> None:
    """So that the check reads the disk, not our own memory; where the system does that."""
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)


def _verify(there: Path, file: _File, expected: str) -> None:
    if _hash(there) != expected or there.stat().st_size != file.size:
        raise TuiFtError(
            f"The copy of {file.name} in {there.parent} is not what was copied.",
            "The disk there may be failing: keep the machine, and copy again.",
        )


def _hash(path: Path, size: int | None = None) -> str:
    digest = hashlib.blake2b()
    left = size
    with open(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW), "rb") as file:
        while chunk := file.read(_CHUNK_BYTES if left is None else min(_CHUNK_BYTES, left)):
            digest.update(chunk)
            if left is not None:
                left -= len(chunk)
    return digest.hexdigest()


def _write_manifest(folder: Path, run: RunDirectory, files: list[_File], hashes: dict[str, str]) -> None:
    listed = {file.name: {"bytes": file.size, "blake2b": hashes[file.name]} for file in files}
    document = {"schema": 1, "run": run.id, "files": listed}
    write_atomically(folder / MANIFEST, msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n")


def _again(final: Path, files: list[_File], what: str) -> Copy:
    """A copy of this attempt is there: it counts if what the run made reads the same as the source."""
    for file in files:
        if "/" not in file.name:
            continue  # rows and log: they go on after a run's end
        there = final / file.name
        is_whole = there.is_file() and there.stat().st_size == file.size
        if not is_whole or _hash(there) != _hash(file.source, file.size):
            raise TuiFtError(
                f"{final} is there already and its {file.name} is another.", "Move it away, then copy again."
            )
    return Copy(final, sum(file.size for file in files), len(files), what, "it was there already")


def _sync_folders(top: Path) -> None:
    for place, _, _ in os.walk(top):
        _sync(Path(place))


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _note(run: RunDirectory, copy: Path) -> str:
    if run.path.stat().st_dev == copy.stat().st_dev:
        return "it lies on the same disk as the run: what takes that disk takes both"
    return ""
