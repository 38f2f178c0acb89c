"""Everything around the library changes nothing of what it computes."""

from __future__ import annotations

from pathlib import Path

import pytest
import timed_steps
from training import MakeRun, add_attempt, steps

from tui_ft.runs import directory
from tui_ft.train.entry import run_attempt

pytestmark = [pytest.mark.train, pytest.mark.filterwarnings("default")]


def test_losses_are_those_of_a_plain_script_to_the_last_bit(make_run: MakeRun, tmp_path: Path) -> None:
    run = directory.create(tmp_path / "runs", "same")
    add_attempt(run, 1, *timed_steps.SPEC, "training.max_steps=4")
    assert run_attempt(run.path, 1) == 0
    logged = [row for row in timed_steps.plain([], 4, tmp_path) if "loss" in row]
    keys = ("loss", "grad_norm", "learning_rate")
    assert [[row[key] for key in keys] for row in steps(run)] == [
        [row[key] for key in keys] for row in logged
    ]
