"""What the table of optimizers says they keep and make, beside the simulated trainer."""

from __future__ import annotations

import json
from math import prod
from typing import Any

import pytest
from simulating import TESTS, needs_compiler, output_of

from tui_ft.vram.optimizers import OPTIMIZERS

SCALARS = 8
"""Bytes of what some keep beside the states of a tensor: a counter, a mean."""

pytestmark = [pytest.mark.train, needs_compiler]


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    shim = tmp_path_factory.mktemp("shim")
    return json.loads(output_of(TESTS / "train" / "optimizer_steps.py", shim))


def moved(answer: dict[str, Any]) -> list[tuple[int, ...]]:
    """The trained tensors in the order of the steps: those that decay first, the vectors last."""
    shapes = [tuple(shape) for shape in answer["shapes"]]
    return sorted(shapes, key=lambda shape: len(shape) == 1)


@pytest.mark.parametrize("name", ["adamw_torch_fused", "adamw_torch", "sgd", "adafactor"])
def test_states_and_copies_are_those_of_the_table(name: str, answers: dict[str, Any]) -> None:
    answer, table = answers[name], OPTIMIZERS[name]
    shapes = moved(answer)
    kept = sum(sum(table.state_bytes(shape, 4)) for shape in shapes)
    assert kept <= answer["states"] <= kept + SCALARS * len(shapes)
    made = table.step_bytes([4 * prod(shape) for shape in shapes])
    assert answer["made"] == pytest.approx(made, rel=1e-3)  # the vectors have a turn of their own
