"""`queue.json` of a runs root: which runs wait, in what order, on what terms. Read whole, replaced whole.

What a run is stands in its directory, which has the status `queued`; here stands only what the order of
several needs. So nothing is lost with this file: a queued run that is not in it is found again.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import msgspec

from tui_ft.atomic import write_atomically
from tui_ft.errors import TuiFtError
from tui_ft.runs import guarded_file
from tui_ft.runs.directory import QUEUE

SCHEMA = 1
MOST_ENTRIES = 1000
"""A grid of a thousand runs is a mistake."""
LONGEST_REASON = 500
KEPT_VARIABLES = (
    "CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "HF_HOME", "HF_HUB_CACHE", "HF_HUB_OFFLINE",
    "HF_DATASETS_CACHE",
)  # fmt: skip
"""Of the environment in which a run was queued: which GPUs it may have, and where models lie. No secrets."""
_LONGEST_VALUE = 4096
_LARGEST_BYTES = 8 << 20
_PATIENCE_S = 5.0
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

WaitsFor = Literal["", "run", "memory", "disk", "launch"]


class NoRoomError(TuiFtError):
    """The disk takes no file just now: whoever can waits for it."""


class QueueEntry(msgspec.Struct, kw_only=True, frozen=True):
    """One run that waits; `id` is the name of its directory.

    `after` "finished" holds it when the run before it did not finish. `beside` lets it start while others
    of ours go on, if there is memory for both; `any_memory` lets it start whatever the estimate says.
    `reason` says why it waits or is held, as of `looked_at`; `waits_for` says the same in a word and
    `behind` is the run that it waits for. `needed_bytes` is the memory it needs of its GPU.
    """

    id: str
    added_at: float = 0.0
    added_by: str = ""
    after: Literal["any", "finished"] = "any"
    beside: bool = False
    any_memory: bool = False
    state: Literal["waiting", "starting", "held"] = "waiting"
    reason: str = ""
    waits_for: WaitsFor = ""
    behind: str = ""
    needed_bytes: int | None = None
    looked_at: float | None = None
    environment: dict[str, str] = {}


class QueueDocument(msgspec.Struct, kw_only=True, frozen=True):
    """The whole file. `earlier` are the runs before the next one, the newest
    last: those that it started or waited for. `held` stops all."""

    schema: int = SCHEMA
    held: bool = False
    entries: tuple[QueueEntry, ...] = ()
    earlier: tuple[str, ...] = ()


class _Raw(msgspec.Struct, kw_only=True, frozen=True):
    """The file with entries that are not yet looked at: one that is odd spoils no other."""

    schema: int = SCHEMA
    held: bool = False
    entries: tuple[msgspec.Raw, ...] = ()
    earlier: tuple[str, ...] = ()


class _Named(msgspec.Struct, kw_only=True, frozen=True):
    id: str


EMPTY = QueueDocument()
NOT_UNDERSTOOD = "this tui-ft does not understand its terms; `tui-ft queue go ID` starts it on the usual ones"


def queue_path(root: Path) -> Path:
    """Where the queue of a runs root stands; it need not exist."""
    return root / QUEUE


def is_name(text: str) -> bool:
    """True for what can be the name of a run directory: nothing that leads elsewhere."""
    return bool(text) and "/" not in text and "\0" not in text and text not in (".", "..") and len(text) < 200


def read_queue(root: Path) -> QueueDocument:
    """Return the queue; an absent file is an empty one.

    Raises `TuiFtError` for a file that cannot be read, is somebody else's, or is a link.
    """
    path = queue_path(root)
    try:
        data = guarded_file.read_regular(path, _LARGEST_BYTES, only_own=True)
    except FileNotFoundError:
        return EMPTY
    except OSError as error:
        raise TuiFtError(
            f"The queue {path} cannot be read: {os.strerror(error.errno or 0)}.",
            "It must be a file of yours; move it away, and `tui-ft queue` finds the runs that wait again.",
        ) from error
    try:
        raw = msgspec.json.decode(data, type=_Raw)
        entries = tuple(_entry(one) for one in raw.entries)
    except _UNREADABLE as error:
        raise TuiFtError(
            f"The queue {path} is damaged.",
            "Move it away: the runs that wait are kept, and `tui-ft queue` finds them again.",
        ) from error
    return QueueDocument(
        schema=max(raw.schema, SCHEMA), held=raw.held, entries=_bounded(entries), earlier=raw.earlier
    )


def _entry(data: msgspec.Raw) -> QueueEntry:
    """One entry: where it says what we do not know, the run is held. Where not even a run is named the file
    is damaged.
    """
    try:
        return msgspec.json.decode(data, type=QueueEntry)
    except _UNREADABLE:
        named = msgspec.json.decode(data, type=_Named)
        return QueueEntry(id=named.id, state="held", reason=NOT_UNDERSTOOD)


def _bounded(entries: tuple[QueueEntry, ...]) -> tuple[QueueEntry, ...]:
    """Each run once, and no more than anybody could mean."""
    found: dict[str, QueueEntry] = {}
    for entry in entries:
        if is_name(entry.id) and entry.id not in found and len(found) < MOST_ENTRIES:
            found[entry.id] = msgspec.structs.replace(
                entry, reason=entry.reason[:LONGEST_REASON], environment=kept_variables(entry.environment)
            )
    return tuple(found.values())


def kept_variables(environment: dict[str, str] | os._Environ[str]) -> dict[str, str]:
    """Of an environment what a queued run keeps."""
    return {
        name: environment[name]
        for name in KEPT_VARIABLES
        if name in environment and len(environment[name]) <= _LONGEST_VALUE and "\0" not in environment[name]
    }


def write_queue(root: Path, document: QueueDocument) -> None:
    """Replace the queue. Raises `TuiFtError`, for one of a newer version too: what we do not know of it would
    be lost. Call it with `locked` held.
    """
    path = queue_path(root)
    if document.schema > SCHEMA:
        raise TuiFtError(
            f"The queue {path} was written by a newer tui-ft: this one only shows it.",
            "Change it, and let it go on, with the newer one.",
        )
    try:
        write_atomically(path, msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n")
    except OSError as error:
        raise _unwritable(error)(
            f"The queue {path} cannot be written: {os.strerror(error.errno or 0)}.",
            "Make room there, or check its rights.",
        ) from error


def _unwritable(error: OSError) -> type[TuiFtError]:
    return NoRoomError if error.errno in (errno.ENOSPC, errno.EDQUOT) else TuiFtError


@contextmanager
def locked(root: Path) -> Iterator[None]:
    """Hold the queue's lock: for reading, changing and writing it, never for a launch.

    Raises `TuiFtError` when somebody keeps it; a file system without flock goes without, and a run's own
    lock keeps it from being started twice all the same.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        with guarded_file.locked(root / "queue.lock", _PATIENCE_S):
            yield
    except OSError as error:
        raise _unwritable(error)(
            f"The queue of {root} cannot be changed: {os.strerror(error.errno or 0)}.",
            "The runs root must be yours and writable.",
        ) from error
