"""Whether a preset could start now, and with which lesser settings it fits."""

from __future__ import annotations

from pathlib import Path

import pytest
from hardware.fake_nvml import FakeNvml
from method_world import device, no_gpu

from tui_ft.hardware.gpu import GpuReading, read_gpus
from tui_ft.runs.readiness import readiness
from tui_ft.spec import overrides
from tui_ft.spec.presets import find_preset
from tui_ft.spec.run_spec import RunSpec


def reading(nvml: FakeNvml) -> GpuReading:
    return read_gpus(nvml)


def preset(name: str, *changes: str) -> RunSpec:
    return overrides.apply(find_preset(name, Path("/nowhere")).spec, changes)


def test_the_demo_is_ready_anywhere() -> None:
    found = readiness(preset("demo"), reading(no_gpu()))
    assert found.is_ready
    assert found.verdict == "unknown"
    assert found.unknown


def test_a_preset_without_data_is_asked_for_it_later() -> None:
    assert readiness(preset("qlora-8b-24gb"), GpuReading(())).problems == ()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("data.train=/nowhere/rows.jsonl", "no data file"),
        ("data.eval=/nowhere/rows.jsonl", "no data file"),
        ("model.id=/nowhere/model", "no model folder"),
        ("objective.kind=dpo", "dpo"),
    ],
)
def test_what_is_gone_is_said_with_a_remedy(change: str, says: str) -> None:
    found = readiness(preset("demo", change), GpuReading(()))
    assert not found.is_ready
    assert says in found.problems[0]


def test_every_problem_is_said_at_once() -> None:
    found = readiness(preset("demo", "data.train=/nowhere.jsonl", "model.id=/nowhere/model"), GpuReading(()))
    assert len(found.problems) == 2


def test_what_does_not_fit_comes_with_settings_that_do() -> None:
    spec, box = preset("lora-8b-80gb"), reading(FakeNvml(device(0, "GeForce RTX 4090", 23.99, 23.2)))
    found = readiness(spec, box)
    assert (found.verdict, found.is_ready, found.problems) == ("does_not_fit", False, ())
    assert found.needed_bytes is not None
    assert found.free_bytes is not None
    assert found.needed_bytes > found.free_bytes
    assert found.step_downs
    for step in found.step_downs:
        lesser = readiness(overrides.apply(spec, step.overrides), box)
        assert (lesser.verdict, lesser.needed_bytes) == ("fits", step.needed_bytes)


def test_a_large_gpu_needs_no_step_down() -> None:
    found = readiness(preset("lora-8b-80gb"), reading(FakeNvml(device(0, "H100", 79.6, 79.0))))
    assert found.is_ready
    assert (found.verdict, found.step_downs) == ("fits", ())
