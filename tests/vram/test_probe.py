"""The probe's door: refused without a GPU, pinned to the one chosen, its answer beside the prediction."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tui_ft.errors import TuiFtError
from tui_ft.hardware.gpu import Gpu, GpuReading
from tui_ft.spec import overrides, toml
from tui_ft.spec.run_spec import RunSpec
from tui_ft.vram import probe
from tui_ft.vram.assess import Assessment, assess
from tui_ft.vram.find_model import find_shape
from tui_ft.vram.probe import Probed
from tui_ft.vram.verdict import judge

GIB = 1 << 30
L4 = Gpu(
    index=0, uuid="GPU-l4", name="NVIDIA L4", total_bytes=24 * GIB, free_bytes=20 * GIB,
    compute_capability=(8, 9),
)  # fmt: skip
ANSWER: dict[str, Any] = {
    "schema": 1, "step": 2, "allocated_bytes": 9 * GIB, "reserved_bytes": 10 * GIB, "phase": "training",
    "phases": {"training": {"allocated_bytes": 9 * GIB, "reserved_bytes": 10 * GIB}},
    "context_bytes": GIB // 2, "longest_row": 700, "ran_out": None, "batch_size": 4,
    "gradient_accumulation": 2, "is_evaluated": True, "is_made_up": False, "seconds": 31.5,
    "gpu": "NVIDIA L4", "versions": {"torch": "2.13.0"},
}  # fmt: skip


@pytest.fixture(autouse=True)
def nothing_measured_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def assessed(*gpus: Gpu, problem: str | None = None, **options: Any) -> Assessment:
    spec = overrides.apply(RunSpec(), ["model.id=Qwen/Qwen3-8B", "method.kind=qlora"])
    return assess(spec, find_shape("Qwen/Qwen3-8B"), GpuReading(gpus, problem), **options)


def stand_in(folder: Path, answer: dict[str, Any]) -> list[str]:
    """A command in place of the interpreter, which notes what it was given."""
    script = folder / "stand_in.py"
    script.write_text(
        "import json, os, pathlib, sys\n"
        f"pathlib.Path({str(folder / 'asked')!r}).write_text(json.dumps([json.load(sys.stdin), "
        "os.environ['CUDA_VISIBLE_DEVICES'], os.environ['TMPDIR']]))\n"
        "pathlib.Path(os.environ['TMPDIR'], 'left').touch()\n"
        f"print({json.dumps(answer)!r})\n"
    )
    return [sys.executable, str(script)]


@pytest.mark.parametrize(
    ("assessment", "says"),
    [
        (
            lambda: assessed(problem="No NVIDIA driver is installed here."),
            "there is none here. No NVIDIA driver",
        ),
        (lambda: assessed(gpu_memory_bytes=24 * GIB), "pretended"),
    ],
)
def test_without_a_gpu_nothing_is_started(assessment: Any, says: str) -> None:
    with pytest.raises(TuiFtError) as raised:
        probe.run(assessment(), command=["/no/such/interpreter"])
    assert says in raised.value.message
    assert raised.value.exit_code == 2


def test_it_asks_for_the_spec_on_the_chosen_gpu_and_leaves_nothing(tmp_path: Path) -> None:
    assessment = assessed(L4)
    found = probe.run(assessment, command=stand_in(tmp_path, ANSWER))
    asked, visible, folder = json.loads((tmp_path / "asked").read_text())
    assert toml.loads(asked["spec"]) == assessment.spec
    assert visible == "GPU-l4"
    assert not Path(folder).exists()
    assert (found.allocated_bytes, found.longest_row) == (9 * GIB, 700)


def test_an_answer_that_is_none_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(TuiFtError, match="The probe's answer cannot be used"):
        probe.run(assessed(L4), command=stand_in(tmp_path, {"allocated_bytes": "much"}))


def probed(**changes: Any) -> Probed:
    return msgspec.convert(ANSWER | changes, Probed)


def test_measured_numbers_take_the_place_of_the_predicted_ones() -> None:
    predicted = assessed(L4).estimate
    measured = probe.as_estimate(probed(), predicted, 20 * GIB)
    assert measured.allocated_bytes == sum(asdict(measured.parts).values()) == 9 * GIB
    assert min(asdict(measured.parts).values()) >= 0
    assert measured.low_bytes == 9 * GIB + GIB // 2
    assert measured.nvidia_smi_bytes == measured.high_bytes == 10 * GIB + GIB // 2
    assert measured.low_bytes <= measured.needed_bytes <= measured.high_bytes
    assert (measured.basis, measured.peak_phase) == ("measured", "training")
    assert "700 tokens" in measured.notes[0]
    assert judge(measured, 20 * GIB) == "fits"


@pytest.mark.parametrize("allocated", [GIB, 3 * GIB, 40 * GIB])
def test_the_parts_add_up_whatever_was_measured(allocated: int) -> None:
    measured = probe.as_estimate(
        probed(allocated_bytes=allocated, reserved_bytes=allocated), assessed(L4).estimate, None
    )
    assert measured.allocated_bytes == allocated
    assert min(asdict(measured.parts).values()) >= 0


def test_running_out_means_that_it_does_not_fit_whatever_was_predicted() -> None:
    ran_out = probed(ran_out="CUDA out of memory.", allocated_bytes=5 * GIB, reserved_bytes=6 * GIB)
    predicted = assessed(L4).estimate
    measured = probe.as_estimate(ran_out, predicted, 20 * GIB)
    assert judge(measured, 20 * GIB) == "does_not_fit"
    assert measured.notes[1] == "It did not get through: CUDA out of memory."
    assert probe.error(ran_out, predicted) is None


def test_a_context_that_the_driver_hides_is_assumed_and_said() -> None:
    predicted = assessed(L4).estimate
    measured = probe.as_estimate(probed(context_bytes=None), predicted, 20 * GIB)
    assert measured.context_bytes == predicted.context_bytes
    assert any("assumption" in note for note in measured.notes)


def test_the_report_says_how_far_the_prediction_was_off() -> None:
    predicted = assessed(L4).estimate
    told = probe.as_json(probed(), predicted)
    json.dumps(told, allow_nan=False)
    assert told["error"] == pytest.approx(predicted.allocated_bytes / (9 * GIB) - 1, abs=1e-6)
    assert told["predicted_allocated_bytes"] == predicted.allocated_bytes
