"""What an estimate costs: it is asked for while somebody moves a setting."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
from budget_table import BudgetTable, median
from vram_cases import GIB, gpu, reading, spec_of

from tui_ft.vram.assess import assess
from tui_ft.vram.catalogue import entries
from tui_ft.vram.estimate import estimate
from tui_ft.vram.workload import from_spec

pytestmark = pytest.mark.benchmark

ROUNDS = 5
METHODS = ("full", "lora", "qlora", "ia3", "prefix")


def test_one_estimate(table: BudgetTable) -> None:
    costs = []
    for entry in entries():
        for method in METHODS:
            workload = from_spec(spec_of(f"method.kind={method}"))
            times = []
            for _ in range(ROUNDS):
                began = time.process_time()
                estimate(entry.shape, workload)
                times.append(1e3 * (time.process_time() - began))
            costs.append((median(times), f"{entry.name} {method}"))
    worst, name = max(costs)
    table.at_most("one estimate, slowest", worst, 5, "CPU-ms", f"{len(costs)} cases, {name}")


def test_an_assessment_with_its_ladder(table: BudgetTable) -> None:
    times = []
    shape = next(entry.shape for entry in entries() if entry.name == "Llama-3.3-70B")
    for _ in range(ROUNDS):
        began = time.process_time()
        answer = assess(spec_of("method.kind=full", "training.batch_size=16"), shape, reading(gpu()))
        times.append(1e3 * (time.process_time() - began))
    assert answer.step_downs
    assert answer.estimate.needed_bytes > 100 * GIB
    table.at_most("verdict and ladder of a 70B", median(times), 100, "CPU-ms", f"median of {ROUNDS}")


def test_the_command(table: BudgetTable, environment: dict[str, str]) -> None:
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        command = [sys.executable, "-m", "tui_ft", "estimate", "--model", "qwen3-8b", "--gpu-memory", "24"]
        subprocess.run(command, env=environment, capture_output=True, check=True)
        times.append(1e3 * (time.perf_counter() - began))
    table.at_most("tui-ft estimate, whole", median(times), 500, "ms", f"median of {ROUNDS}")
