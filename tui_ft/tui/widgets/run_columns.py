"""What stands in the columns of the list of runs: how wide they are, and numbers and names that fit."""

from __future__ import annotations

import math
import time

from rich.cells import cell_len

from tui_ft.tui.text import fit, plain

STATUS, METHOD, LOSS, START = 10, 13, 7, 6
_LETTERS = 4
"""What an id ends in."""
_FOR_BOTH = 20
"""Where name and model have less room together, the name has it alone: it tells runs apart."""


def columns(width: int, *, has_models: bool = True) -> tuple[int, int, int]:
    """Share what the fixed columns leave: name, model, progress. Where no model is known names have most."""
    progress = 5 if width < 100 else 18
    rest = width - STATUS - METHOD - LOSS - START - progress - 6
    has_models = has_models and rest >= _FOR_BOTH
    model = max(6, min(28, rest * 2 // 5)) if has_models else 0
    name = max(6, rest - model)
    return name, max(0, rest - name), progress


def short_id(run_id: str) -> str:
    """A run's name and letters without the date that the list shows in a column of its own."""
    return run_id[9:] if run_id[:8].isdigit() and run_id[8:9] == "-" else run_id


def fit_id(name: str, width: int) -> str:
    """Return a short id in `width` cells; its four letters tell runs of one name apart and stay."""
    stem, dash, letters = plain(name).rpartition("-")
    if cell_len(plain(name)) <= width or len(letters) != _LETTERS or width < _LETTERS + 2:
        return fit(name, width)
    return fit(stem, width - _LETTERS - 1) + dash + letters


def progress_text(step: int | None, total: int | None, width: int) -> str:
    """Steps done: as a percentage where it is narrow, as `step/total percent` where it is not."""
    if step is None:
        return "–"
    if not total:
        return f"{step:,}"
    percent = f"{100 * min(step, total) // total}%"
    long = f"{step:,}/{total:,} {percent:>4}"
    return long if len(long) <= width else percent


def loss_text(loss: float | None) -> str:
    """A loss in at most seven characters; a loss that is not finite is said as it is."""
    if loss is None:
        return "–"
    if math.isnan(loss):
        return "NaN"
    if math.isinf(loss):
        return "inf" if loss > 0 else "-inf"
    size = abs(loss)
    if size >= 10_000 or 0 < size < 0.0001:
        return f"{loss:.1e}"
    return f"{loss:.{4 if size < 0.1 else 3 if size < 100 else 1}f}"


def start_text(started_at: float | None, now: float) -> str:
    """The time of a start today, else its day; never an age, which would have to be repainted."""
    if started_at is None:
        return "–"
    then, today = time.localtime(started_at), time.localtime(now)
    if then[:3] == today[:3]:
        return time.strftime("%H:%M", then)
    return time.strftime("%b %d" if then.tm_year == today.tm_year else "%Y", then)
