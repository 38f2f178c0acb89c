"""Which checkpoints count as whole, which one is resumed from, and which are kept."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from tui_ft.errors import TuiFtError
from tui_ft.runs import directory
from tui_ft.runs.directory import CHECKPOINT_PREFIX, MANIFEST, RunDirectory
from tui_ft.train import checkpoints

FILES = {
    "adapter_model.safetensors": b"w" * 10,
    "optimizer.pt": b"o" * 20,
    "scheduler.pt": b"s",
    "rng_state.pth": b"r",
    "trainer_state.json": b'{"global_step": 3, "best_metric": NaN}',
}


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return directory.create(tmp_path, "checkpoints")


def save(run: RunDirectory, step: int, eval_loss: float | None = None) -> Path:
    folder = checkpoints.unfinished_folder(run, step) / f"{CHECKPOINT_PREFIX}{step}"
    folder.mkdir(parents=True)
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    checkpoints.finish(run, step, tokens=step * 100, eval_loss=eval_loss)
    return run.checkpoint(step)


def test_a_finished_checkpoint_has_its_name_and_a_manifest_of_its_files(run: RunDirectory) -> None:
    folder = save(run, 3)
    manifest = json.loads((folder / MANIFEST).read_text())
    assert manifest["files"] == {name: len(content) for name, content in FILES.items()}
    assert manifest["tokens"] == 300
    assert [path.name for path in run.checkpoints.iterdir()] == ["checkpoint-3"]


@pytest.mark.parametrize("missing", [*FILES])
def test_a_checkpoint_that_lacks_a_file_never_gets_its_name(run: RunDirectory, missing: str) -> None:
    folder = checkpoints.unfinished_folder(run, 3) / "checkpoint-3"
    folder.mkdir(parents=True)
    for name, content in FILES.items():
        if name != missing:
            (folder / name).write_bytes(content)
    with pytest.raises(TuiFtError):
        checkpoints.finish(run, 3, tokens=0, eval_loss=None)
    assert run.list_checkpoints() == []


@pytest.mark.parametrize("broken", [*FILES, MANIFEST])
@pytest.mark.parametrize("how", ["deleted", "cut"])
def test_a_broken_checkpoint_is_passed_over_for_the_newest_whole_one(
    run: RunDirectory, broken: str, how: str
) -> None:
    older, newer = save(run, 3), save(run, 6)
    path = newer / broken
    if how == "deleted":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[: -len(path.read_bytes()) // 2])
    chosen, rejected = checkpoints.choose(run)
    assert chosen == older
    assert [bad.path for bad in rejected] == [str(newer)]
    assert rejected[0].reason


def test_the_newest_is_newest_by_number_not_by_name(run: RunDirectory) -> None:
    save(run, 9)
    newest = save(run, 10)
    assert checkpoints.choose(run) == (newest, [])


def test_the_newest_and_the_best_are_kept(run: RunDirectory) -> None:
    for step, loss in ((2, 0.5), (4, 0.1), (6, 0.4), (8, 0.3), (10, None)):
        save(run, step, loss)
    removed = checkpoints.retire(run, keep=2)
    assert sorted(removed) == ["checkpoint-2", "checkpoint-6"]
    assert [step for step, _ in run.list_checkpoints()] == [10, 8, 4]


def test_a_state_with_infinite_numbers_in_its_log_is_whole(run: RunDirectory, monkeypatch: Any) -> None:
    """A scaler of fp16 gradients begins with steps whose gradient norm is infinite."""
    log = b'{"log_history": [{"grad_norm": Infinity}, {"grad_norm": -Infinity}, {"loss": NaN}]}'
    monkeypatch.setitem(FILES, "trainer_state.json", log)
    folder = save(run, 3)
    assert checkpoints.choose(run) == (folder, [])


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_an_eval_loss_that_is_not_finite_breaks_no_checkpoint(run: RunDirectory, loss: float) -> None:
    folder = save(run, 3, loss)
    assert checkpoints.choose(run) == (folder, [])
    assert checkpoints.read_manifest(folder).eval_loss is None


def test_a_broken_checkpoint_never_takes_the_place_of_a_whole_one(run: RunDirectory) -> None:
    save(run, 8)
    broken = save(run, 10)
    (broken / "optimizer.pt").unlink()
    resumed = save(run, 9)
    assert checkpoints.retire(run, keep=1) == ["checkpoint-8"]
    assert checkpoints.choose(run)[0] == resumed


def test_what_a_killed_trainer_left_half_written_is_swept_away(run: RunDirectory) -> None:
    whole = save(run, 3)
    half = checkpoints.unfinished_folder(run, 6)
    half.mkdir()
    (half / "optimizer.pt").write_bytes(b"half")
    checkpoints.sweep_unfinished(run)
    assert list(run.checkpoints.iterdir()) == [whole]
