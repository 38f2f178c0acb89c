"""What the directories of a runs root say to its queue: which runs wait, and which go on here."""

from __future__ import annotations

import os
import stat
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from tui_ft.errors import TuiFtError
from tui_ft.runs.after.machine_use import roots_here, states_here
from tui_ft.runs.directory import RunDirectory, list_directories
from tui_ft.runs.queueing.queue_file import QueueDocument, QueueEntry
from tui_ft.runs.records import ACTIVE, StateRecord
from tui_ft.runs.state import read_state
from tui_ft.runs.truth import Truth, is_here, judge

FOUND = "it was in no queue: its adding was cut off, or queue.json was lost"


@dataclass(frozen=True, kw_only=True)
class QueueSight:
    """`waiting` are runs that have not begun. `untaken` are such of which a launch has said `starting`: it is
    under way, or was cut off before there was a supervisor. `unreadable` cannot be told. `going` are those
    that hold this machine now, one that is just being launched too.
    """

    waiting: dict[str, StateRecord] = field(default_factory=dict)
    untaken: dict[str, StateRecord] = field(default_factory=dict)
    unreadable: frozenset[str] = frozenset()
    going: tuple[tuple[RunDirectory, Truth], ...] = ()


def look(root: Path, now: float | None = None) -> QueueSight:
    """Read the state of every run under `root`, and ask the processes of those that go on. Never raises."""
    now = time.time() if now is None else now
    waiting, untaken, unreadable, going = {}, {}, set(), []
    for run in list_directories(root):
        try:
            state = read_state(run)
        except TuiFtError:
            unreadable.add(run.id)
            continue
        if state.status == "queued":
            if is_own(run.path):
                waiting[run.id] = state
            continue
        if has_no_process(state) and is_own(run.path):
            untaken[run.id] = state
        if truth := _going(run, state, now):
            going.append((run, truth))
    return QueueSight(waiting=waiting, untaken=untaken, unreadable=frozenset(unreadable), going=tuple(going))


def look_around(root: Path) -> QueueSight:
    """Like `look`, and with those that go on here under the other runs roots that are remembered: they hold
    the same machine. Never raises.
    """
    sight, now = look(root), time.time()
    others = [other for other in roots_here(root) if other != root.resolve()]
    going = [(run, truth) for run, state in states_here(others) if (truth := _going(run, state, now))]
    return replace(sight, going=(*sight.going, *going))


def _going(run: RunDirectory, state: StateRecord, now: float) -> Truth | None:
    """What a run does that holds this machine; None for any other."""
    if state.status not in ACTIVE or not is_here(state):
        return None
    truth = judge(run, state, now)
    return truth if truth.status in ACTIVE or truth.status == "quiet" else None


def has_no_process(state: StateRecord) -> bool:
    """A first attempt that was announced and has no supervisor yet: no trainer was ever started in it."""
    return state.status == "starting" and state.attempt == 1 and not state.processes


def is_own(path: Path) -> bool:
    """True for a folder of the user's own that is no link: on a shared disk others could put one there."""
    try:
        known = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISDIR(known.st_mode) and known.st_uid == os.geteuid()


def reconcile(document: QueueDocument, sight: QueueSight) -> QueueDocument:
    """Return the queue as the directories have it: what has begun or is gone leaves it.

    A queued run that is in no queue comes in, held: whoever copied it here has not asked for a start.
    """
    kept = tuple(entry for entry in document.entries if _still_waits(entry.id, sight))
    known = {entry.id for entry in kept}
    found = tuple(
        QueueEntry(id=name, added_at=state.created_at or 0.0, state="held", reason=FOUND)
        for name, state in sorted(sight.waiting.items(), key=lambda one: one[1].created_at or 0.0)
        if name not in known
    )
    if kept == document.entries and not found:
        return document
    return msgspec.structs.replace(document, entries=(*kept, *found))


def _still_waits(name: str, sight: QueueSight) -> bool:
    return name in sight.waiting or name in sight.untaken or name in sight.unreadable
