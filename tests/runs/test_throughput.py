"""The speed of earlier runs: found by model, method and GPU, and never from something else."""

from __future__ import annotations

from pathlib import Path

import pytest
from synthetic_run import SyntheticRun

from tui_ft.atomic import write_atomically
from tui_ft.runs import throughput
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.records import encode_document
from tui_ft.runs.throughput import EarlierRuns
from tui_ft.spec import overrides, toml
from tui_ft.spec.display import method_label
from tui_ft.spec.run_spec import DataSection, ModelSection, RunSpec

SPEC = RunSpec(model=ModelSection(id="demo"), data=DataSection(train="demo"))


def a_run(
    root: Path, spec: RunSpec = SPEC, *, gpu: str | None = None, steps: int = 40, rate: float = 2000.0
) -> RunDirectory:
    """A run of `spec` with steps at `rate` tokens a second."""
    with SyntheticRun(root, total_steps=steps) as run:
        run.begin_training()
        run.advance(steps, tokens_per_s=rate)
        run.set_state("finished", method=method_label(spec))
        attempt = run.run.attempt(1)
        attempt.path.mkdir(parents=True, exist_ok=True)
        attempt.spec.write_text(toml.dumps(spec))
        facts = {"device": "cpu"} if gpu is None else {"device": "cuda:0", "gpu": {"name": gpu}}
        write_atomically(attempt.environment, encode_document(facts))
        return run.run


def test_the_newest_run_like_it_says_how_fast(tmp_path: Path) -> None:
    run = a_run(tmp_path)
    found = EarlierRuns(tmp_path).find(SPEC, None)
    assert found is not None
    assert found.run == run.id and found.is_same and found.gpu == ""
    assert found.tokens_per_s == pytest.approx(2000.0) and found.steps >= 10


def test_another_gpu_or_method_says_nothing_other_settings_only_alike(tmp_path: Path) -> None:
    a_run(tmp_path)
    runs = EarlierRuns(tmp_path)
    assert runs.find(SPEC, "NVIDIA H200") is None
    assert runs.find(overrides.apply(SPEC, ["method.kind=full"]), None) is None
    assert runs.find(overrides.apply(SPEC, ["model.id=/somewhere/demo"]), None) is None
    alike = runs.find(overrides.apply(SPEC, ["training.batch_size=8"]), None)
    assert alike is not None and not alike.is_same
    assert runs.find(overrides.apply(SPEC, ["method.rank=64"]), None) is not None
    same = runs.find(overrides.apply(SPEC, ["training.learning_rate=1e-5", "training.epochs=9"]), None)
    assert same is not None and same.is_same, "speed does not depend on these"


def test_one_with_the_same_settings_goes_before_a_newer_one(tmp_path: Path) -> None:
    a_run(tmp_path, gpu="NVIDIA H200", rate=500.0)
    a_run(tmp_path, overrides.apply(SPEC, ["training.batch_size=8"]), gpu="NVIDIA H200", rate=900.0)
    found = EarlierRuns(tmp_path).find(SPEC, "NVIDIA H200")
    assert found is not None and found.is_same and found.tokens_per_s == pytest.approx(500.0)


def test_few_steps_and_damaged_runs_say_nothing(tmp_path: Path) -> None:
    short = a_run(tmp_path, steps=8)
    assert EarlierRuns(tmp_path).find(SPEC, None) is None
    whole = a_run(tmp_path)
    for path, content in (
        (short.metrics, b"\xff\x00{"),
        (short.attempt(1).environment, b"[1]"),
        (short.state, b"{"),
    ):
        path.write_bytes(content)
    found = EarlierRuns(tmp_path).find(SPEC, None)
    assert found is not None and found.run == whole.id
    whole.attempt(1).spec.write_text("no spec")
    assert EarlierRuns(tmp_path).find(SPEC, None) is None
    assert EarlierRuns(tmp_path / "nowhere").find(SPEC, None) is None


def test_a_row_without_a_finite_rate_is_left_out(tmp_path: Path) -> None:
    with SyntheticRun(tmp_path, total_steps=40) as run:
        run.begin_training()
        run.advance(20, tokens_per_s=1000.0)
        run.advance(5, tokens_per_s="NaN")
        run.set_state("finished")
        attempt = run.run.attempt(1)
        attempt.path.mkdir(parents=True)
        attempt.spec.write_text(toml.dumps(SPEC))
        write_atomically(attempt.environment, encode_document({"device": "cpu"}))
    found = EarlierRuns(tmp_path).find(SPEC, None)
    assert found is not None and found.tokens_per_s == pytest.approx(1000.0)


def test_of_very_many_runs_only_the_newest_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(4):
        a_run(tmp_path, overrides.apply(SPEC, ["training.batch_size=8"]))
    monkeypatch.setattr(throughput, "MOST_LOOKED_AT", 3)
    runs = EarlierRuns(tmp_path)
    assert runs.find(SPEC, None) is not None
    assert len(runs._speeds) == 3
