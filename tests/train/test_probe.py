"""The probe on a CPU with a GPU's counters behind its door: what it trains on, measures, says and leaves."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset
from fake_counters import FakeCounters

from tui_ft.errors import TuiFtError
from tui_ft.spec import overrides, toml
from tui_ft.spec.run_spec import RunSpec
from tui_ft.train import download, memory
from tui_ft.train.longest_rows import STEPS, Rows, longest_rows
from tui_ft.train.probe import AtOnce, probe
from tui_ft.train.stopping import StopRequested
from tui_ft.train.trainer import RunTrainer

# the libraries' own warnings are theirs to mend
pytestmark = [pytest.mark.train, pytest.mark.filterwarnings("default")]


def spec_of(*changes: str) -> RunSpec:
    return overrides.apply(
        RunSpec(), ["model.id=demo", "data.max_length=96", "training.batch_size=3", *changes]
    )


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[torch.Tensor]:
    """A GPU that is not there, temporary files in `tmp_path`; returns the batches that are trained on."""
    monkeypatch.setattr(memory, "counters", lambda device: FakeCounters())
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    batches: list[torch.Tensor] = []
    train = RunTrainer.training_step

    def note(self: RunTrainer, model: Any, inputs: dict[str, Any], *more: Any, **named: Any) -> Any:
        batches.append(inputs["input_ids"])
        return train(self, model, inputs, *more, **named)

    monkeypatch.setattr(RunTrainer, "training_step", note)
    return batches


def run(spec: RunSpec) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    told = io.StringIO()
    found = probe(spec, told, AtOnce())
    return found, [json.loads(line) for line in told.getvalue().splitlines()]


def test_it_makes_a_few_steps_and_an_evaluation_on_the_longest_rows(
    seen: list[torch.Tensor], tmp_path: Path
) -> None:
    found, told = run(spec_of("data.train=demo", "training.gradient_accumulation=8"))
    assert len(seen) == 6, "three steps of two micro-batches: a third would find what the second one found"
    assert {tuple(batch.shape) for batch in seen} == {(3, found["longest_row"])}
    assert {"loading model", "training", "evaluating"} <= set(found["phases"])
    assert (found["step"], found["ran_out"], found["is_evaluated"], found["is_made_up"]) == (
        3, None, True, False,
    )  # fmt: skip
    assert found["allocated_bytes"] == max(p["allocated_bytes"] for p in found["phases"].values())
    assert [line["step"] for line in told][:4] == [
        "loading libraries", "preparing data", "loading model", "training",
    ]  # fmt: skip
    assert list(tmp_path.iterdir()) == [], "nothing is left behind"
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize("kind", ["qlora", "full", "last_layers"])
def test_every_method_without_data_on_rows_as_long_as_they_may_be(
    seen: list[torch.Tensor], kind: str
) -> None:
    found, _ = run(spec_of(f"method.kind={kind}"))
    assert {tuple(batch.shape) for batch in seen} == {(3, 96)}
    assert (found["longest_row"], found["is_made_up"]) == (96, True)


def test_running_out_of_memory_is_an_answer(
    seen: list[torch.Tensor], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    monkeypatch.setattr(RunTrainer, "compute_loss", full)
    found, _ = run(spec_of("data.train=demo"))
    assert "Tried to allocate 2.00 GiB" in found["ran_out"]
    assert found["phase"] == "training"
    assert found["allocated_bytes"] > 0
    assert list(tmp_path.iterdir()) == []


def test_any_other_failure_is_told_and_leaves_nothing(
    seen: list[torch.Tensor], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(RunTrainer, "compute_loss", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run(spec_of("data.train=demo"))
    assert list(tmp_path.iterdir()) == []


def test_a_stop_is_obeyed_at_once_also_between_two_steps(
    seen: list[torch.Tensor], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stop = AtOnce()

    def stopped(self: RunTrainer, *_: Any, **__: Any) -> None:
        stop._on_signal(15, None)

    monkeypatch.setattr(RunTrainer, "compute_loss", stopped)
    with pytest.raises(StopRequested):
        probe(spec_of("data.train=demo"), io.StringIO(), stop)
    assert list(tmp_path.iterdir()) == []


def test_weights_that_are_not_here_are_not_fetched(seen: list[torch.Tensor]) -> None:
    with pytest.raises(TuiFtError, match=r"not here yet.*`hf download nobody/nothing`"):
        run(spec_of("model.id=nobody/nothing", "data.train=demo"))


def test_weights_are_here_when_every_part_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda *_, **__: str(tmp_path))
    assert not download.is_here("org/name", None)
    index = {"metadata": {}, "weight_map": {"a.weight": "one.safetensors", "b.weight": "two.safetensors"}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    (tmp_path / "one.safetensors").touch()
    assert not download.is_here("org/name", None)
    (tmp_path / "two.safetensors").touch()
    assert download.is_here("org/name", None)


def test_without_a_gpu_it_says_so(tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    request = json.dumps({"schema": 1, "spec": toml.dumps(spec_of())})
    done = subprocess.run(
        [sys.executable, "-m", "tui_ft.train.probe"],
        input=request, capture_output=True, text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    last = json.loads(done.stderr.splitlines()[-1])
    assert last["error"] == "A probe needs a GPU, and torch sees none here."
    assert list(tmp_path.iterdir()) == []


def rows(*lengths: int) -> Dataset:
    return Dataset.from_dict({"input_ids": [[1] * n for n in lengths], "labels": [[1] * n for n in lengths]})


def of(found: Dataset | None) -> list[int]:
    return [len(row["input_ids"]) for row in found] if found is not None else []


def test_the_longest_rows_and_the_longest_among_shorter_ones_each_end_a_step() -> None:
    found = longest_rows(Rows(train=rows(3, 9, 5, 9, 9, 1), eval=rows(2, 7, 7)), batch_size=2, accumulation=1,
                         packed_length=None)  # fmt: skip
    assert of(found.train) == [9, 5, 9, 9, 9, 5], "the longest row, with one that needs padding, and without"
    assert of(found.eval) == [7, 2, 7, 7]
    found = longest_rows(Rows(train=rows(3, 9, 9), eval=None), batch_size=2, accumulation=3,
                         packed_length=None)  # fmt: skip
    full, padded = [9, 9], [9, 3]
    assert of(found.train) == [*full, *full, *padded, *padded, *padded, *full, *full, *full, *padded]
    assert found.eval is None


@pytest.mark.parametrize(("lengths", "batch"), [((3, 4), [4, 3, 3]), ((4, 4), [4, 4, 4]), ((4,), [4, 4, 4])])
def test_a_batch_is_filled_up_where_rows_are_few(lengths: tuple[int, ...], batch: list[int]) -> None:
    found = longest_rows(Rows(train=rows(*lengths), eval=None), batch_size=3, accumulation=1,
                         packed_length=None)  # fmt: skip
    assert of(found.train)[:3] == batch
    assert len(found.train) == 3 * STEPS


def test_packs_are_filled_with_room_to_spare() -> None:
    found = longest_rows(Rows(train=rows(3, 9), eval=None), batch_size=2, accumulation=2, packed_length=10)
    assert sum(of(found.train)) >= 2 * 4 * STEPS * 10
