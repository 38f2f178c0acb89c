"""What the check of a data set costs: it is waited for before every run."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from budget_table import BudgetTable, median

pytestmark = pytest.mark.benchmark

ROUNDS = 3
ROWS = 50_000
MEASURE = """
import resource, sys, time
from tui_ft.data import gate
began = time.process_time()
found = gate.check(sys.argv[1])
spent = time.process_time() - began
print(found.rows, found.usable_rows, spent, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def write_alpaca(file: Path, rows: int) -> None:
    """Rows of questions and answers of some 500 letters, all of them different."""
    rng = random.Random(1)
    words = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randrange(2, 11))) for _ in range(4000)]

    def text(count: int) -> str:
        sentences = (" ".join(rng.choices(words, k=12)).capitalize() for _ in range(count // 12 + 1))
        return ". ".join(sentences) + "."

    with file.open("w") as stream:
        for _ in range(rows):
            row = {"instruction": text(12), "input": "", "output": text(rng.randrange(20, 110))}
            stream.write(json.dumps(row) + "\n")


def measured(file: Path, environment: dict[str, str]) -> tuple[int, int, float, float]:
    """Rows, usable rows, CPU seconds and MiB of a check in a process of its own."""
    command = [sys.executable, "-c", MEASURE, str(file)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    rows, usable, spent, memory = done.stdout.split()
    return int(rows), int(usable), float(spent), float(memory)


def test_fifty_thousand_rows(table: BudgetTable, tmp_path: Path, environment: dict[str, str]) -> None:
    file = tmp_path / "alpaca.jsonl"
    write_alpaca(file, ROWS)
    results = [measured(file, environment) for _ in range(ROUNDS)]
    assert all(result[:2] == (ROWS, ROWS) for result in results)
    size = f"{file.stat().st_size / 1e6:.0f} MB, median of {ROUNDS}"
    table.at_most("50,000 Alpaca rows checked", median([r[2] for r in results]), 3, "CPU-s", size)


def test_memory_of_very_many_rows(table: BudgetTable, tmp_path: Path, environment: dict[str, str]) -> None:
    file = tmp_path / "tiny.jsonl"
    with file.open("w") as stream:
        for begin in range(0, 10_000_000, 10_000):
            stream.writelines(
                f'{{"prompt":"q{i}","completion":"a{i}"}}\n' for i in range(begin, begin + 10_000)
            )
    rows, _, spent, memory = measured(file, environment)
    assert rows == 10_000_000
    table.at_most("10,000,000 tiny rows checked", memory, 300, "MB", f"{spent:.0f} CPU-s")
