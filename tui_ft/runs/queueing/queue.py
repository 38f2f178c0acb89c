"""The queue of a runs root as people change it: runs are added, put in order, held, let go and removed."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tui_ft.errors import TuiFtError
from tui_ft.runs.directory import RunDirectory, without_date
from tui_ft.runs.queueing.queue_file import (
    MOST_ENTRIES,
    SCHEMA,
    QueueDocument,
    QueueEntry,
    kept_variables,
    locked,
    queue_path,
    read_queue,
    write_queue,
)
from tui_ft.runs.queueing.sight import QueueSight, look, reconcile
from tui_ft.runs.requests import user_name
from tui_ft.spec.run_spec import RunSpec

HELD_BY_HAND = "you held it"


@dataclass(frozen=True, kw_only=True)
class Terms:
    """On what terms a run is queued; see `QueueEntry`. `front` puts it before all others."""

    front: bool = False
    hold_on_failure: bool = False
    beside: bool = False
    any_memory: bool = False
    held: bool = False


def add(
    spec: RunSpec,
    root: Path,
    *,
    text: str | None = None,
    terms: Terms = Terms(),
    needed_bytes: int | None = None,
) -> RunDirectory:
    """Make a run of `spec` that waits in the queue of `root`, and return its directory.

    `text` is the spec as a person wrote it. It is checked as for a start. It starts in its turn, when
    somebody calls `nudging.nudge`. Raises `TuiFtError`, with nothing left behind.
    """
    from tui_ft.runs import launch

    if len(read_queue(root).entries) >= MOST_ENTRIES:
        raise TuiFtError(f"{MOST_ENTRIES} runs wait already.", "Remove some: `tui-ft queue remove ID`.")
    run = launch.prepare(spec, root, text=text)
    entry = QueueEntry(
        id=run.id,
        added_at=time.time(),
        added_by=user_name(),
        after="finished" if terms.hold_on_failure else "any",
        beside=terms.beside,
        any_memory=terms.any_memory,
        state="held" if terms.held else "waiting",
        reason=HELD_BY_HAND if terms.held else "",
        needed_bytes=needed_bytes,
        environment=kept_variables(os.environ),
    )

    def put(document: QueueDocument) -> QueueDocument:
        others = tuple(other for other in document.entries if other.id != run.id)
        entries = (entry, *others) if terms.front else (*others, entry)
        return msgspec.structs.replace(document, entries=entries)

    try:
        change(root, put)
    except BaseException:
        shutil.rmtree(run.path, ignore_errors=True)
        raise
    return run


def change(root: Path, how: Callable[[QueueDocument], QueueDocument]) -> QueueDocument:
    """Change the queue under its lock, first brought up to date with the directories; return the new one.

    Raises `TuiFtError`; nothing is changed then.
    """
    with locked(root):
        before = read_queue(root)
        after = how(reconcile(before, look(root)))
        if after != before:
            write_queue(root, after)
    return after


def current(root: Path, sight: QueueSight | None = None) -> QueueDocument:
    """Return the queue, brought up to date with the directories; one of a newer version as it is.

    Raises `TuiFtError`.
    """
    document = read_queue(root)
    if document.schema > SCHEMA:
        return document
    fresh = reconcile(document, sight or look(root))
    return document if fresh is document else change(root, lambda one: one)


def find(document: QueueDocument, name: str) -> QueueEntry:
    """Return the entry that `name` means: its place (from 1), its id, or a unique beginning of that.

    Raises `TuiFtError` when there is none, or more than one.
    """
    entries = document.entries
    if name.isdecimal() and len(name) < 5:
        if not 1 <= int(name) <= len(entries):
            raise TuiFtError(
                f"There is no place {name} in the queue: {_runs(len(entries))} wait there.",
                "`tui-ft queue` shows those that do.",
            )
        return entries[int(name) - 1]
    is_path, name = "/" in name, name.rstrip("/").rpartition("/")[2]
    exact = [entry for entry in entries if name in (entry.id, without_date(entry.id))]
    found = exact or [
        entry
        for entry in entries
        if name and not is_path and (entry.id.startswith(name) or without_date(entry.id).startswith(name))
    ]
    if len(found) == 1:
        return found[0]
    if not found:
        raise TuiFtError(f"No run {name!r} waits in the queue.", "`tui-ft queue` shows those that do.")
    raise TuiFtError(
        f"{name!r} begins the names of {len(found)} runs in the queue.", "Write a longer beginning."
    )


def move(root: Path, name: str, to: str) -> QueueEntry:
    """Move a run to a place: a number from 1, `up`, `down`, `first` or `last`. Raises `TuiFtError`."""
    moved: list[QueueEntry] = []

    def put(document: QueueDocument) -> QueueDocument:
        entry = find(document, name)
        others = [other for other in document.entries if other.id != entry.id]
        others.insert(_place(to, document.entries.index(entry), len(others)), entry)
        moved.append(entry)
        return msgspec.structs.replace(document, entries=tuple(others))

    change(root, put)
    return moved[0]


def _place(to: str, now: int, last: int) -> int:
    words = {"up": now - 1, "down": now + 1, "first": 0, "last": last}
    place = words.get(to, int(to) - 1 if to.isdecimal() and 0 < len(to) < 6 else -2)
    if place == -2:
        raise TuiFtError(f"{to!r} is no place in the queue.", "Say a number from 1, up, down, first or last.")
    return min(max(place, 0), last)


def hold(root: Path, names: Sequence[str] = ()) -> QueueDocument:
    """Keep these runs from starting, or the whole queue where none is named. Raises `TuiFtError`."""
    if not names:
        return change(root, lambda document: msgspec.structs.replace(document, held=True))
    return _change_entries(root, names, state="held", reason=HELD_BY_HAND, waits_for="", behind="")


def go(root: Path, names: Sequence[str] = (), *, any_memory: bool | None = None) -> QueueDocument:
    """Let these runs start in their turn, or the whole queue with all that is held in it.

    `any_memory` is set on them where it is given. What failed before does not hold them any more.
    Raises `TuiFtError`.
    """
    terms = {} if any_memory is None else {"any_memory": any_memory}
    fresh = {"state": "waiting", "reason": "", "waits_for": "", "behind": "", **terms}
    if names:
        return _change_entries(root, names, **fresh)

    def let_go(document: QueueDocument) -> QueueDocument:
        entries = tuple(msgspec.structs.replace(entry, **fresh) for entry in document.entries)
        return msgspec.structs.replace(document, held=False, earlier=(), entries=entries)

    return change(root, let_go)


def _change_entries(root: Path, names: Sequence[str], **changes: object) -> QueueDocument:
    def changed(document: QueueDocument) -> QueueDocument:
        wanted = {find(document, name).id for name in names}
        entries = tuple(
            msgspec.structs.replace(entry, **changes) if entry.id in wanted else entry
            for entry in document.entries
        )
        earlier = () if changes.get("state") == "waiting" else document.earlier
        return msgspec.structs.replace(document, entries=entries, earlier=earlier)

    return change(root, changed)


def change_terms(root: Path, names: Sequence[str], **terms: object) -> QueueDocument:
    """Change `after`, `beside` or `any_memory` of these runs. Raises `TuiFtError`."""
    return _change_entries(root, names, **terms)


def waiting(root: Path) -> int:
    """How many runs will start by themselves in their turn; 0 where the queue is held or cannot be read."""
    try:
        document = read_queue(root)
    except TuiFtError:
        return 0
    return 0 if document.held else sum(entry.state != "held" for entry in document.entries)


def queue_line(root: Path) -> str:
    """The queue in one line for a list of runs, "" when nothing of ours waits. It reads one small file."""
    try:
        if queue_path(root).lstat().st_uid != os.geteuid():
            return ""
    except OSError:
        return ""
    try:
        document = read_queue(root)
    except TuiFtError:
        return "The queue cannot be read: tui-ft queue says why"
    entries = document.entries
    if not entries:
        return ""
    if document.held:
        return f"Queue: {_runs(len(entries))} held: nothing starts until the queue is let go"
    first = next((entry for entry in entries if entry.state != "held"), None)
    if first is None:
        return f"Queue: {_runs(len(entries))} held · {without_date(entries[0].id)}: {entries[0].reason}"
    why = "starting now" if first.state == "starting" else first.reason or "about to start"
    held = sum(entry.state == "held" for entry in entries)
    count = len(entries) - held
    wait = "1 run waits" if count == 1 else f"{count} runs wait"
    wait += f", {held} held" if held else ""
    return f"Queue: {wait} · next {without_date(first.id)}: {why}"


def _runs(count: int) -> str:
    return "1 run" if count == 1 else f"{count} runs"
