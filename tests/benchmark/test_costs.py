"""What runs cost while nobody looks: listing them, logging, supervising."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import process_cost
import pytest
from budget_table import MIB, BudgetTable, median

from tui_ft.runs import launch
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.listing import list_runs
from tui_ft.runs.records import ENDED, JsonLinesWriter
from tui_ft.runs.state import read_state
from tui_ft.runs.truth import read_truth
from tui_ft.spec import overrides
from tui_ft.spec.run_spec import RunSpec
from tui_ft.tui.run_poll import RunPoll

pytestmark = pytest.mark.benchmark

ROUNDS = 5
ROWS = 20_000
SUPERVISED_S = 20.0
_FAKE_TRAINER = Path(__file__).resolve().parents[1] / "runs" / "fake_trainer.py"


def test_listing(table: BudgetTable, thousand_runs: Path) -> None:
    listed, polled = [], []
    list_runs(thousand_runs)
    poll = RunPoll(thousand_runs)
    assert len(poll.read(time.time())) == 1000
    for _ in range(ROUNDS):
        began = time.process_time()
        list_runs(thousand_runs)
        middle = time.process_time()
        poll.read(time.time())
        listed.append(1e3 * (middle - began))
        polled.append(1e3 * (time.process_time() - middle))
    table.at_most("1,000 runs listed", median(listed), 100, "CPU-ms", f"median of {ROUNDS}")
    table.at_most("1,000 runs polled", median(polled), 10, "CPU-ms", f"median of {ROUNDS}")


def test_logging(table: BudgetTable, tmp_path: Path) -> None:
    row = {"step": 1, "time": 1.79e9 + 0.123, "loss": 2.123456, "grad_norm": 0.4321, "learning_rate": 1.9e-4,
           "entropy": 1.9, "tokens": 4096, "mean_token_accuracy": 0.51, "epoch": 0.031,
           "tokens_per_s": 8150.5, "gpu_memory_gib": 14.2501, "gpu_reserved_gib": 15.5}  # fmt: skip
    writer = JsonLinesWriter(tmp_path / "metrics.jsonl")
    costs = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(ROWS):
            writer.write(row)
        costs.append(1e6 * (time.process_time() - began) / ROWS)
    writer.close()
    note = f"{len(row)} keys, median of {ROUNDS} times {ROWS} rows"
    table.at_most("a row that the trainer logs", median(costs), 20, "µs CPU", note)


def test_supervisor(table: BudgetTable, tmp_path: Path) -> None:
    spec = overrides.apply(RunSpec(), ["model.id=demo", "data.train=demo"])
    run = launch.start(spec, tmp_path, trainer=[sys.executable, str(_FAKE_TRAINER), "forever"])
    try:
        _wait_for(run, "running")
        supervisor = next(p.pid for p in read_state(run).processes if p.role == "supervisor")
        time.sleep(3.0)  # the first rows of hardware, and what is imported for them
        began = process_cost.own_cpu_seconds(supervisor)
        time.sleep(SUPERVISED_S)
        percent = 100 * (process_cost.own_cpu_seconds(supervisor) - began) / SUPERVISED_S
        rss = process_cost.rss_bytes(supervisor)
    finally:
        for process in read_state(run).processes:
            os.kill(process.pid, signal.SIGTERM)
        _wait_for(run, *ENDED)
    table.at_most("supervisor: memory (RSS)", rss / MIB, 30, "MB")
    table.at_most("supervisor: CPU", percent, 0.5, "%", "a trainer of 50 steps a second")


def _wait_for(run: RunDirectory, *statuses: str) -> None:
    deadline = time.monotonic() + 30
    while read_truth(run).status not in statuses:
        if time.monotonic() > deadline:
            raise AssertionError(f"{run.id} never became {statuses}: {read_truth(run)}")
        time.sleep(0.05)
