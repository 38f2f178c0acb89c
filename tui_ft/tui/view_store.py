"""Which panels a user chose, and how to look at them: kept in the user's own state folder."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from tui_ft import atomic, settings
from tui_ft.watch.axes import X
from tui_ft.watch.view import SMOOTHINGS, View

LARGEST = 1_000_000
"""A file of ours is smaller; what is larger is not one."""

MOST_KEYS, LONGEST_KEY = 500, 200
"""Names of series are what somebody chose: so many are kept, and none that is longer."""


class _Kept(msgspec.Struct, kw_only=True, frozen=True):
    schema: int = 1
    x: X = "step"
    log_y: bool = False
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
        with view_file().open("rb") as file:
            data = file.read(LARGEST)
        kept = msgspec.json.decode(data, type=_Kept)
    except (OSError, ValueError):
        return View()
    return View(
        x=kept.x, log_y=kept.log_y, smoothing=kept.smoothing if kept.smoothing in SMOOTHINGS else 0.0,
        order=kept.order, shown=frozenset(kept.shown), hidden=frozenset(kept.hidden),
    )  # fmt: skip


def kept_of(view: View) -> bytes:
    """What of a view is kept: not where one looks in one run, which is another in the next."""
    return msgspec.json.encode(
        _Kept(
            x=view.x, log_y=view.log_y, smoothing=view.smoothing, order=_bounded(view.order),
            shown=_bounded(sorted(view.shown)), hidden=_bounded(sorted(view.hidden)),
        )
    )  # fmt: skip


def _bounded(keys: Iterable[str]) -> tuple[str, ...]:
    return tuple(key for key in keys if len(key) <= LONGEST_KEY)[:MOST_KEYS]


def save(view: View) -> None:
    """Keep it. Raises `TuiFtError` when that cannot be."""
    atomic.keep(view_file(), kept_of(view))
