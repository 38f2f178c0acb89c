"""Which panels a user chose, and how to look at them: kept in the user's own state folder."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable
from pathlib import Path

import msgspec

from tui_ft import atomic, settings
from tui_ft.watch.view import SMOOTHINGS, View

LARGEST = 1_000_000
"""A file of ours is smaller; what is larger is not one."""

MOST_KEYS, LONGEST_KEY = 500, 200
"""Names of series are what somebody chose: so many are kept, and none that is longer."""


class _Kept(msgspec.Struct, kw_only=True, frozen=True):
    schema: int = 1
    smoothing: float = 0.0
    order: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()


def view_file() -> Path:
    """Where the choice is kept; it need not exist."""
    return settings.state_folder() / "charts.json"


def load() -> View:
    """Return what the user last chose; the defaults where nothing is kept, or it cannot be read."""
    try:
        data = _regular_file(view_file())
        kept = msgspec.json.decode(data, type=_Kept)
    except (OSError, ValueError):
        return View()
    return View(
        smoothing=kept.smoothing if kept.smoothing in SMOOTHINGS else 0.0,
        order=kept.order, shown=frozenset(kept.shown), hidden=frozenset(kept.hidden),
    )  # fmt: skip


def _regular_file(path: Path) -> bytes:
    """Its bytes. Raises `OSError` for what is no file: nobody may wait for a fifo."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        known = os.fstat(descriptor)
        if not stat.S_ISREG(known.st_mode) or known.st_size > LARGEST:
            raise OSError(errno.EINVAL, "no file of ours", str(path))
        return file.read(LARGEST)


def kept_of(view: View) -> bytes:
    """What of a view is kept: not where and along which axes one looks, which hides another run's points."""
    return msgspec.json.encode(
        _Kept(
            smoothing=view.smoothing, order=_bounded(view.order),
            shown=_bounded(sorted(view.shown)), hidden=_bounded(sorted(view.hidden)),
        )
    )  # fmt: skip


def _bounded(keys: Iterable[str]) -> tuple[str, ...]:
    return tuple(key for key in keys if len(key) <= LONGEST_KEY)[:MOST_KEYS]


def save(view: View) -> None:
    """Keep it. Raises `TuiFtError` when that cannot be."""
    atomic.keep(view_file(), kept_of(view))
