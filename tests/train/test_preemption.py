"""A signal in every phase: obeyed at once, nothing lost, and what goes on is what would have been."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from disturbing import around, micro_batch, terminate
from training import add_attempt, events, metrics, steps
from trl import SFTTrainer

from tui_ft.runs import directory
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.records import RequestRecord
from tui_ft.runs.requests import put_request
from tui_ft.train import model, result, samples, session
from tui_ft.train.entry import run_attempt
from tui_ft.train.trainer import RunTrainer

pytestmark = [pytest.mark.train, pytest.mark.filterwarnings("default")]

TOTAL = 5
CHANGES = (
    "training.learning_rate=0.003", f"training.max_steps={TOTAL}", "training.gradient_accumulation=3",
    "method.dropout=0.1", "data.limit=14", "data.eval_fraction=0.1", "evaluation.every_steps=2",
    "evaluation.prompts=[\"Hello!\"]", "checkpoints.every_steps=4",
)  # fmt: skip
"""Fourteen rows in batches of two, three a step: the third step is an epoch's last, of one batch."""

Disturbance = Callable[[], AbstractContextManager[Any]]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunDirectory]:
    run = laid_out(tmp_path_factory.mktemp("undisturbed"))
    before = signal.getsignal(signal.SIGTERM)
    assert run_attempt(run.path, 1) == 0
    signal.signal(signal.SIGTERM, before)
    yield run


def laid_out(folder: Path, *changes: str) -> RunDirectory:
    run = directory.create(folder, "test")
    add_attempt(run, 1, *CHANGES, *changes)
    return run


def curve(run: RunDirectory) -> list[tuple[Any, ...]]:
    keys = ("step", "loss", "grad_norm", "learning_rate", "tokens", "entropy", "mean_token_accuracy")
    return [tuple(row[key] for key in keys) for row in steps(run)]


def evaluations(run: RunDirectory) -> list[tuple[Any, ...]]:
    return [(row["step"], row["eval_loss"]) for row in metrics(run) if "eval_loss" in row]


def weights(run: RunDirectory) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(run.result.glob("*.safetensors"))}


def in_save(act: Callable[[], None]) -> AbstractContextManager[Any]:
    return around(SFTTrainer, "_save_checkpoint", at=1, before=act)


@contextmanager
def swallowed() -> Iterator[None]:
    """A library catches what the signal raised, as a destructor or a callback from C would."""

    def act() -> None:
        try:
            terminate()
        except BaseException:  # noqa: BLE001 - as some library would
            return

    with micro_batch(5, act):
        yield


PLACES: dict[str, tuple[Disturbance, int]] = {
    "a forward pass": (lambda: micro_batch(5, terminate), 1),
    "the first step of an epoch": (lambda: micro_batch(8, terminate), 3),
    "the fetching of batches": (
        lambda: around(SFTTrainer, "_get_num_items_in_batch", at=3, before=terminate),
        2,
    ),
    "the clipping": (lambda: around(SFTTrainer, "_clip_grad_norm", at=4, after=terminate), 3),
    "the update": (lambda: around(torch.optim.AdamW, "step", at=4, before=terminate), 4),
    "an evaluation": (lambda: around(SFTTrainer, "prediction_step", at=1, before=terminate), 2),
    "a save": (lambda: in_save(terminate), 4),
    "a step, but a library swallows it": (swallowed, 1),
}


@pytest.mark.parametrize("place", PLACES)
def test_what_goes_on_is_what_would_have_been(place: str, undisturbed: RunDirectory, tmp_path: Path) -> None:
    disturbance, step = PLACES[place]
    run = laid_out(tmp_path)
    with disturbance():
        assert run_attempt(run.path, 1) == 0
    end = events(run, "end")[-1]
    assert (end["cause"], end["step"]) == ("stopped", step), end["message"]
    assert run.list_checkpoints()[0][0] == step
    assert f"Stopped at step {step} of {TOTAL}; its checkpoint" in end["message"]
    assert [row["step"] for row in steps(run)] == list(range(1, step + 1))

    add_attempt(run, 2, *CHANGES)
    assert run_attempt(run.path, 2) == 0
    assert curve(run) == curve(undisturbed)
    assert evaluations(run) == evaluations(undisturbed)
    assert weights(run) == weights(undisturbed)


def test_a_signal_while_the_libraries_are_loaded_is_obeyed_at_once(tmp_path: Path) -> None:
    run = laid_out(tmp_path)
    command = [sys.executable, "-m", "tui_ft.train", "run", str(run.path), "--attempt", "1"]
    trainer = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while not (run.events.exists() and events(run, "phase")) and time.monotonic() < deadline:
            time.sleep(0.01)
        trainer.terminate()
        assert trainer.wait(30) == 0
    finally:
        trainer.kill()
        trainer.wait()
    assert [row["phase"] for row in events(run, "phase")] == ["loading libraries"]
    assert events(run, "end")[-1]["cause"] == "stopped"


def test_packed_rows_in_the_middle_of_a_step_too(tmp_path: Path) -> None:
    packed = ("data.packing=true", "data.max_length=128", "data.limit=40")
    whole, cut = laid_out(tmp_path / "whole", *packed), laid_out(tmp_path / "cut", *packed)
    assert run_attempt(whole.path, 1) == 0
    with micro_batch(7, terminate):
        assert run_attempt(cut.path, 1) == 0
    assert 0 < events(cut, "end")[-1]["step"] < TOTAL
    add_attempt(cut, 2, *CHANGES, *packed)
    assert run_attempt(cut.path, 2) == 0
    assert curve(cut) == curve(whole)
    assert weights(cut) == weights(whole)


def test_a_step_that_is_saved_already_is_not_saved_again(tmp_path: Path) -> None:
    run = laid_out(tmp_path, "checkpoints.every_steps=2")
    with micro_batch(7, terminate):
        run_attempt(run.path, 1)
    assert [row["step"] for row in events(run, "checkpoint")] == [2]
    assert events(run, "end")[-1]["step"] == 2


BEFORE = {
    "the model is loaded": (session, "load_model"),
    "the data is prepared": (session, "prepare"),
    "the first answers are given": (samples, "answer"),
    "the trainer is put together": (session, "assemble"),
    "the optimizer is made": (RunTrainer, "create_optimizer"),
    "the first step": (SFTTrainer, "compute_loss"),
}


@pytest.mark.parametrize("place", BEFORE)
def test_before_the_first_update_there_is_nothing_to_save(place: str, tmp_path: Path) -> None:
    run = laid_out(tmp_path)
    with around(*BEFORE[place], at=1, before=terminate):
        assert run_attempt(run.path, 1) == 0
    end = events(run, "end")[-1]
    assert (end["cause"], end["step"]) == ("stopped", 0)
    assert "nothing to save" in end["message"]
    assert run.list_checkpoints() == []


@pytest.mark.parametrize("place", ["the last answers", "the result"])
def test_when_every_step_is_made_the_result_is_still_written(place: str, tmp_path: Path) -> None:
    run = laid_out(tmp_path, "training.max_steps=1")
    at = (samples, "answer", 2) if place == "the last answers" else (result, "save", 1)
    with around(at[0], at[1], at=at[2], before=terminate):
        assert run_attempt(run.path, 1) == 0
    assert events(run, "end")[-1]["cause"] == "finished"
    assert weights(run)


def test_a_stop_by_file_needs_no_supervisor_in_the_middle_of_a_long_step(tmp_path: Path) -> None:
    """Nobody passes it on as a signal: the trainer itself looks for it while it is at work."""
    run = laid_out(tmp_path, "training.gradient_accumulation=4000")
    with micro_batch(5, lambda: put_request(run, RequestRecord(request="stop", time=1.0, by="a friend"))):
        began = time.monotonic()
        assert run_attempt(run.path, 1) == 0
    assert time.monotonic() - began < 20
    assert events(run, "end")[-1]["cause"] == "stopped"
    assert [(row["request"], row["by"]) for row in events(run, "request")] == [("stop", "a friend")]
    assert not run.request("stop").exists()


def test_an_error_in_the_middle_of_a_step_loses_no_step(undisturbed: RunDirectory, tmp_path: Path) -> None:
    """What was trained so far is saved before the error ends the run: memory that ran out at step 3."""

    def no_memory() -> None:
        raise torch.OutOfMemoryError(
            "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 23.64 GiB of "
            "which 1.19 GiB is free. Including non-PyTorch memory, this process has 22.44 GiB memory in use."
        )

    run = laid_out(tmp_path)
    with micro_batch(7, no_memory):
        assert run_attempt(run.path, 1) == 1
    end, trouble = events(run, "end")[-1], events(run, "warning")[-1]
    assert end["cause"] == "cuda_oom"
    assert (trouble["code"], trouble["step"], trouble["evidence"]["phase"]) == ("cuda_oom", 2, "training")
    assert trouble["evidence"]["asked_gib"] == 2.0
    assert run.list_checkpoints()[0][0] == 2
    add_attempt(run, 2, *CHANGES)
    assert run_attempt(run.path, 2) == 0
    assert curve(run) == curve(undisturbed)
    assert weights(run) == weights(undisturbed)


def test_memory_that_runs_out_in_an_evaluation_is_told_apart_and_survived(tmp_path: Path) -> None:
    def no_memory() -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 3.00 GiB.")

    run = laid_out(tmp_path, "training.max_steps=2")
    with around(SFTTrainer, "prediction_step", at=1, before=no_memory):
        assert run_attempt(run.path, 1) == 0
    trouble = events(run, "warning")[-1]
    assert (trouble["code"], trouble["step"]) == ("eval_oom", 2)
    assert trouble["evidence"]["phase"] == "evaluating"
    assert [step for step, _ in evaluations(run)] == [2]

    again = laid_out(tmp_path / "again", "training.max_steps=2", "training.batch_size=1")
    with around(SFTTrainer, "prediction_step", at=1, before=no_memory):
        assert run_attempt(again.path, 1) == 1  # it cannot be done with less
    assert [row["code"] for row in events(again, "warning")] == ["eval_oom"]
    assert again.list_checkpoints()[0][0] == 2


def test_a_signal_to_the_group_that_ends_the_loaders_first_is_a_stop(tmp_path: Path) -> None:
    def die() -> None:
        threading.Timer(0.2, lambda: os.kill(os.getpid(), signal.SIGTERM)).start()
        raise RuntimeError("DataLoader worker (pid 4711) is killed by signal: Terminated. ")

    run = laid_out(tmp_path)
    with micro_batch(7, die):
        assert run_attempt(run.path, 1) == 0
    assert (events(run, "end")[-1]["cause"], run.list_checkpoints()[0][0]) == ("stopped", 2)


def test_a_signal_while_something_else_goes_wrong_still_has_a_last_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = laid_out(tmp_path)

    def broken(*_: Any) -> None:
        raise ValueError("broken")

    monkeypatch.setattr(model, "load_model", broken)
    monkeypatch.setattr(session, "load_model", broken)
    with ExitStack() as stack:
        stack.enter_context(around(session, "load_model", at=1, before=terminate))
        assert run_attempt(run.path, 1) == 0
    assert events(run, "end")[-1]["cause"] == "stopped"
