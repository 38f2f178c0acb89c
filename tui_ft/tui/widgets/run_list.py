"""The runs of the runs root, one line each: status, name, model, method, progress, loss and start."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from rich.cells import cell_len

from tui_ft.tui.text import fit, plain
from tui_ft.tui.widgets.row_list import Cell, RowList

if TYPE_CHECKING:
    from tui_ft.runs.listing import RunSummary

_MARKS = {
    "queued": ("·", "muted"),
    "starting": ("▷", "live"),
    "running": ("▶", "live"),
    "paused": ("‖", "warn"),
    "stopping": ("▽", "warn"),
    "finished": ("✓", "good"),
    "stopped": ("■", "warn"),
    "failed": ("✗", "bad"),
    "lost": ("!", "bad"),
    "quiet": ("~", "warn"),
    "unknown": ("?", "muted"),
}
"""Shape first, colour second: every status reads without colour."""

_STATUS, _METHOD, _LOSS, _START = 10, 13, 7, 6
_LETTERS = 4
"""What an id ends in."""


class RunList(RowList["RunSummary"]):
    """All runs, newest first. `demo_key` is the key that starts the demo, "" where none does."""

    demo_key = ""

    def show_demo_key(self, key: str) -> None:
        """Name the demo's key to who has no runs; presets of one's own may have taken 1."""
        if key != self.demo_key:
            self.demo_key = key
            if not self.rows:
                self.refresh()

    def key_of(self, row: RunSummary) -> str:
        return row.id

    def empty_lines(self) -> list[str]:
        demo = f"  {self.demo_key}  for the demo: a tiny model learns a small skill, here, in about a minute"
        return [
            "No runs yet. Press",
            "  t  for the practice tour: a company's documents, from the data to a report",
            "  n  for a new run: your own data and any model, step by step",
            *([demo] if self.demo_key else []),
            "",
            "A run goes on when this window closes, and stays in this list.",
        ]

    def heading_cells(self, width: int) -> list[Cell]:
        name, model, progress = _columns(width - 1)
        title = "focused-title" if self.has_focus else "title"
        cells: list[Cell] = [(" Runs ", title)]
        if self.rows:
            place = f"{self.index + 1}/{len(self.rows)}"
            left = place if len(place) > _STATUS - 5 else fit(place, _STATUS - 4) + "name"
            captions = (fit(left, _STATUS - 5 + name), fit("model", model), fit("method", _METHOD),
                        fit("steps", progress, right=True), fit("loss", _LOSS, right=True),
                        fit("start", _START, right=True))  # fmt: skip
            cells.append((" ".join(captions), ""))
        return cells

    def row_cells(self, row: RunSummary, width: int) -> list[Cell]:
        name, model, progress = _columns(width)
        mark, look = _MARKS.get(row.status, ("?", "muted"))
        return [
            (fit(f"{mark} {row.status}", _STATUS), look),
            (" " + fit_id(short_id(row.id), name) + " ", ""),
            (fit(row.model.rstrip("/").rpartition("/")[2], model) + " ", ""),
            (fit(row.method, _METHOD) + " ", ""),
            (fit(progress_text(row.step, row.total_steps, progress), progress, right=True) + " ", ""),
            (fit(loss_text(row.loss), _LOSS, right=True) + " ", ""),
            (fit(start_text(row.started_at, time.time()), _START, right=True), "muted"),
        ]


def _columns(width: int) -> tuple[int, int, int]:
    """Share what the fixed columns leave: name, model, progress."""
    progress = 5 if width < 100 else 18
    rest = width - _STATUS - _METHOD - _LOSS - _START - progress - 6
    model = max(6, min(28, rest * 2 // 5))
    return max(6, rest - model), model, progress


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
