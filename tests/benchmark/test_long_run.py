"""A run of a million steps: how soon a curve, how much CPU for the exact one, how much memory."""

from __future__ import annotations

import json
import math
import random
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
PAIRS = 3
FEW_KEYS = ("step", "time", "loss", "grad_norm", "learning_rate", "tokens_per_s")
_READ = """
import sys, time
from pathlib import Path
from tui_ft.runs.directory import RunDirectory
from tui_ft.watch.sources.tui_ft import TuiFtSource
source = TuiFtSource(RunDirectory(Path(sys.argv[1])))
began = time.process_time()
source.poll()
while not source.reading.is_complete:
    source.poll()
print(time.process_time() - began, len(source.reading.series["loss"]))
"""


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
    return _make(tmp_path_factory.mktemp("long"), "long", None)


def _has_curve(session: TerminalSession) -> bool:
    return any("⠀" < letter <= "⣿" for letter in session.text)


def test_first_curve(
    table: BudgetTable, open_app: OpenApp, thousand_runs: Path, long_run: RunDirectory
) -> None:
    newest = max(path.name for path in thousand_runs.iterdir())
    frames, curves = [], []
    for _ in range(PAIRS):
        with open_app(thousand_runs, "watch", newest) as session:
            frames.append(session.run_until_text("Help"))
        with open_app(long_run.path.parent, "watch", str(long_run.path)) as session:
            at = session.run_until(lambda: _has_curve(session), 60.0)
            assert at is not None, "no curve was drawn"
            curves.append(at)
    late = 1e3 * (median(curves) - median(frames))
    table.at_most("1M steps: first curve after the first frame", late, 100, "ms")


def test_exact_curve(table: BudgetTable, environment: dict[str, str], long_run: RunDirectory) -> None:
    def read(run: RunDirectory) -> str:
        command = [sys.executable, "-c", _READ, str(run.path)]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout

    seconds, points = read(long_run).split()
    assert int(points) == STEPS
    size = long_run.metrics.stat().st_size
    table.at_most("1M steps: exact curve, reading", float(seconds), 1.5, "CPU-s", f"{size / MIB:.0f} MB file")


def test_exact_curve_of_few_keys(table: BudgetTable, environment: dict[str, str], tmp_path: Path) -> None:
    run = _make(tmp_path, "few", FEW_KEYS)
    command = [sys.executable, "-c", _READ, str(run.path)]
    output = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    size = run.metrics.stat().st_size
    note = f"{len(FEW_KEYS)} keys a row, {size / MIB:.0f} MB file"
    table.at_most("1M steps: the same with few keys", float(output.split()[0]), 1.5, "CPU-s", note)


def test_opened_in_the_app(table: BudgetTable, open_app: OpenApp, long_run: RunDirectory) -> None:
    with open_app(long_run.path.parent) as session:
        session.run_until_text("finished")
        before = session.run_until_idle()
        session.press(ENTER)
        opened = session.run_until_idle()
        size = session.pss_bytes()
        session.press("q")
        left = session.run_until_idle()
        session.press(ENTER)
        reopened = session.run_until_idle()
    table.at_most("1M steps: opened in the app, to the exact curve", opened - before, 1.5, "CPU-s")
    table.at_most("1M steps: reopened in the same app", reopened - left, 0.3, "CPU-s")
    table.at_most("1M steps: memory (PSS) of the app", size / MIB, 80, "MB")
