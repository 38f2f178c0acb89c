"""Taking runs out of the queue that have not begun, with their directories."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from tui_ft.errors import TuiFtError
from tui_ft.runs import lock as locks
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.queueing.queue import change, current, find
from tui_ft.runs.queueing.queue_file import QueueDocument, locked
from tui_ft.runs.queueing.sight import has_no_process, is_own
from tui_ft.runs.state import read_state

_REMOVED = ".removed-"
"""Begins the name of a directory that is being deleted; no list shows it."""


def remove(root: Path, names: Sequence[str]) -> list[str]:
    """Take runs out of the queue, and their directories away: nothing was ever trained in them.

    Returns their ids. Raises `TuiFtError` for one that is not there, or is just being started; those before
    it are gone then.
    """
    document = current(root)
    ids = list(dict.fromkeys(find(document, name).id for name in names))
    for run_id in ids:
        with locked(root):
            _discard(RunDirectory(root.resolve() / run_id))
        change(root, lambda one, gone=run_id: _without(one, gone))  # type: ignore[misc]
    _sweep(root)
    return ids


def _without(document: QueueDocument, run_id: str) -> QueueDocument:
    entries = tuple(entry for entry in document.entries if entry.id != run_id)
    return msgspec.structs.replace(document, entries=entries)


def _discard(run: RunDirectory) -> None:
    """Put the directory of a run aside that has not begun, in one step; it is deleted by the sweep."""
    if not run.path.exists():
        return
    try:
        lock = locks.acquire(run, patience_s=0.0)
    except TuiFtError as error:
        raise TuiFtError(
            f"{run.id} is just being started.", f"`tui-ft stop {run.id}` ends it.", exit_code=1
        ) from error
    try:
        state = read_state(run)
        has_begun = state.status != "queued" and not has_no_process(state)
        if has_begun or run.events.exists() or not is_own(run.path):
            raise TuiFtError(
                f"{run.id} has begun already: it is {state.status}.",
                f"`tui-ft stop {run.id}` ends it.",
                exit_code=1,
            )
        try:
            run.path.rename(run.path.with_name(_REMOVED + run.id))
        except OSError as error:
            raise TuiFtError(f"{run.path} cannot be removed: {os.strerror(error.errno or 0)}.") from error
    finally:
        lock.close()


def _sweep(root: Path) -> None:
    """Delete what was put aside, now or by one that was killed in between."""
    with suppress(OSError):
        for folder in root.resolve().glob(f"{_REMOVED}*"):
            if is_own(folder):
                shutil.rmtree(folder, ignore_errors=True)
