"""What launch foresees: written beside the spec, with its reason where there is none, never in the way."""

from __future__ import annotations

import time
from pathlib import Path
from unittest.mock import ANY

import pytest
from msgspec.structs import replace
from synthetic_run import SyntheticRun

from tui_ft.hardware.gpu import Gpu, GpuReading
from tui_ft.runs import choosing, prediction
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.records import EndEvent, PredictionRecord
from tui_ft.spec import overrides, toml
from tui_ft.spec.run_spec import RunSpec
from tui_ft.vram import calibration, find_model
from tui_ft.vram.calibration import Measured

GIB = 1 << 30
L4 = Gpu(
    index=0, uuid="GPU-l4", name="NVIDIA L4", total_bytes=24 * GIB, free_bytes=20 * GIB,
    used_bytes=4 * GIB, compute_capability=(8, 9),
)  # fmt: skip
READING = GpuReading((L4,), driver="570.86")


@pytest.fixture(autouse=True)
def nothing_measured_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What this machine's own runs took must not correct the numbers of a test."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def spec_of(*changes: str) -> RunSpec:
    return overrides.apply(RunSpec(), ["model.id=Qwen/Qwen3-8B", "data.train=demo", *changes])


def test_the_prediction_is_that_of_the_gpu_which_the_run_gets() -> None:
    made = prediction.predict(spec_of("method.kind=qlora"), ["GPU-l4"], READING)
    assert made.problem is None
    assert (made.gpu, made.total_bytes, made.free_bytes) == ("NVIDIA L4", 24 * GIB, 20 * GIB)
    assert sum(made.parts_bytes.values()) == made.allocated_bytes
    assert made.low_bytes < made.needed_bytes <= made.high_bytes
    assert made.verdict == "fits"
    assert (made.method, made.capability) == ("qlora", "8.9")
    assert made.parameters == 8_190_735_360


@pytest.mark.parametrize(
    ("model", "gpus", "says"),
    [
        ("Qwen/Qwen3-8B", [], prediction.NO_GPU),
        ("nobody/nothing", ["GPU-l4"], "nobody/nothing is no folder"),
        ("Qwen/Qwen3-8B max", ["GPU-l4"], "reads at most 40960 tokens"),
        ("", ["GPU-l4"], "No model is named."),
    ],
)
def test_where_no_number_can_be_given_the_reason_is(model: str, gpus: list[str], says: str) -> None:
    name, _, is_long = model.partition(" ")
    spec = (
        spec_of(f"model.id={name}", f"data.max_length={50_000 if is_long else 2048}") if name else RunSpec()
    )
    made = prediction.predict(spec, gpus, READING)
    assert says in (made.problem or "")
    assert made.allocated_bytes is made.needed_bytes is made.seq_length is None
    assert made.verdict == "unknown"
    assert made.gpu == ("NVIDIA L4" if gpus else None)


def test_a_fault_of_the_estimate_is_a_reason_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(find_model, "find_shape", lambda *_, **__: 1 / 0)
    made = prediction.predict(spec_of(), ["GPU-l4"], READING)
    assert made.problem == "The estimate failed: ZeroDivisionError: division by zero"


def test_shorter_rows_need_no_more(tmp_path: Path) -> None:
    spec = spec_of()
    attempt = RunDirectory(tmp_path).attempt(1)
    attempt.path.mkdir(parents=True)
    attempt.spec.write_text(toml.dumps(spec))
    made = prediction.write(attempt, spec, ["GPU-l4"], READING)
    assert made is not None
    assert prediction.read(attempt) == made
    again = prediction.again(attempt, made, 200)
    assert again is not None
    assert (again.seq_length, again.capability) == (200, "8.9")
    assert again.allocated_bytes < made.allocated_bytes
    same = prediction.again(attempt, made, 10**6)
    assert same == made, "rows are cut at data.max_length"
    attempt.spec.unlink()
    assert prediction.again(attempt, made, 200) is None


def test_a_run_does_not_correct_what_was_said_of_itself(tmp_path: Path) -> None:
    spec = spec_of()
    attempt = RunDirectory(tmp_path).attempt(1)
    attempt.path.mkdir(parents=True)
    attempt.spec.write_text(toml.dumps(spec))
    made = prediction.predict(spec, ["GPU-l4"], READING)
    before = prediction.again(attempt, made, 200)
    calibration.add(
        [Measured(run="a/1", gpu="NVIDIA L4", allocated_bytes=GIB, reserved_bytes=2 * GIB, context_bytes=GIB)]
    )
    assert prediction.predict(spec, ["GPU-l4"], READING).context_bytes == GIB
    assert before is not None
    assert prediction.again(attempt, made, 200) == replace(before, notes=ANY)


def test_what_is_no_prediction_is_none(tmp_path: Path) -> None:
    attempt = RunDirectory(tmp_path).attempt(1)
    assert prediction.read(attempt) is None
    attempt.path.mkdir(parents=True)
    attempt.prediction.write_bytes(b"{torn")
    assert prediction.read(attempt) is None


def test_a_full_disk_keeps_no_run_from_starting(tmp_path: Path) -> None:
    assert prediction.write(RunDirectory(tmp_path / "gone").attempt(1), spec_of(), [], READING) is None


def test_every_attempt_of_a_launched_run_has_its_prediction(bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "read_gpus", lambda: READING)
    run = bench.start("steps=2", until="finished")
    made = prediction.read(run.attempt(1))
    assert made is not None
    # the folder of these tests is no real model: a run starts without a number
    assert made.allocated_bytes is None
    assert made.problem
    assert made.gpu == "NVIDIA L4"
    assert run.attempt(1).prediction.stat().st_mode & 0o777 == 0o600


def test_what_earlier_runs_took_is_gathered_before(bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "read_gpus", lambda: READING)
    with SyntheticRun(bench.root, total_steps=4) as earlier:
        earlier.measure()
        earlier.event(EndEvent(time=earlier.now, cause="finished", message="m", step=4))
    bench.start("steps=2", until="finished")
    assert [row.run for row in calibration.read()] == [f"{earlier.run.id}/1"]


def test_a_run_on_a_cpu_says_that_nothing_is_predicted(bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "read_gpus", lambda: GpuReading((), "No NVIDIA driver is installed here."))
    run = bench.start("steps=2", until="finished")
    made = prediction.read(run.attempt(1))
    assert made == PredictionRecord(time=made.time, problem=prediction.NO_GPU)


def test_launch_is_hardly_slower_for_it() -> None:
    spec = spec_of()
    prediction.predict(spec, ["GPU-l4"], READING)  # imports, and the catalogue
    began = time.process_time()
    for _ in range(10):
        prediction.predict(spec, ["GPU-l4"], READING)
    assert (time.process_time() - began) / 10 < 0.05
