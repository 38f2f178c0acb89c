"""`tui-ft estimate --exact` with the real simulation behind the door."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tui_ft.cli.main import main
from tui_ft.vram import simulation

pytestmark = pytest.mark.train


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def places(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def exact(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    code = main(["estimate", "--gpu-memory", "24", "--exact", "--json", *options])
    printed = capsys.readouterr()
    assert (code, printed.err) == (0, "")
    found: dict[str, Any] = json.loads(printed.out)
    return found


@pytest.mark.parametrize("method", ["full", "lora", "qlora"])
def test_the_trainer_is_simulated_and_the_formula_stands_beside_it(
    capsys: pytest.CaptureFixture[str], method: str
) -> None:
    found = exact(capsys, "--model", "smollm2-135m", "--method", method, "--seq-length", "512")
    assert found["basis"] == "simulated"
    assert sum(found["parts_bytes"].values()) == found["allocated_bytes"]
    assert min(found["parts_bytes"].values()) >= 0
    assert found["low_bytes"] <= found["needed_bytes"] <= found["high_bytes"]
    assert found["needed_bytes"] >= found["allocated_bytes"] + found["context_bytes"]
    closed = found["closed_form"]
    assert found["trainable_parameters"] == closed["trainable_parameters"]
    assert found["allocated_bytes"] == pytest.approx(closed["allocated_bytes"], rel=0.05)


def test_a_second_time_it_is_known(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ("--model", "smollm2-135m", "--method", "lora", "--seq-length", "512")
    first = exact(capsys, *options)
    monkeypatch.setattr(simulation, "call", lambda *_, **__: pytest.fail("asked again"))
    began = time.process_time()
    assert exact(capsys, *options) == first
    assert time.process_time() - began < 5
