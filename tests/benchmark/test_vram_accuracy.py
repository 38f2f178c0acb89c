"""The simulation against the public T4 archive: every configuration, and the errors that are published.

`TUI_FT_MEASURED_CSV` names another file of the same columns.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import pytest
from budget_table import BudgetTable, median
from simulating import TESTS, output_of

pytestmark = [pytest.mark.benchmark, pytest.mark.train]

LIMITS = {"allocated": (0.1, 0.5), "process": (2.0, 10.0)}
"""Percent: of the median and of the worst error."""


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    archive = os.environ.get("TUI_FT_MEASURED_CSV", str(TESTS / "samples" / "vram" / "t4_archive.csv"))
    script = TESTS / "vram" / "archive_accuracy.py"
    printed = output_of(script, tmp_path_factory.mktemp("shim"), archive)
    return [json.loads(line) for line in printed.splitlines()]


def test_every_configuration(answers: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> None:
    """Print one line a configuration; a repetition has an error of its own."""
    lines = ["", f"{'configuration':56} {'MiB':>8}  allocated %            process %"]
    for answer in answers:
        allocated, process = (" ".join(f"{error:+.2f}" for error in errors(answer, kind)) for kind in LIMITS)
        mib = answer["allocated"][0] / (1 << 20)
        lines.append(f"{answer['name']:56} {mib:8.1f}  {allocated:22} {process}")
    with capsys.disabled():
        sys.stdout.write("\n".join(lines) + "\n")


def test_the_errors_that_are_published(table: BudgetTable, answers: list[dict[str, Any]]) -> None:
    for kind, (typical, worst) in LIMITS.items():
        found = [error for answer in answers for error in errors(answer, kind)]
        sizes = [abs(error) for error in found]
        span = f"n = {len(found)}, {min(found):+.2f} to {max(found):+.2f}"
        table.at_most(f"T4 archive, {kind}: median error", median(sizes), typical, "%", span)
        table.at_most(f"T4 archive, {kind}: worst error", max(sizes), worst, "%")


def test_a_need_is_not_below_what_was_measured(table: BudgetTable, answers: list[dict[str, Any]]) -> None:
    """The least capacity is compared with the bytes that were in use: less cannot have been enough."""
    ratios = [100 * (1 - answer["capacity"] / max(answer["allocated"][1:])) for answer in answers
              if answer["allocated"][1:]]  # fmt: skip
    table.at_most("T4 archive, need below allocated", max(ratios), 2, "%", f"n = {len(ratios)}")


def test_what_a_simulation_costs(table: BudgetTable, answers: list[dict[str, Any]]) -> None:
    costs = [answer["cpu_s"] for answer in answers]
    note = f"all layers, median {median(costs):.1f}, n = {len(costs)}"
    table.at_most("a simulation of the archive, slowest", max(costs), 15, "CPU-s", note)


def errors(answer: dict[str, Any], kind: str) -> list[float]:
    simulated, *measured = answer[kind]
    return [100 * (simulated / value - 1) for value in measured]
