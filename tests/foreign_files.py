"""Small files as other trainers write them, and how tests read them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from tui_ft.watch.reading import Reading
from tui_ft.watch.sources.foreign import ForeignSource
from tui_ft.watch.sources.protocol import Format

LATER_S = 3_600.0
"""Tests read files as if they had been written an hour ago, where nothing else is said."""


def opened(form: Format, path: Path, clock: Callable[[], float] | None = None) -> ForeignSource:
    """Open the one place that `form` finds at a file or in a folder."""
    if path.is_dir():
        places = list(form.find(path, sorted(os.listdir(path))))
    else:
        places = list(form.find(path.parent, [path.name]))
    assert len(places) == 1, places
    written = max(file.stat().st_mtime for file in places[0].files)
    return form.open(places[0], clock or (lambda: written + LATER_S))


def finds(form: Format, folder: Path) -> list[Path]:
    """The paths of the places that `form` finds in a folder."""
    return [place.path for place in form.find(folder, sorted(os.listdir(folder)))]


def read(form: Format, path: Path, clock: Callable[[], float] | None = None) -> Reading:
    """Read the one place at `path` whole."""
    return poll_whole(opened(form, path, clock))


def poll_whole(source: ForeignSource) -> Reading:
    """Poll until the history is read."""
    source.poll(1.0)
    while not source.reading.is_complete:
        source.poll(1.0)
    return source.reading


def points(reading: Reading, name: str) -> list[tuple[float, float]]:
    """All points of a series."""
    series = reading.series[name]
    return [(series.steps[at], series.values[at]) for at in range(len(series))]


def train_rows(steps: Iterable[int], loss: float = 2.0) -> list[dict[str, Any]]:
    """Rows of `log_history`: the loss falls by 0.001 a step."""
    return [
        {
            "epoch": step / 100,
            "grad_norm": 0.5,
            "learning_rate": 1e-4,
            "loss": loss - step / 1000,
            "step": step,
        }
        for step in steps
    ]


def write_state(
    folder: Path, rows: list[dict[str, Any]], *, step: int | None = None, max_steps: int = 100, **extra: Any
) -> Path:
    """Write a `trainer_state.json` as the HF Trainer does: indented, sorted, NaN as a bare word."""
    folder.mkdir(parents=True, exist_ok=True)
    state = {
        "best_metric": None,
        "epoch": rows[-1].get("epoch") if rows else None,
        "global_step": step if step is not None else rows[-1]["step"] if rows else 0,
        "log_history": rows,
        "logging_steps": 1,
        "max_steps": max_steps,
        "num_train_epochs": 1,
        "total_flos": 1e15,
        **extra,
    }
    path = folder / "trainer_state.json"
    path.write_text(json.dumps(state, indent=2, sort_keys=True) + "\n")
    return path


def tqdm_line(n: int, total: int, *, label: str = "", postfix: str = "") -> str:
    """One drawing of a bar by tqdm, without the return of the carriage."""
    percent = n * 100 // total
    prefix = f"{label}: " if label else ""
    fill = "█" * (percent // 10)
    return f"{prefix}{percent:3d}%|{fill:10s}| {n}/{total} [00:{n % 60:02d}<01:00,  1.10s/it{postfix}]"


def printed(text: str, n: int, total: int) -> str:
    """What tqdm writes to print a text under a bar at `n`: it wipes the bar, prints, draws it again."""
    return "\r" + " " * 46 + f"\r{text}\n\r{tqdm_line(n, total)}"


def wiped(n: int, total: int) -> str:
    """The same where standard output is buffered: the text comes later."""
    return "\r" + " " * 46 + f"\r\r{tqdm_line(n, total)}"
