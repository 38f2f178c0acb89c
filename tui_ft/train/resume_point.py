"""Where an attempt goes on: the newest whole checkpoint, or the older one that the launch names."""

from __future__ import annotations

import os
import time
from pathlib import Path

import msgspec

from tui_ft.errors import TuiFtError
from tui_ft.runs.checkpoints import REJECTED_PREFIX, SUPERSEDED_PREFIX, Progress, mend, newest, verify
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.records import LaunchRecord, RejectedCheckpoint
from tui_ft.runs.renaming import sync
from tui_ft.train.journal import Journal

_LARGEST_RECORD = 1 << 20
_WORTH_SAYING_BYTES = 1 << 30
"""Below that the check takes less than a second."""


def choose(
    run: RunDirectory, attempt: int, journal: Journal | None = None
) -> tuple[Path | None, list[RejectedCheckpoint]]:
    """Return the checkpoint that `attempt` goes on from, and the newer ones passed over with the reason.

    Every byte of it is checked. Where launch.json names an older step, the checkpoints behind that are put
    aside. So is one that is not whole: by names and sizes alone, which is all that lists and retention look
    at, it would count as the newest, and proved ones would be removed in its favour. Raises `TuiFtError`
    when the named one is not whole, `OSError` when the disk refuses.
    """
    mend(run)
    record = launch_record(run, attempt)
    if record is not None and record.from_step is not None:
        folder = run.checkpoint(record.from_step)
        reason = verify(folder, _progress(journal, folder))
        if reason is not None:
            reject(run, attempt, [folder])
            raise TuiFtError(f"The checkpoint of step {record.from_step} is not whole: {reason}.")
        supersede(run, attempt, record.from_step)
        return folder, []
    rejected: list[RejectedCheckpoint] = []
    for _, folder in run.list_checkpoints():
        reason = verify(folder, _progress(journal, folder))
        if reason is None:
            reject(run, attempt, [Path(one.path) for one in rejected])
            return folder, rejected
        rejected.append(RejectedCheckpoint(path=str(folder), reason=reason))
    return None, rejected


def foreseen(run: RunDirectory, attempt: int) -> tuple[Path | None, int]:
    """The checkpoint, and its step, that `attempt` was to go on from, by names and sizes alone: for one that
    is stopped while the bytes are still being checked. None, 0: there is none.
    """
    record = launch_record(run, attempt)
    if record is not None and record.from_step is not None:
        return run.checkpoint(record.from_step), record.from_step
    found = newest(run)
    return (found.path, found.step) if found is not None else (None, 0)


def launch_record(run: RunDirectory, attempt: int) -> LaunchRecord | None:
    """How `attempt` was launched; None where nobody wrote it down.

    Raises `TuiFtError` for a record that cannot be read: what it says of the checkpoint must not be missed.
    """
    path = run.attempt(attempt).launch
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            return msgspec.json.decode(file.read(_LARGEST_RECORD), type=LaunchRecord)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise TuiFtError(f"{path} cannot be read: {error}.", "Resume the run once more.") from error


def supersede(run: RunDirectory, attempt: int, step: int) -> list[Path]:
    """Put the checkpoints that are newer than `step` aside; return their new places. Raises `OSError`."""
    newer = [folder for found, folder in run.list_checkpoints() if found > step]
    return _put_aside(run, f"{SUPERSEDED_PREFIX}{attempt}", newer)


def reject(run: RunDirectory, attempt: int, folders: list[Path]) -> list[Path]:
    """Put aside what `attempt` found not to be whole; return the new places. Nothing is removed.

    Raises `OSError`.
    """
    there = [folder for folder in folders if folder.is_dir() and not folder.is_symlink()]
    return _put_aside(run, f"{REJECTED_PREFIX}{attempt}", there)


def _put_aside(run: RunDirectory, name: str, folders: list[Path]) -> list[Path]:
    if not folders:
        return []
    aside = run.checkpoints / name
    aside.mkdir(mode=0o700, exist_ok=True)
    moved = [folder.rename(_free(aside / folder.name)) for folder in folders]
    sync(aside)
    sync(run.checkpoints)
    return moved


def _free(path: Path) -> Path:
    """`path`, or beside it a name that nobody has: a kill may have come between two attempts to move."""
    number, free = 2, path
    while os.path.lexists(free):
        free = path.with_name(f"{path.name}.{number}")
        number += 1
    return free


def _progress(journal: Journal | None, folder: Path) -> Progress | None:
    """Say that a large checkpoint is being read, once, and how far it is."""
    if journal is None:
        return None
    began, said = time.monotonic(), False

    def tell(done: int, total: int) -> None:
        nonlocal said
        if total >= _WORTH_SAYING_BYTES and not said:
            said = True
            journal.say(f"checking the {total / 2**30:.1f} GiB of {folder.name} against their hashes")
        if time.monotonic() - began > 1:
            journal.progress(done, total, "bytes")

    return tell
