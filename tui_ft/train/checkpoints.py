"""Checkpoints that are whole or not there: written aside, proved, renamed; and which one to resume."""

from __future__ import annotations

import json
import math
import os
import shutil
from pathlib import Path

import msgspec

from tui_ft.atomic import write_atomically
from tui_ft.errors import TuiFtError
from tui_ft.runs.directory import CHECKPOINT_PREFIX, MANIFEST, UNFINISHED_PREFIX, RunDirectory
from tui_ft.runs.records import RejectedCheckpoint, encode_document

NEEDED = ("optimizer.pt", "scheduler.pt", "trainer_state.json")
"""Without any of these the library would resume silently with fresh state."""
WEIGHT_PATTERNS = ("model*.safetensors", "adapter_model.safetensors")


class Manifest(msgspec.Struct, kw_only=True, frozen=True):
    """`manifest.json` of a checkpoint; `tokens` is the count of trained-on tokens so far.

    `learning_rate` is that of the spec with which it was trained: by it a resume sees that the spec
    has another one now. A rate that was changed by request is in the library's own state.
    """

    schema: int = 1
    step: int
    tokens: int
    files: dict[str, int]
    eval_loss: float | None = None
    learning_rate: float | None = None


def unfinished_folder(run: RunDirectory, step: int) -> Path:
    """Where the library writes the checkpoint of `step` before it is proved."""
    return run.checkpoints / f"{UNFINISHED_PREFIX}{step}"


def sweep_unfinished(run: RunDirectory) -> None:
    """Remove what a killed predecessor left half written."""
    for folder in (*run.checkpoints.glob(f"{UNFINISHED_PREFIX}*"), *run.path.glob(f"{UNFINISHED_PREFIX}*")):
        shutil.rmtree(folder)


def finish(
    run: RunDirectory, step: int, tokens: int, eval_loss: float | None, learning_rate: float | None = None
) -> Manifest:
    """Prove the checkpoint of `step` that lies in its unfinished folder, and give it its name.

    Every file is synced to disk before the rename, and the folder after it, so that neither a kill
    nor a power cut leaves a checkpoint under its final name that is not whole.

    Raises `OSError` when the disk refuses, `TuiFtError` when a needed file is missing.
    """
    holder = unfinished_folder(run, step)
    folder = holder / f"{CHECKPOINT_PREFIX}{step}"
    missing = missing_files(folder)
    if missing:
        raise TuiFtError(f"The checkpoint of step {step} is not whole: {missing}.", "Nothing was replaced.")
    files = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        files[str(path.relative_to(folder))] = path.stat().st_size
        sync(path)
    if eval_loss is not None and not math.isfinite(eval_loss):
        eval_loss = None  # it is in the metrics; here it only says which checkpoint is the best
    manifest = Manifest(
        step=step, tokens=tokens, files=files, eval_loss=eval_loss, learning_rate=learning_rate
    )
    write_atomically(folder / MANIFEST, encode_document(manifest))
    sync(folder)
    final = run.checkpoint(step)
    if final.exists():  # the same step again, after a resume from an older checkpoint
        shutil.rmtree(final)
    folder.rename(final)
    sync(run.checkpoints)
    holder.rmdir()
    return manifest


def remove_cards(run: RunDirectory, step: int) -> None:
    """Remove the empty forms of a model card that peft writes beside an adapter."""
    for card in unfinished_folder(run, step).rglob("README.md"):
        card.unlink()


def sync(path: Path) -> None:
    """Flush a file or a folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


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
    return msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)


def fault(folder: Path) -> str | None:
    """Say why a checkpoint cannot be resumed from, or None when it is whole."""
    missing = missing_files(folder)
    if missing:
        return missing
    try:
        manifest = read_manifest(folder)
        json.loads((folder / "trainer_state.json").read_bytes())  # msgspec refuses its NaN and Infinity
    except (OSError, ValueError) as error:
        return f"it cannot be read ({error})"
    for name, size in manifest.files.items():
        try:
            found = (folder / name).stat().st_size
        except OSError:
            return f"{name} is missing"
        if found != size:
            return f"{name} has {found} bytes instead of {size}"
    return None


def choose(run: RunDirectory) -> tuple[Path | None, list[RejectedCheckpoint]]:
    """Return the newest whole checkpoint, and the newer ones that were passed over with the reason."""
    rejected: list[RejectedCheckpoint] = []
    for _, folder in run.list_checkpoints():
        reason = fault(folder)
        if reason is None:
            return folder, rejected
        rejected.append(RejectedCheckpoint(path=str(folder), reason=reason))
    return None, rejected


def retire(run: RunDirectory, keep: int) -> list[str]:
    """Remove all but the newest `keep` checkpoints and the one of lowest eval loss; return their names.

    Only whole ones count: a broken one, which a resumed run has passed over, pushes none out.
    """
    checkpoints = [folder for _, folder in run.list_checkpoints() if fault(folder) is None]
    kept = set(checkpoints[: max(keep, 1)])
    best = best_checkpoint(checkpoints)
    removed = []
    for folder in checkpoints:
        if folder in kept or folder == best:
            continue
        # renamed first: a kill in the middle must not leave a half-removed folder under a final name
        doomed = folder.with_name(f"{UNFINISHED_PREFIX}{folder.name}")
        folder.rename(doomed)
        shutil.rmtree(doomed)
        removed.append(folder.name)
    return removed


def best_checkpoint(folders: list[Path]) -> Path | None:
    """Return the checkpoint whose eval loss was lowest when it was saved, if any was evaluated then."""
    scored = []
    for folder in folders:
        try:
            loss = read_manifest(folder).eval_loss
        except (OSError, msgspec.DecodeError):
            continue
        if loss is not None:
            scored.append((loss, folder))
    return min(scored)[1] if scored else None
