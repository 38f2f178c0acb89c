"""Checkpoints that are whole or not there: written aside, proved, renamed."""

from __future__ import annotations

import math
import os
import shutil
from contextlib import suppress
from pathlib import Path

from tui_ft.atomic import write_atomically
from tui_ft.errors import TuiFtError
from tui_ft.runs.checkpoints import Manifest, hash_file, mend, missing_files
from tui_ft.runs.directory import (
    CHECKPOINT_PREFIX,
    MANIFEST,
    REPLACED_PREFIX,
    UNFINISHED_PREFIX,
    RunDirectory,
)
from tui_ft.runs.records import encode_document
from tui_ft.runs.renaming import exchange, sync


def unfinished_folder(run: RunDirectory, step: int) -> Path:
    """Where the library writes the checkpoint of `step` before it is proved."""
    return run.checkpoints / f"{UNFINISHED_PREFIX}{step}"


def draft_folder(run: RunDirectory, step: int) -> Path:
    """The checkpoint of `step` itself, before it has its final name."""
    return unfinished_folder(run, step) / f"{CHECKPOINT_PREFIX}{step}"


def sweep_unfinished(run: RunDirectory) -> None:
    """Remove what a killed predecessor left half written; what it was about to replace has its name again."""
    mend(run)
    for folder in (*run.checkpoints.glob(f"{UNFINISHED_PREFIX}*"), *run.path.glob(f"{UNFINISHED_PREFIX}*")):
        remove(folder)


def remove(folder: Path) -> None:
    """Remove a folder and all in it; of a symbolic link the link alone. Raises `OSError`."""
    if folder.is_symlink() or not folder.is_dir():
        folder.unlink(missing_ok=True)
    else:
        shutil.rmtree(folder)


def finish(
    run: RunDirectory, step: int, tokens: int, eval_loss: float | None, learning_rate: float | None = None
) -> Manifest:
    """Prove the checkpoint of `step` that lies in its unfinished folder, and give it its name.

    Every file is synced to disk before the rename, and the folders around it, so that neither a kill nor a
    power cut leaves a checkpoint under its final name that is not whole. One of the same step that is there
    already changes places with the new one in one instant.

    Raises `OSError` when the disk refuses, `TuiFtError` when a needed file is missing.
    """
    folder = draft_folder(run, step)
    missing = missing_files(folder)
    if missing:
        raise TuiFtError(f"The checkpoint of step {step} is not whole: {missing}.", "Nothing was replaced.")
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    names = [path.relative_to(folder).as_posix() for path in paths]
    hashes = [_sync_and_hash(path) for path in paths]
    if eval_loss is not None and not math.isfinite(eval_loss):
        eval_loss = None  # it is in the metrics; here it only says which checkpoint is the best
    manifest = Manifest(
        step=step,
        tokens=tokens,
        files={name: path.stat().st_size for name, path in zip(names, paths, strict=True)},
        hashes=dict(zip(names, hashes, strict=True)),
        eval_loss=eval_loss,
        learning_rate=learning_rate,
    )
    write_atomically(folder / MANIFEST, encode_document(manifest))
    for inner in sorted(path for path in folder.rglob("*") if path.is_dir()):
        sync(inner)
    sync(folder)
    _give_name(folder, run.checkpoint(step))
    sync(run.checkpoints)
    with suppress(OSError):  # it is whole and has its name; `Saver` says what stays behind
        remove(unfinished_folder(run, step))
    return manifest


def _sync_and_hash(path: Path) -> str:
    sync(path)
    return hash_file(path)


def _give_name(folder: Path, final: Path) -> None:
    """Rename `folder` to `final`; what is there already takes its place in the unfinished folder."""
    if not os.path.lexists(final):
        folder.rename(final)
    elif not exchange(folder, final):  # then by two renames; `mend` ends what a kill leaves between them
        aside = final.with_name(f"{REPLACED_PREFIX}{final.name}")
        remove(aside)
        final.rename(aside)
        folder.rename(final)
        sync(final.parent)
        with suppress(OSError):  # the new one is in its place
            remove(aside)


def remove_cards(run: RunDirectory, step: int) -> None:
    """Remove the empty forms of a model card that peft writes beside an adapter."""
    for card in unfinished_folder(run, step).rglob("README.md"):
        card.unlink()
