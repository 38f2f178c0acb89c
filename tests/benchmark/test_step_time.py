"""What all that watches over a run costs its steps: against a plain TRL script on the same spec."""

from __future__ import annotations

import itertools
import os
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import timed_steps
from budget_table import BudgetTable, median
from timed_steps import SPEC

from tui_ft.runs import directory, launch
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.records import ENDED, decode_metrics
from tui_ft.runs.truth import read_truth
from tui_ft.spec import overrides, toml
from tui_ft.spec.run_spec import RunSpec
from tui_ft.train.callback import RunCallback
from tui_ft.train.edge import EdgeTrainer
from tui_ft.train.nonfinite import NonfiniteGuard
from tui_ft.train.step_rows import StepRows

pytestmark = [pytest.mark.benchmark, pytest.mark.filterwarnings("default")]

PAIRS = int(os.environ.get("STEP_TIME_PAIRS", "5"))
STEPS, WARM = 160, 20
_PROGRAM = Path(__file__).resolve().parents[1] / "timed_steps.py"
TURNS = int(os.environ.get("STEP_TIME_TURNS", "12"))
TURN_STEPS, TURN_WARM = 30, 5
OURS: dict[Any, tuple[str, ...]] = {
    EdgeTrainer: ("keep_edge",),
    NonfiniteGuard: ("refuses", "weights_are_finite"),
    RunCallback: ("enter_step", "on_step_begin", "on_pre_optimizer_step", "on_step_end", "on_log"),
}
"""What is called at each step: edge kept, numbers judged, requests looked for, row made and written."""
NOISE = 0.02
"""The medians of two runs of the same script differ by so much on a quiet machine."""


def steps_of(place: Path) -> tuple[list[float], list[float]]:
    """Milliseconds of the clock and of CPU of each step, the first ones left out."""
    rows = [tuple(float(part) for part in line.split()) for line in place.read_text().splitlines()]
    pairs = list(itertools.pairwise(rows))[WARM : STEPS - 1]
    return [1e3 * (b[0] - a[0]) for a, b in pairs], [1e3 * (b[1] - a[1]) for a, b in pairs]


def plain(folder: Path, environment: dict[str, str]) -> tuple[list[float], list[float]]:
    place = folder / "times"
    subprocess.run(
        [sys.executable, _PROGRAM, "plain", place, str(STEPS)],
        env=environment,
        check=True,
        capture_output=True,
    )
    return steps_of(place)


def ours(folder: Path) -> tuple[list[float], list[float]]:
    """A run as anybody starts it: its supervisor alive, guards awake, a checkpoint every six seconds."""
    place = folder / "times"
    changes = [*SPEC, f"training.max_steps={STEPS}", "checkpoints.every_minutes=0.1"]
    run = launch.start(
        overrides.apply(RunSpec(), changes),
        folder / "runs",
        trainer=[sys.executable, str(_PROGRAM), "ours", str(place)],
    )
    _wait_for_end(run)
    assert read_truth(run).status == "finished", run.output.read_text()
    return steps_of(place)


def test_step_time(table: BudgetTable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    walls: dict[str, list[float]] = {"plain": [], "ours": []}
    cpus: dict[str, list[float]] = {"plain": [], "ours": []}
    for number in range(PAIRS):
        for kind in ("plain", "ours") if number % 2 == 0 else ("ours", "plain"):
            folder = tmp_path / f"{kind}-{number}"
            folder.mkdir()
            wall, cpu = plain(folder, dict(os.environ)) if kind == "plain" else ours(folder)
            walls[kind].append(median(wall))
            cpus[kind].append(median(cpu))
    for what, found in (("by the clock", walls), ("of CPU", cpus)):
        mine, theirs = median(found["ours"]), median(found["plain"])
        spread = max(found["plain"]) / min(found["plain"]) - 1
        table.add(
            f"a step {what}, against plain TRL",
            f"within noise ({100 * max(spread, NOISE):.0f} %)",
            f"{mine:.1f} ms / {theirs:.1f} ms: {100 * (mine / theirs - 1):+.1f} % (medians of {PAIRS} "
            f"runs of {STEPS} steps, alternating; ours {_span(found['ours'])}, "
            f"plain {_span(found['plain'])})",
            mine <= theirs * (1 + max(spread, NOISE)),
        )


def test_cpu_of_a_step(table: BudgetTable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one process, in short turns: what else the machine does meets both alike."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    found: dict[str, list[float]] = {"plain": [], "ours": []}
    for number in range(TURNS):
        for kind in ("plain", "ours") if number % 2 == 0 else ("ours", "plain"):
            times: list[tuple[float, float]] = []
            folder = tmp_path / f"{kind}-{number}"
            if kind == "plain":
                timed_steps.plain(times, TURN_STEPS, folder)
            else:
                _in_this_process(times, folder)
            steps = [1e3 * (b[1] - a[1]) for a, b in itertools.pairwise(times)][TURN_WARM:]
            found[kind].append(median(steps))
    pairs = [mine / theirs - 1 for mine, theirs in zip(found["ours"], found["plain"], strict=True)]
    quarters = statistics.quantiles(pairs, n=4)
    table.add(
        "CPU of a step, turn by turn in one process",
        "within noise",
        f"{median(found['ours']):.1f} ms / {median(found['plain']):.1f} ms: {100 * median(pairs):+.1f} % "
        f"(median of {TURNS} pairs of {TURN_STEPS} steps, half of them {100 * quarters[0]:+.1f} to "
        f"{100 * quarters[2]:+.1f} %)",
        median(pairs) <= max(NOISE, quarters[2] - quarters[0]),
    )


def _in_this_process(times: list[tuple[float, float]], folder: Path) -> None:
    from tui_ft.train.entry import run_attempt

    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    run = directory.create(folder, "turn")
    run.attempt(1).path.mkdir(mode=0o700)
    changes = [*SPEC, f"training.max_steps={TURN_STEPS}", "checkpoints.every_minutes=0.1"]
    run.attempt(1).spec.write_text(toml.dumps(overrides.apply(RunSpec(), changes)))
    with timed_steps.rows_timed(times):
        assert run_attempt(run.path, 1) == 0
    for number, handler in before.items():
        signal.signal(number, handler)


def test_what_is_ours_in_a_step(table: BudgetTable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The CPU of everything that plain TRL does not do, added up where it is done, in a run that runs."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    spent = [0.0]
    for owner, names in OURS.items():
        for name in names:
            monkeypatch.setattr(owner, name, _timed(getattr(owner, name), spent))
    times: list[tuple[float, float]] = []
    _in_this_process(times, tmp_path)
    step = 1e3 * median([b[1] - a[1] for a, b in itertools.pairwise(times)][TURN_WARM:])
    own = 1e3 * spent[0] / TURN_STEPS
    table.at_most(
        "our own code in a step", 100 * own / step, 1, "% of its CPU", f"{own:.2f} of {step:.1f} ms"
    )


def _timed(whole: Any, spent: list[float]) -> Any:
    def timed(*args: Any, **kwargs: Any) -> Any:
        began = time.thread_time()
        try:
            return whole(*args, **kwargs)
        finally:
            spent[0] += time.thread_time() - began

    return timed


def test_a_row(table: BudgetTable) -> None:
    """What our own code adds to a step on a CPU: the row with its time, tokens and memory."""
    logs = {"loss": 2.123456, "grad_norm": 0.4321, "learning_rate": 1.9e-4, "entropy": 1.9,
            "num_tokens": 4096.0, "mean_token_accuracy": 0.51, "epoch": 0.031}  # fmt: skip
    rows = StepRows(None)
    rows.begin(0)
    costs = []
    for _ in range(5):
        began = time.process_time()
        for _ in range(5000):
            rows.of_step(1, "training", logs)
            rows.mark()
        costs.append(1e6 * (time.process_time() - began) / 5000)
    assert {"step_s", "data_wait_s"} <= set(rows.of_step(1, "training", logs))
    table.add("a step's row made, with a look at our memory", "–", f"{median(costs):.1f} µs CPU", None)


def test_data_wait_is_a_part_of_the_step(tmp_path: Path) -> None:
    """The benchmark's own run says where its steps went."""
    run = launch.start(overrides.apply(RunSpec(), [*SPEC, "training.max_steps=6"]), tmp_path, trainer=None)
    _wait_for_end(run)
    rows = [decode_metrics(line) for line in run.metrics.read_bytes().splitlines()]
    assert all(0 <= row["data_wait_s"] <= row["step_s"] for row in rows if "loss" in row)


def _wait_for_end(run: RunDirectory) -> None:
    deadline = time.monotonic() + 300
    while read_truth(run).status not in ENDED:
        assert time.monotonic() < deadline, read_truth(run)
        time.sleep(0.5)


def _span(values: list[float]) -> str:
    return f"{min(values):.1f}–{max(values):.1f}"
