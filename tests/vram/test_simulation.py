"""Exact mode from this side of the door: what is asked, what becomes of the answer, and what is kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from vram_cases import GIB, reading, shape_of, spec_of

from tui_ft.errors import TuiFtError
from tui_ft.spec import toml
from tui_ft.vram import simulation
from tui_ft.vram.assess import Assessment, assess
from tui_ft.vram.find_model import Found

ANSWER: dict[str, Any] = {
    "schema": 1,
    "parts_bytes": {"weights": 6 * GIB, "activations": 2 * GIB},
    "allocated_bytes": 8 * GIB + 5,
    "reserved_bytes": 9 * GIB,
    "capacity_bytes": 8 * GIB + 512,
    "peak_phase": "backward",
    "trainable_parameters": 77,
    "layers_simulated": [2, 4],
}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[dict[str, Any]]]:
    requests: list[dict[str, Any]] = []

    def call(module: str, request: dict[str, Any], **more: object) -> dict[str, Any]:
        assert module == "tui_ft.train.simulate"
        requests.append(json.loads(json.dumps(request)))
        return dict(ANSWER)

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(simulation, "call", call)
    yield requests


def assessed(*changes: str) -> Assessment:
    return assess(spec_of(*changes), shape_of("Qwen3-8B"), reading(), gpu_memory_bytes=24 * GIB)


FOUND = Found({"model_type": "qwen3"}, shape_of("Qwen3-8B"), None)


def test_the_answer_becomes_an_estimate_with_the_context_of_the_formula(asked: list[dict[str, Any]]) -> None:
    first = assessed()
    answer = simulation.simulate(first, FOUND)
    context = first.estimate.context_bytes
    assert answer.basis == "simulated"
    assert answer.allocated_bytes == 8 * GIB + 5
    assert answer.needed_bytes == 8 * GIB + 512 + context
    assert answer.nvidia_smi_bytes == 9 * GIB + context
    assert answer.low_bytes <= answer.needed_bytes <= answer.high_bytes
    assert answer.trainable_parameters == 77


def test_the_request_holds_all_that_decides(asked: list[dict[str, Any]]) -> None:
    simulation.simulate(assessed("method.rank=8", "data.max_length=512"), FOUND)
    (request,) = asked
    assert request["config"] == {"model_type": "qwen3"}
    assert toml.loads(request["spec"]).method.rank == 8
    assert (request["longest_row"], request["has_bf16"], request["attention_kernel"]) == (512, True, "flash")


def test_the_same_question_is_asked_once(asked: list[dict[str, Any]]) -> None:
    first = simulation.simulate(assessed(), FOUND)
    assert simulation.simulate(assessed(), FOUND) == first
    assert len(asked) == 1
    simulation.simulate(assessed("method.rank=8"), FOUND)
    assert len(asked) == 2
    (kept, _) = (simulation.settings.cache_folder() / "simulations").iterdir()
    kept.write_text("torn")
    simulation.simulate(assessed(), FOUND)
    simulation.simulate(assessed("method.rank=8"), FOUND)
    assert len(asked) == 3


@pytest.mark.parametrize(
    "change", [{"allocated_bytes": "much"}, {"parts_bytes": {"gpu": 3}}, {"parts_bytes": 3}]
)
def test_an_answer_that_makes_no_sense_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, change: dict[str, Any]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(simulation, "call", lambda *_, **__: ANSWER | change)
    with pytest.raises(TuiFtError, match="cannot be used"):
        simulation.simulate(assessed(), FOUND)


def test_more_than_one_gpu_is_not_simulated(asked: list[dict[str, Any]]) -> None:
    with pytest.raises(TuiFtError, match="one GPU"):
        simulation.simulate(assessed("hardware.gpus=2", "hardware.strategy=ddp"), FOUND)
    assert asked == []
