"""A run of a million steps: how soon a curve, how much CPU for the exact one, how much memory."""

from __future__ import annotations

import json
import math
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from budget_table import MIB, BudgetTable, median
from synthetic_run import START, SyntheticRun
from terminal_session import ENTER, TerminalSession

from tui_ft.runs.directory import RunDirectory

pytestmark = pytest.mark.benchmark

OpenApp = Callable[..., TerminalSession]
STEPS = 1_000_000
ROUNDS = 5
FEW_KEYS = ("step", "time", "loss", "grad_norm", "learning_rate", "tokens_per_s")
_READ = """
import sys, time
from pathlib import Path
from tui_ft.runs.directory import RunDirectory
from tui_ft.watch.sources.tui_ft import TuiFtSource
source = TuiFtSource(RunDirectory(Path(sys.argv[1])))
began = time.process_time()
source.poll()
first = time.process_time() - began
while not source.reading.is_complete:
    source.poll()
exact = time.process_time() - began
print(first, exact, len(source.reading.series["loss"]))
"""
"""To be complete is to be kept as well: the cost of the cache is part of it."""


def _rows() -> Iterator[dict[str, float]]:
    """Rows with the keys and digits that the trainer writes."""
    chance = random.Random(7)
    for step in range(1, STEPS + 1):
        part = step / STEPS
        loss = 0.6 + 1.9 * math.exp(-6 * part) + chance.random() / 10
        yield {
            "step": step, "time": START + step / 2, "loss": loss, "grad_norm": 1.2 - part + chance.random(),
            "learning_rate": 1e-4 * (1 + math.cos(math.pi * part)), "entropy": loss * 0.9,
            "tokens": 4096 * step, "mean_token_accuracy": 0.4 + part / 2, "epoch": 3 * part,
            "tokens_per_s": 8150.5, "gpu_memory_gib": 14.2501, "gpu_reserved_gib": 15.5,
        }  # fmt: skip


def _make(root: Path, name: str, keys: tuple[str, ...] | None) -> RunDirectory:
    """A finished run; `keys` are those of its rows, None for all of them."""
    with SyntheticRun(root, total_steps=STEPS, name=name) as made:
        made.begin_training()
        with made.run.metrics.open("w", encoding="ascii") as file:
            for row in _rows():
                kept = row if keys is None else {key: row[key] for key in keys}
                file.write(json.dumps(kept, separators=(",", ":")) + "\n")
        made.step = STEPS
        made.finish()
    return made.run


@pytest.fixture(scope="module")
def long_run(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """All keys that the trainer writes in a row."""
    return _make(tmp_path_factory.mktemp("long"), "long", None)


@pytest.fixture(scope="module")
def lean_run(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """Few keys in a row."""
    return _make(tmp_path_factory.mktemp("lean"), "lean", FEW_KEYS)


@pytest.fixture(params=["few", "all"])
def run(request: pytest.FixtureRequest, long_run: RunDirectory, lean_run: RunDirectory) -> RunDirectory:
    return lean_run if request.param == "few" else long_run


def _note(run: RunDirectory) -> str:
    with run.metrics.open() as file:
        keys = len(json.loads(file.readline()))
    return f"{keys} keys a row, {run.metrics.stat().st_size / MIB:.0f} MB"


def _forget(environment: dict[str, str]) -> None:
    """Remove the caches of the benchmark's user."""
    shutil.rmtree(Path(environment["HOME"]) / ".cache", ignore_errors=True)


def _has_curve(session: TerminalSession) -> bool:
    return any("⠀" < letter <= "⣿" for letter in session.text)


def test_first_curve(
    table: BudgetTable,
    open_app: OpenApp,
    environment: dict[str, str],
    thousand_runs: Path,
    run: RunDirectory,
) -> None:
    newest = max(path.name for path in thousand_runs.iterdir())
    late = []
    for _ in range(ROUNDS):
        _forget(environment)
        with open_app(thousand_runs, "watch", newest) as session:
            frame = session.run_until_text("Help")
        with open_app(run.path.parent, "watch", str(run.path)) as session:
            curve = session.run_until(lambda: _has_curve(session), 60.0)
        assert curve is not None, "no curve was drawn"
        late.append(1e3 * (curve - frame))
    note = f"{_note(run)}, median of {ROUNDS}"
    table.at_most("1M steps: first curve after the first frame", median(late), 100, "ms", note)


def test_exact_curve(table: BudgetTable, environment: dict[str, str], run: RunDirectory) -> None:
    def read() -> tuple[float, float]:
        command = [sys.executable, "-c", _READ, str(run.path)]
        output = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
        first, exact, points = output.split()
        assert int(points) == STEPS
        return float(first), float(exact)

    exact, again, first = [], [], []
    for _ in range(ROUNDS):
        _forget(environment)
        seconds = read()
        first.append(1e3 * seconds[0])
        exact.append(seconds[1])
        again.append(read()[1])
    note = f"{_note(run)}, median of {ROUNDS}"
    table.at_most("1M steps: samples of the whole curve", median(first), 100, "CPU-ms", note)
    table.at_most("1M steps: exact curve, reading", median(exact), 1.5, "CPU-s", note)
    table.at_most("1M steps: the same from the cache", median(again), 0.3, "CPU-s", note)


def test_opened_in_the_app(
    table: BudgetTable, open_app: OpenApp, environment: dict[str, str], run: RunDirectory
) -> None:
    opened, reopened, sizes = [], [], []
    for _ in range(ROUNDS):
        _forget(environment)
        with open_app(run.path.parent) as session:
            session.run_until_text("finished")
            before = session.run_until_idle()
            session.press(ENTER)
            exact = session.run_until_idle()
            sizes.append(session.pss_bytes() / MIB)
            session.press("q")
            left = session.run_until_idle()
            session.press(ENTER)
            reopened.append(session.run_until_idle() - left)
            opened.append(exact - before)
    note = f"{_note(run)}, median of {ROUNDS}"
    table.at_most("1M steps: opened in the app, to the exact curve", median(opened), 1.5, "CPU-s", note)
    table.at_most("1M steps: reopened in the same app", median(reopened), 0.3, "CPU-s", note)
    table.at_most("1M steps: memory (PSS) of the app", median(sizes), 80, "MB", note)
