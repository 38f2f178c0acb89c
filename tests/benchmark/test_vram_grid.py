"""The closed form against the simulation over the grid; `TUI_FT_GRID=all` takes every shape."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from budget_table import BudgetTable, median
from simulating import TESTS, needs_compiler, output_of

pytestmark = [pytest.mark.benchmark, pytest.mark.train, needs_compiler]

FEW_SHAPES = ("1", "4")
"""A long row alone, and short ones together."""


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    chosen = () if os.environ.get("TUI_FT_GRID") == "all" else ("--shapes", *FEW_SHAPES)
    script = TESTS / "vram" / "grid_accuracy.py"
    printed = output_of(script, tmp_path_factory.mktemp("shim"), *chosen)
    return [json.loads(line) for line in printed.splitlines()]


def test_the_closed_form(table: BudgetTable, answers: list[dict[str, Any]]) -> None:
    errors = [100 * (answer["closed"] / answer["simulated"] - 1) for answer in answers]
    sizes = [abs(error) for error in errors]
    span = f"n = {len(errors)}, {min(errors):+.2f} to {max(errors):+.2f}"
    table.at_most("closed form against simulation, median", median(sizes), 0.5, "%", span)
    table.at_most("closed form against simulation, worst", max(sizes), 2, "%")


def test_how_long_an_estimate_takes(table: BudgetTable, answers: list[dict[str, Any]]) -> None:
    took = [1000 * answer["seconds"] for answer in answers]
    note = f"median {median(took):.1f}; the first of a policy reads its coefficients"
    table.at_most("an estimate, slowest", max(took), 5, "ms", note)


def test_what_is_needed_beyond_what_is_allocated(table: BudgetTable, answers: list[dict[str, Any]]) -> None:
    short = [100 * (1 - answer["closed_needed"] / answer["capacity"]) for answer in answers]
    table.at_most(
        "needed below the simulated capacity, median", median(short), 2, "%", f"worst {max(short):.1f}"
    )


def test_what_exact_mode_costs(table: BudgetTable, answers: list[dict[str, Any]]) -> None:
    costs = [answer["cpu_s"] for answer in answers]
    table.at_most(
        "a simulation, imports left out, slowest", max(costs), 15, "CPU-s", f"median {median(costs):.1f}"
    )
