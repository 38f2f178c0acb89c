"""Having the queue of a runs root looked at: by a small process of its own, started only when needed.

Whoever sees an end, or changes the queue, nudges. This module is cheap to import and safe in a supervisor.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from tui_ft.errors import TuiFtError
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.guarded_file import open_lock, take
from tui_ft.runs.own_environment import own_environment
from tui_ft.runs.queueing.queue_file import SCHEMA, QueueDocument, QueueEntry, queue_path, read_queue
from tui_ft.runs.state import read_state
from tui_ft.runs.truth import is_here, supervisor_lives

_LARGEST_LOG_BYTES = 256 << 10


def nudge(root: Path, *, has_changed: bool = True, after_s: float = 0.0) -> bool:
    """Have the queue of `root` advanced if anything in it waits; True when a process was started for that.

    Without `has_changed` nothing is started while somebody sees to it already: a process that waits for
    memory, or the supervisor of the run in front. The process looks only `after_s` seconds later. Never
    raises: what goes wrong stands in queue.log.
    """
    try:
        if not queue_path(root).exists():
            return False
        document = read_queue(root)
        first = first_waiting(document)
        if first is None or (not has_changed and _is_seen_to(root, first)):
            return False
        poke(root)
        if not after_s and is_being_advanced(root):
            return False  # it looks again: it was poked
        _start(root, after_s)
    except (TuiFtError, OSError):
        return False
    return True


def first_waiting(document: QueueDocument) -> QueueEntry | None:
    """The entry whose turn it is; None where none is to start, or a newer version sees to the queue."""
    if document.held or document.schema > SCHEMA:
        return None
    return next((entry for entry in document.entries if entry.state != "held"), None)


def advance_lock(root: Path) -> Path:
    """The lock of the one process that starts what waits; its time of change says when it was poked."""
    return root / "queue.advance"


def poke(root: Path) -> None:
    """Have the process that advances the queue look again. Raises `OSError`."""
    descriptor = open_lock(advance_lock(root))
    try:
        now = time.time_ns()  # the kernel's own clock ticks too slowly to tell two pokes apart
        os.utime(descriptor, ns=(now, now))
    finally:
        os.close(descriptor)


def is_being_advanced(root: Path) -> bool:
    """True while a process sees to the queue. Raises `OSError`."""
    descriptor = open_lock(advance_lock(root))
    try:
        return not take(descriptor)
    finally:
        os.close(descriptor)


def _is_seen_to(root: Path, first: QueueEntry) -> bool:
    if first.waits_for == "run" and first.behind:
        try:
            state = read_state(RunDirectory(root / first.behind))
        except TuiFtError:
            return False
        return state.ended_at is None and is_here(state) and supervisor_lives(state)
    return bool(first.waits_for) and is_being_advanced(root)


def _start(root: Path, after_s: float) -> None:
    """Start it detached; the starter forks and leaves at once, so that nobody has a zombie of it."""
    path = root / "queue.log"
    log = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        if os.fstat(log).st_size > _LARGEST_LOG_BYTES:
            os.ftruncate(log, 0)
        starter = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tui_ft.runs.queueing.advancing",
                str(root),
                "--detach",
                "--after",
                str(after_s),
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env=own_environment(),
            start_new_session=True,
            close_fds=True,
        )
        starter.wait()
    finally:
        os.close(log)
