"""When this person last looked at a run, and how far it was then: kept in the user's own state folder."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from tui_ft import atomic, settings

LARGEST_BYTES = 1 << 20
MOST_RUNS = 1000
"""Of more runs those that were looked at longest ago are forgotten."""
_LONGEST_PATH = 4096
_LONGEST_STATUS = 40
_LOCK_PATIENCE_S = 2.0
_LATEST = 253_402_300_000.0
"""The end of the year 9999."""


class Seen(msgspec.Struct, kw_only=True, frozen=True):
    """The last look: its moment (unix seconds), and what was to be seen then.

    `held_s` is how long the run had held its machine, for the money since.
    """

    at: float
    step: int | None = None
    status: str = ""
    attempt: int = 1
    held_s: float | None = None


class _Kept(msgspec.Struct, kw_only=True, frozen=True):
    schema: int = 1
    home: Seen | None = None
    runs: dict[str, Seen] = {}


_EMPTY = _Kept()


def seen_file() -> Path:
    """Where it is kept; it need not exist."""
    return settings.state_folder() / "seen.json"


def last_look(path: str) -> Seen | None:
    """The last look at the run at `path` (absolute); None for one that was never looked at. Never raises."""
    return _sound(_load().runs.get(path))


def last_look_at_home() -> Seen | None:
    """The last look at the list of runs. Never raises."""
    return _sound(_load().home)


def keep_look(path: str, seen: Seen) -> None:
    """Note a look at a run. Raises `TuiFtError` when that cannot be kept."""
    if len(path) > _LONGEST_PATH:
        return
    with _alone():
        kept = _load()
        runs = {**kept.runs, path: msgspec.structs.replace(seen, status=seen.status[:_LONGEST_STATUS])}
        if len(runs) > MOST_RUNS:
            newest = sorted(runs, key=lambda name: runs[name].at, reverse=True)[:MOST_RUNS]
            runs = {name: runs[name] for name in newest}
        _write(msgspec.structs.replace(kept, runs=runs))


def keep_look_at_home(seen: Seen) -> None:
    """Note a look at the list of runs. Raises `TuiFtError` when that cannot be kept."""
    with _alone():
        _write(msgspec.structs.replace(_load(), home=seen))


def _sound(seen: Seen | None) -> Seen | None:
    """A moment that no clock shows, or that is yet to come, is none."""
    return seen if seen is not None and 0 < seen.at < min(_LATEST, time.time() + 60) else None


def _load() -> _Kept:
    try:
        descriptor = os.open(seen_file(), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            about = os.fstat(descriptor)
            if not stat.S_ISREG(about.st_mode) or about.st_size > LARGEST_BYTES:
                raise OSError(errno.EINVAL, "no file of ours")
            return msgspec.json.decode(file.read(LARGEST_BYTES), type=_Kept)
    except (OSError, ValueError, RecursionError):
        return _EMPTY


def _write(kept: _Kept) -> None:
    atomic.keep(seen_file(), msgspec.json.encode(kept))


@contextmanager
def _alone() -> Iterator[None]:
    """One at a time: two apps must not forget each other's looks. Without a lock it is written, too."""
    try:
        seen_file().parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        descriptor = os.open(seen_file().with_suffix(".lock"), flags, 0o600)
    except OSError:
        yield
        return
    try:
        end = time.monotonic() + _LOCK_PATIENCE_S
        while time.monotonic() < end:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                time.sleep(0.01)
        yield
    finally:
        os.close(descriptor)
