"""What our readers of others' binary files cost: CPU, memory, the longest slice, the first points."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from budget_table import BudgetTable, median
from foreign_writers import write_events, write_wandb

pytestmark = pytest.mark.benchmark

STEPS = 1_000_000
SCALARS = 1_000_000
ROUNDS = 5
SLICE_MS = 50
"""The interpreter changes threads every 5 ms, whatever a slice takes; between slices the worker may stop."""
_READ = """
import os, resource, sys, time
from pathlib import Path
from tui_ft.watch import formats
form, folder = formats.by_name(sys.argv[1]), Path(sys.argv[2])
source = form.open(next(form.find(folder, sorted(os.listdir(folder)))), time.time)
began, first, longest = time.process_time(), 0.0, 0.0
while not source.reading.is_complete:
    before = time.thread_time()
    source.poll(0.0)
    longest = max(longest, time.thread_time() - before)
    if not first and source.reading.series:
        first = time.process_time() - began
used = time.process_time() - began
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(used, first, longest, memory, sum(map(len, source.reading.series.values())))
"""
"""One slice a poll: the longest one is for how long a key may have to wait."""


def _measured(name: str, folder: Path, points: int, home: Path) -> list[tuple[float, ...]]:
    environment = {"HOME": str(home), "PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(sys.path)}
    rounds = []
    for _ in range(ROUNDS):
        found = subprocess.run(
            [sys.executable, "-c", _READ, name, str(folder)],
            env=environment, capture_output=True, text=True, check=True,
        )  # fmt: skip
        *costs, count = map(float, found.stdout.split())
        assert count == points
        rounds.append(tuple(costs))
    return rounds


def _report(table: BudgetTable, what: str, rounds: list[tuple[float, ...]], limit: float) -> None:
    used, first, longest, memory = (median([costs[at] for costs in rounds]) for at in range(4))
    table.at_most(what, used, limit, "CPU-s", f"median of {ROUNDS}; process {memory:.0f} MiB")
    table.at_most(f"{what}: first points", first, 0.1, "CPU-s")
    table.at_most(f"{what}: longest slice", longest * 1000, SLICE_MS, "ms")


def test_a_million_scalars(table: BudgetTable, tmp_path: Path) -> None:
    folder = write_events(tmp_path / "logs", SCALARS // 4).parent
    _report(table, "1M-scalar event file", _measured("tensorboard", folder, SCALARS, tmp_path), 2.5)


def test_a_million_steps_of_wandb(table: BudgetTable, tmp_path: Path) -> None:
    folder = write_wandb(tmp_path / "wandb", STEPS).parent
    _report(table, ".wandb of 1M steps", _measured("wandb", folder, 4 * STEPS, tmp_path), 10.0)
