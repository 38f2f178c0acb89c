"""What a look at every process of the box costs."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from budget_table import BudgetTable, median

from tui_ft.watch.processes.box import Scanner

pytestmark = [
    pytest.mark.benchmark,
    pytest.mark.skipif(sys.platform != "linux", reason="processes are read from /proc"),
]

PROCESSES, PYTHONS, TRAININGS = 300, 80, 4
_TRAINS = (
    "import sys, time\nfiles = [open(f'{sys.argv[1]}-{k}.wandb', 'ab') for k in range(30)]\ntime.sleep(600)"
)


def test_a_scan_of_three_hundred_processes(table: BudgetTable, tmp_path: Path) -> None:
    commands = [[sys.executable, "-S", "-c", _TRAINS, f"{at}"] for at in range(TRAININGS)]
    commands += [[sys.executable, "-S", "-c", "import time; time.sleep(600)"]] * PYTHONS
    commands += [["sleep", "600"]] * (PROCESSES - PYTHONS - TRAININGS)
    with ExitStack() as stack:
        for command in commands:
            child = stack.enter_context(subprocess.Popen(command, cwd=tmp_path))
            stack.callback(child.kill)
        scanner = Scanner()
        deadline = time.monotonic() + 60
        while sum(group.cwd == tmp_path for group in scanner.scan().groups) < TRAININGS:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        costs = []
        for _ in range(9):
            began = time.process_time()
            scanner.scan()
            costs.append((time.process_time() - began) * 1000)
    table.at_most(
        f"a scan of {PROCESSES} processes, {TRAININGS} of them training", median(costs), 30, "CPU-ms"
    )
