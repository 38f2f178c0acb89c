"""Loading a base model: settings of its own that would only fail at the first save."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from disturbing import around, terminate
from training import MakeRun, add_attempt, events

from tui_ft.demo import paths as demo_paths
from tui_ft.errors import TuiFtError
from tui_ft.train import environment
from tui_ft.train.entry import run_attempt
from tui_ft.train.trainer import RunTrainer

pytestmark = [pytest.mark.train, pytest.mark.filterwarnings("default")]


def test_a_model_with_contradicting_generation_settings_can_be_saved(
    make_run: MakeRun, tmp_path: Path
) -> None:
    model = tmp_path / "model"
    shutil.copytree(demo_paths.model_folder(), model)
    (model / "generation_config.json").write_text('{"do_sample": false, "temperature": 0.6, "top_p": 0.9}')
    run = make_run(f"model.id={model}", "method.kind=full", "training.max_steps=1")
    assert run_attempt(run.path, 1) == 0, events(run, "end")


def test_a_stop_that_comes_with_the_last_step_costs_no_answer(make_run: MakeRun) -> None:
    """Not before it: a stop is obeyed at once while the libraries and the model are loaded."""
    run = make_run("training.max_steps=2")
    assert run_attempt(run.path, 1) == 0
    shutil.rmtree(run.result)
    add_attempt(run, 2, "training.max_steps=2")
    with around(RunTrainer, "_load_from_checkpoint", at=1, before=terminate):
        assert run_attempt(run.path, 2) == 0
    assert events(run, "end")[-1]["cause"] == "finished"
    assert len([s for s in events(run, "sample") if s["when"] == "after"]) == 6


def test_an_attempt_that_has_ended_is_not_made_again(
    make_run: MakeRun, capfd: pytest.CaptureFixture[str]
) -> None:
    """Its last word would be taken for that of the first one: of a finished run, that it failed."""
    run = make_run("training.max_steps=1")
    assert run_attempt(run.path, 1) == 0
    before = run.events.read_bytes()
    assert run_attempt(run.path, 1) == 2
    assert run.events.read_bytes() == before
    assert "Attempt 1 has ended already" in capfd.readouterr().err


def test_a_gpu_box_without_a_compiler_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("CC", raising=False)
    environment.require_compiler(torch.device("cpu"))
    with pytest.raises(TuiFtError, match="C compiler"):
        environment.require_compiler(torch.device("cuda"))
