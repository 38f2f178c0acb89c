"""The closed form beside the simulation, for a few points of the grid that the benchmark covers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from simulating import TESTS, needs_compiler, output_of

pytestmark = [pytest.mark.train, needs_compiler]

WORST = 0.02
"""Of the closed form against the simulation, as a share. The smallest models are the worst: what tensors that
are gone left of shared segments weighs over 1 % there, and only a replay knows it."""


def test_points_of_the_grid(tmp_path: Path) -> None:
    script = TESTS / "vram" / "grid_accuracy.py"
    chosen = ("--models", "SmolLM2-135M", "Qwen3-0.6B", "--policies", "full", "last layers", "LoRA", "QLoRA")
    printed = output_of(script, tmp_path, *chosen, "--shapes", "4")
    answers = [json.loads(line) for line in printed.splitlines()]
    assert len(answers) == 8
    for answer in answers:
        assert answer["validated"]
        assert answer["closed"] == pytest.approx(answer["simulated"], rel=WORST), answer
        assert answer["capacity"] >= answer["simulated"]
        assert answer["reserved"] >= answer["simulated"]
