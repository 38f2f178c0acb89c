"""The home screen's corner: the worst of what can be seen in a few milliseconds, in one line."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from tui_ft.doctor.patience import SilentError, patiently

KEPT_S = 60.0
"""A box seldom changes faster; the doctor's own screen always looks anew."""

CORNER_S = 5.0
_lock = threading.Lock()
"""Held for what is in memory only: `forget` is called where nothing may wait."""
_kept: dict[Path | None, tuple[float, str]] = {}
_generation = 0


def corner(runs_root: Path | None = None) -> str:
    """The worst warning or error among the quick checks, "" when there is none. Never raises.

    It takes a few milliseconds, and nothing within a minute of the last time; a box that hangs some seconds.
    """
    with _lock:
        generation, known = _generation, _kept.get(runs_root)
    if known is not None and time.monotonic() - known[0] < KEPT_S:
        return known[1]
    try:
        line = patiently(lambda: _line(runs_root), f"corner {runs_root}", CORNER_S)
    except SilentError:
        line = (
            f"error: The checks of this box take more than {CORNER_S:g} s: something that is mounted hangs."
        )
    with _lock:
        if generation == _generation:
            _kept[runs_root] = (time.monotonic(), line)
    return line


def forget() -> None:
    """Look anew the next time: something was changed."""
    global _generation
    with _lock:
        _generation += 1  # what is looked at now is not kept
        _kept.clear()


def _line(runs_root: Path | None) -> str:
    from tui_ft.doctor.box import Box
    from tui_ft.doctor.check import made
    from tui_ft.doctor.finding import badness, worst_first
    from tui_ft.doctor.home_checks import HOME_CHECKS

    box = Box(given_runs_root=runs_root)
    found = [finding for check in HOME_CHECKS for finding in made(check, box)]
    bad = [finding for finding in worst_first(found) if badness(finding.level) >= badness("warning")]
    if not bad:
        return ""
    more = f" (and {len(bad) - 1} more)" if len(bad) > 1 else ""
    return f"{bad[0].level}: {bad[0].what}{more}"
