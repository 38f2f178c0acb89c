"""Which checkpoints of a run are whole: proved by their manifest, without any training library."""

from __future__ import annotations

import errno
import json
import os
import shutil
import stat
import threading
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from itertools import repeat
from pathlib import Path, PurePosixPath

import msgspec

from tui_ft.runs.directory import CHECKPOINT_PREFIX, MANIFEST, REPLACED_PREFIX, RunDirectory
from tui_ft.runs.regular_file import open_regular

NEEDED = ("optimizer.pt", "scheduler.pt", "trainer_state.json")
"""Without any of these the library would resume silently with fresh state."""
WEIGHT_PATTERNS = ("model*.safetensors", "adapter_model.safetensors")
SUPERSEDED_PREFIX = "superseded-"
"""Folder of the checkpoints that attempt n went back behind; nothing is resumed from there."""
REJECTED_PREFIX = "rejected-"
"""Folder of the checkpoints that attempt n read, and that do not hold what was written."""
_LARGEST_JSON = 64 << 20
_CHUNK = 1 << 20
HASHING_THREADS = 4
"""hashlib computes without the interpreter's lock; beyond a few threads the disk is the limit."""

Progress = Callable[[int, int], None]
"""Told how many bytes of how many are checked."""


class Manifest(msgspec.Struct, kw_only=True, frozen=True):
    """`manifest.json` of a checkpoint; `tokens` is the count of trained-on tokens so far.

    `learning_rate` is that of the spec with which it was trained: by it a resume sees that the spec has
    another one now. A rate that was changed by request is in the library's own state. `hashes` are the
    SHA-256 of the files; manifests of the first version have none.
    """

    schema: int = 1
    step: int
    tokens: int
    files: dict[str, int]
    hashes: dict[str, str] = {}
    eval_loss: float | None = None
    learning_rate: float | None = None


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A checkpoint that looks whole; `bytes` is its size on disk by its manifest."""

    step: int
    path: Path
    bytes: int
    eval_loss: float | None = None


def missing_files(folder: Path) -> str | None:
    """Say what a checkpoint needs and does not have, or None."""
    for name in NEEDED:
        if not (folder / name).is_file():
            return f"{name} is missing"
    if not any(next(folder.glob(pattern), None) for pattern in WEIGHT_PATTERNS):
        return "the weights are missing"
    if next(folder.glob("rng_state*.pth"), None) is None:
        return "rng_state.pth is missing"
    return None


def read_manifest(folder: Path) -> Manifest:
    """Read a checkpoint's manifest. Raises `OSError` or `msgspec.DecodeError`."""
    try:
        return msgspec.json.decode(_read(folder / MANIFEST), type=Manifest)
    except (UnicodeDecodeError, RecursionError) as error:
        raise msgspec.DecodeError(f"no JSON that can be read: {type(error).__name__}") from error


def fault(folder: Path) -> str | None:
    """Say why a checkpoint cannot be resumed from, by names and sizes alone; None when it looks whole."""
    if folder.is_symlink() or not folder.is_dir():
        return "it is no folder"
    missing = missing_files(folder)
    if missing:
        return missing
    try:
        manifest = read_manifest(folder)
        json.loads(_read(folder / "trainer_state.json"))  # msgspec refuses its NaN and Infinity
    except (OSError, ValueError, RecursionError) as error:
        return f"it cannot be read ({error})"
    for name, size in manifest.files.items():
        if not _is_inside(name):
            return "its manifest names files outside of it"
        try:
            found = (folder / name).stat()
        except (OSError, ValueError):
            return f"{name} is missing"
        if found.st_size != size or not stat.S_ISREG(found.st_mode):
            return f"{name} has {found.st_size} bytes instead of {size}"
    return None


def verify(folder: Path, progress: Progress | None = None) -> str | None:
    """Like `fault`, and read every byte: a file that was overwritten or lost its blocks is seen too."""
    reason = fault(folder)
    if reason is not None:
        return reason
    manifest = read_manifest(folder)
    done, total = 0, sum(manifest.files.get(name, 0) for name in manifest.hashes)
    paths = [folder / name for name in manifest.hashes if name in manifest.files]
    try:
        with closing(hash_files(paths)) as hashes:
            for path, found in hashes:
                name = path.relative_to(folder).as_posix()
                if found != manifest.hashes[name]:
                    return f"{name} does not hold what was written"
                done += manifest.files[name]
                if progress is not None:
                    progress(done, total)
    except OSError as error:
        return f"it cannot be read ({os.strerror(error.errno or 0)})"
    return None


def hash_files(paths: list[Path]) -> Generator[tuple[Path, str]]:
    """Yield each path with its SHA-256, several at a time. Raises `OSError`.

    Closed, or interrupted by what a signal raises, it leaves off in the middle of a file: one may have tens
    of gigabytes, and the pool waits for its threads.
    """
    halt = threading.Event()
    with ThreadPoolExecutor(HASHING_THREADS, thread_name_prefix="hash") as pool:
        try:
            yield from zip(paths, pool.map(hash_file, paths, repeat(halt)), strict=True)
        finally:
            halt.set()


def hash_file(path: Path, halt: threading.Event | None = None) -> str:
    """The SHA-256 of a file's content, in hexadecimal. Raises `OSError`, also when `halt` is set."""
    digest = sha256()
    with open(open_regular(path), "rb", buffering=0) as file:
        buffer = memoryview(bytearray(_CHUNK))
        while length := file.readinto(buffer):
            if halt is not None and halt.is_set():
                raise OSError(errno.ECANCELED, os.strerror(errno.ECANCELED), str(path))
            digest.update(buffer[:length])
    return digest.hexdigest()


def whole(run: RunDirectory) -> list[Checkpoint]:
    """The checkpoints that look whole, newest first."""
    looked = (_look(step, folder) for step, folder in run.list_checkpoints())
    return [one for one in looked if one is not None]


def newest(run: RunDirectory) -> Checkpoint | None:
    """The checkpoint that a resume would go on from, as far as sizes tell."""
    looked = (_look(step, folder) for step, folder in run.list_checkpoints())
    return next((one for one in looked if one is not None), None)


def _look(step: int, folder: Path) -> Checkpoint | None:
    """A checkpoint that looks whole; None for another, and for one that is removed while we look."""
    if fault(folder) is not None:
        return None
    try:
        manifest = read_manifest(folder)
    except (OSError, msgspec.DecodeError):
        return None
    size = sum(manifest.files.values())
    return Checkpoint(step=step, path=folder, bytes=size, eval_loss=manifest.eval_loss)


def best(checkpoints: list[Checkpoint]) -> Checkpoint | None:
    """The one whose eval loss was lowest when it was saved; of equals the newest. None: there is no loss."""
    scored = [one for one in checkpoints if one.eval_loss is not None]
    return min(scored, key=lambda one: (one.eval_loss, -one.step), default=None)


def superseded(run: RunDirectory) -> list[Path]:
    """The checkpoints that a resume from an older one has put aside, in order of their attempts."""
    return _aside(run, SUPERSEDED_PREFIX)


def rejected(run: RunDirectory) -> list[Path]:
    """The checkpoints that a resume has read, found broken and put aside, in order of their attempts."""
    return _aside(run, REJECTED_PREFIX)


def _aside(run: RunDirectory, prefix: str) -> list[Path]:
    if run.checkpoints.is_symlink():
        return []
    return sorted(
        folder
        for folder in run.checkpoints.glob(f"{prefix}*/{CHECKPOINT_PREFIX}*")
        if folder.is_dir() and not folder.is_symlink() and not folder.parent.is_symlink()
    )


def mend(run: RunDirectory) -> None:
    """Give a checkpoint its name back that a kill took while a newer one of the same step was to get it.

    Call it only while no trainer of the run lives. Raises `OSError`.
    """
    if run.checkpoints.is_symlink():
        return
    for aside in run.checkpoints.glob(f"{REPLACED_PREFIX}{CHECKPOINT_PREFIX}*"):
        final = aside.with_name(aside.name.removeprefix(REPLACED_PREFIX))
        if not os.path.lexists(final):
            aside.rename(final)
        elif aside.is_dir() and not aside.is_symlink():
            shutil.rmtree(aside)


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts and "\0" not in name


def _read(path: Path) -> bytes:
    with open(open_regular(path), "rb") as file:
        data = file.read(_LARGEST_JSON + 1)
    if len(data) > _LARGEST_JSON:
        raise OSError(f"{path.name} is too large")
    return data
