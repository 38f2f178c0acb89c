"""A few configurations of the T4 archive: what is simulated beside what was measured on the GPU."""

from __future__ import annotations

import json
from typing import Any

import pytest
from simulating import TESTS, needs_compiler, output_of

pytestmark = [pytest.mark.train, needs_compiler]

ARCHIVE = TESTS / "samples" / "vram" / "t4_archive.csv"
SCRIPT = TESTS / "vram" / "archive_accuracy.py"

CHOSEN = (12, 19, 30)
"""SDPA and eager attention, fp16 and nf4 bases, two models."""


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """One process: its imports are paid once, and its library is loaded before torch."""
    chosen = (str(number) for number in CHOSEN)
    shim = tmp_path_factory.mktemp("shim")
    printed = output_of(SCRIPT, shim, str(ARCHIVE), "--deepen", "--only", *chosen)
    return [json.loads(line) for line in printed.splitlines()]


def errors(answer: dict[str, Any], kind: str) -> list[float]:
    """Signed errors of the simulated bytes, in percent of each measured repetition."""
    simulated, *measured = answer[kind]
    return [100 * (simulated / value - 1) for value in measured]


def test_allocated_is_what_was_measured(answers: list[dict[str, Any]]) -> None:
    for answer in answers:
        assert all(abs(error) <= 0.25 for error in errors(answer, "allocated")), answer["name"]


def test_a_base_of_16_bits_reserves_what_was_measured(answers: list[dict[str, Any]]) -> None:
    for answer in answers:
        if " none " in answer["name"]:
            assert all(abs(error) <= 0.01 for error in errors(answer, "process")), answer["name"]


def test_a_4_bit_base_reserves_about_what_was_measured(answers: list[dict[str, Any]]) -> None:
    for answer in answers:
        assert all(abs(error) <= 6 for error in errors(answer, "process")), answer["name"]


def test_the_least_capacity_lies_between_allocated_and_reserved(answers: list[dict[str, Any]]) -> None:
    for answer in answers:
        assert answer["allocated"][0] <= answer["capacity"] <= answer["reserved"][0] + 2 * (1 << 20)


def test_a_shallow_model_tells_the_whole_to_the_byte(answers: list[dict[str, Any]]) -> None:
    for answer in answers:
        from_few = answer["deepened"]
        assert from_few["layers"] == 5
        assert from_few["events"] == answer["events"]
        for kind in ("allocated", "reserved"):
            assert from_few[kind] == answer[kind][0], answer["name"]
        assert from_few["capacity"] == answer["capacity"]
