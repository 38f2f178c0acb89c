"""What the charts of a run of a million steps cost: a reading with a new point, and each of their keys."""

from __future__ import annotations

import math
import random
import statistics
import time
from array import array
from collections.abc import Callable
from pathlib import Path

import pytest
from budget_table import BudgetTable
from chart_world import START, GridApp
from rich.color import ColorSystem
from series_made import reading_of
from textual.geometry import Size

from tui_ft.tui.screen_image import ScreenImage
from tui_ft.tui.widgets.panel_grid import PanelGrid
from tui_ft.watch.reading import Reading
from tui_ft.watch.series import Series

pytestmark = pytest.mark.benchmark

STEPS = 1_000_000
SIZE = (120, 24)
"""What the run screen leaves them of 120x40 beside its log."""


def long_run() -> Reading:
    source = random.Random(1)
    noise = [source.random() for _ in range(STEPS)]
    return reading_of(
        source="tui_ft",
        series={
            "loss": long_series([2 * math.exp(-i / 3e5) + noise[i] / 5 for i in range(STEPS)]),
            "grad_norm": long_series([1 + noise[-i] for i in range(STEPS)]),
            "learning_rate": long_series([1e-4 * (1 - i / STEPS) for i in range(STEPS)]),
            "tokens": long_series([512.0 * i for i in range(STEPS)]),
        },
        times=long_series([START + i / 10 for i in range(STEPS)]),
        started_at=START,
        checkpoint_steps=tuple(float(step) for step in range(1000, STEPS, 1000)),
    )


def long_series(values: list[float]) -> Series:
    series = Series()
    series.extend(array("d", range(1, STEPS + 1)), array("d", values))
    series.settle()
    return series


def add_point(reading: Reading) -> None:
    """One step more."""
    for series in (*reading.series.values(), reading.times):
        series.add(series.steps[len(series) - 1] + 1, series.values[len(series) - 1])
        series.settle()


KEYS: dict[str, Callable[[PanelGrid], None]] = {
    "zoom in": lambda grid: grid.zoom(0.5),
    "zoom in further": lambda grid: grid.zoom(0.5),
    "pan": lambda grid: grid.sideways(-1),
    "whole": lambda grid: grid.whole(),
    "log": lambda grid: grid.toggle_log(),
    "linear": lambda grid: grid.toggle_log(),
    "cursor": lambda grid: grid.toggle_cursor(),
    "cursor left": lambda grid: grid.sideways(-1),
    "no cursor": lambda grid: grid.toggle_cursor(),
    "by time": lambda grid: grid.next_axis(),
    "zoom by time": lambda grid: grid.zoom(0.5),
    "by tokens": lambda grid: grid.next_axis(),
    "zoom by tokens": lambda grid: grid.zoom(0.5),
    "by steps": lambda grid: grid.next_axis(),
    "smooth": lambda grid: grid.next_smoothing(),
    "maximise": lambda grid: grid.maximise(),
    "back": lambda grid: grid.maximise(),
}


async def test_charts_of_a_million_steps(
    table: BudgetTable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))  # nobody has chosen anything
    app, reading = GridApp(), long_run()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        started = time.perf_counter()
        app.grid.show(reading)
        first = time.perf_counter() - started
        updates = []
        for _ in range(60):
            add_point(reading)
            started = time.process_time()
            app.grid.show(reading)
            updates.append(time.process_time() - started)
        image = ScreenImage(Size(*SIZE), ColorSystem.TRUECOLOR)
        sent(image, app.grid)
        waits, bytes_of = {}, {}
        for name, press in KEYS.items():
            started = time.perf_counter()
            press(app.grid)
            bytes_of[name] = sent(image, app.grid)
            waits[name] = time.perf_counter() - started
    slowest, largest = max(waits, key=waits.__getitem__), max(bytes_of, key=bytes_of.__getitem__)
    table.at_most("charts, 1M steps: first drawn", first, 0.1, "s")
    table.at_most(
        "charts, 1M steps: a reading with a new point", statistics.median(updates) * 1e3, 5, "ms CPU"
    )
    table.at_most("charts, 1M steps: key to cells, worst", waits[slowest] * 1e3, 50, "ms", slowest)
    table.at_most(
        "charts, 120x24: a key at 9,600 B/s, worst", bytes_of[largest] / 9600, 0.5, "s",
        f"{largest}, {bytes_of[largest]} B; median {statistics.median(bytes_of.values()):.0f} B",
    )  # fmt: skip


def sent(image: ScreenImage, grid: PanelGrid) -> int:
    """Bytes that the terminal is sent for what the grid shows now."""
    return len(image.encode([(0, y, grid.render_line(y)) for y in range(grid.size.height)]).encode())
