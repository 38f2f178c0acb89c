"""Copying what a run made to another place, so that nothing but a whole, verified copy has the final name."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from pathlib import Path, PurePath
from typing import NamedTuple

import msgspec

from tui_ft.atomic import write_atomically
from tui_ft.errors import TuiFtError
from tui_ft.runs.after import copy_source
from tui_ft.runs.after.copy_lock import copying_alone
from tui_ft.runs.after.copy_source import File, Source
from tui_ft.runs.directory import UNFINISHED_PREFIX, RunDirectory
from tui_ft.runs.known_roots import known_roots
from tui_ft.runs.small_file import read_small

MANIFEST = "copied.json"
"""Lies in a copy: every file of it with its size and blake2b hash."""

SAME_DISK = "it lies on the same disk as the run: what takes that disk takes both"

_CHUNK_BYTES = 1 << 22
_LARGEST_MANIFEST = 64 << 20
_RESERVE_BYTES = 64 << 20


class Copy(NamedTuple):
    """A verified copy: its folder, its bytes, what it holds, and what should be known of it."""

    folder: Path
    size: int
    files: int
    what: str
    note: str = ""


class _Listed(msgspec.Struct, frozen=True):
    bytes: int
    blake2b: str


class _Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """`copied.json`: what the copy held when it got its name."""

    schema: int = 1
    run: str
    files: dict[str, _Listed]


def copy_run(run: RunDirectory, target: Path, attempt: int, patience_s: float = 5.0) -> Copy:
    """Copy result (of a run that did not finish: its newest whole checkpoint and its best), spec and rows
    under `target`.

    The copy is `<target>/<run id>`, of a later attempt `<run id>-attempt-<n>`; while the run goes on,
    `-step-<n>` is behind it. Every file is written, synced and read again; its hash must be that of the
    source. A copy that is there already is read again instead.

    Raises `TuiFtError` when there is no room, no right, something missing in the run, or, with exit code 1,
    a file that does not come out the same, or another copy to the same place for longer than `patience_s`.
    """
    try:
        source = copy_source.find(run, attempt)
        name = run.id + source.suffix
        require_elsewhere(run, target)
        for folder in (target / name, target / f"{UNFINISHED_PREFIX}{name}"):
            if folder.is_symlink():
                raise TuiFtError(f"{folder} is a link: nothing is copied through it.", "Remove it.")
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        with copying_alone(target, name, patience_s):
            return _copy_alone(run, target / name, source)
    except OSError as error:
        why = os.strerror(error.errno or 0)
        where = f" ({error.filename})" if error.filename else ""
        raise TuiFtError(
            f"{run.id} cannot be copied to {target}: {why}{where}.",
            "It needs a folder of yours with room, on a disk that is mounted, and a run that can be read.",
        ) from error


def _copy_alone(run: RunDirectory, final: Path, source: Source) -> Copy:
    target, temporary = final.parent, final.with_name(f"{UNFINISHED_PREFIX}{final.name}")
    if final.is_dir():
        return _again(run, final, source)
    _require_room(target, source.size)
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(mode=0o700)
    _make_folders(temporary, source.files)
    hashes = {file.name: _copy(file, temporary / file.name) for file in source.files}
    for file in source.files:
        _verify(temporary / file.name, file, hashes[file.name])
    _write_manifest(temporary, run, source.files, hashes)
    _sync_folders(temporary)
    temporary.rename(final)
    _sync(target)
    return _copied(run, final, source)


def require_elsewhere(run: RunDirectory, target: Path) -> None:
    """Raise `TuiFtError` for a target inside the run, or among the runs: a copy there would be no other."""
    place, own = target.resolve(), run.path.resolve()
    root = own.parent
    is_root = root in {one.resolve() for one in known_roots()}
    if place == root or own in (place, *place.parents) or (is_root and root in place.parents):
        where = "inside the run" if own in (place, *place.parents) else "among the runs"
        raise TuiFtError(
            f"{target} lies {where}: what takes the run takes a copy there too.",
            "Name a folder outside of the runs root, best on another disk.",
        )


def is_on_the_disk_of(folder: Path, other: Path) -> bool:
    """True when both, or what of their paths is there, lie on one file system."""
    return _device(folder) == _device(other)


def _device(path: Path) -> int:
    return next(one for one in (path, *path.parents) if one.exists()).stat().st_dev


def _copied(run: RunDirectory, final: Path, source: Source, note: str = "") -> Copy:
    notes = [note, SAME_DISK if is_on_the_disk_of(run.path, final) else ""]
    return Copy(final, source.size, len(source.files), source.what, "; ".join(filter(None, notes)))


def _require_room(target: Path, size: int) -> None:
    free = shutil.disk_usage(target).free
    if free < size + _RESERVE_BYTES:
        raise TuiFtError(
            f"There is no room for a copy in {target}: it takes {size / 2**30:.2f} GiB, "
            f"{free / 2**30:.2f} GiB are free.",
            "Make room there.",
        )


def _make_folders(top: Path, files: list[File]) -> None:
    """Each by itself: the parents that `mkdir` makes on the way would be open to others."""
    for folder in sorted({parent for file in files for parent in PurePath(file.name).parents}):
        (top / folder).mkdir(mode=0o700, exist_ok=True)


def _copy(file: File, there: Path) -> str:
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
        raise TuiFtError(
            f"{file.name} became shorter while it was copied.", "It must stay as it is.", exit_code=1
        )
    return digest.hexdigest()


def _forget_pages(descriptor: int) -> None:
    """So that the check reads the disk, not our own memory; where the system does that."""
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)


def _verify(there: Path, file: File, expected: str) -> None:
    if _hash(there) != expected or there.stat().st_size != file.size:
        raise TuiFtError(
            f"The copy of {file.name} in {there.parent} is not what was copied.",
            "The disk there may be failing: keep the machine, and copy again.",
            exit_code=1,
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


def _write_manifest(folder: Path, run: RunDirectory, files: list[File], hashes: dict[str, str]) -> None:
    listed = {file.name: _Listed(file.size, hashes[file.name]) for file in files}
    document = msgspec.json.encode(_Manifest(run=run.id, files=listed))
    write_atomically(folder / MANIFEST, msgspec.json.format(document, indent=1) + b"\n")


def _again(run: RunDirectory, final: Path, source: Source) -> Copy:
    """A copy of this state is there. It counts if it holds what its list says, and the list what was made.

    The record is not compared with the run's: rows and log go on after an end.
    """
    listed = _listed(run, final)
    for file in source.files:
        there, said = final / file.name, listed.get(file.name)
        if said is None and not file.is_made:
            continue
        is_same = said is not None and _holds(there, said)
        if not is_same or (file.is_made and _hash(file.source, file.size) != _hash(there)):
            raise TuiFtError(
                f"{final} is there already and its {file.name} is another.",
                "Move it away, then copy again.",
                exit_code=1,
            )
    return _copied(run, final, source, "it was there already")


def _listed(run: RunDirectory, final: Path) -> dict[str, _Listed]:
    """The list of a copy that is there. Raises `TuiFtError` where it is no copy of this run."""
    try:
        manifest = msgspec.json.decode(read_small(final / MANIFEST, _LARGEST_MANIFEST), type=_Manifest)
    except (OSError, ValueError, RecursionError):
        manifest = None
    if manifest is None or manifest.run != run.id:
        raise TuiFtError(
            f"{final} is there already and is no copy of {run.id}: its {MANIFEST} does not say so.",
            "Move it away, then copy again.",
            exit_code=1,
        )
    return manifest.files


def _holds(path: Path, said: _Listed) -> bool:
    try:
        about = path.lstat()
    except OSError:
        return False
    return stat.S_ISREG(about.st_mode) and about.st_size == said.bytes and _hash(path) == said.blake2b


def _sync_folders(top: Path) -> None:
    for place, _, _ in os.walk(top):
        _sync(Path(place))


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
