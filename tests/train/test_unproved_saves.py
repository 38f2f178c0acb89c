"""Saves that go wrong or have to wait, in a real training: what they cost, what is told and tried again."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from disturbing import micro_batch, spoiled
from training import MakeRun, events, metrics
from trl import SFTTrainer

from tui_ft.runs import checkpoints as proof
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.records import RequestRecord
from tui_ft.runs.requests import put_request
from tui_ft.train import best_saves, checkpoints, trainer
from tui_ft.train.disk_guard import DiskGuard, Need
from tui_ft.train.entry import run_attempt
from tui_ft.train.trainer import RunTrainer

pytestmark = [pytest.mark.train, pytest.mark.filterwarnings("default")]

FEW = ("data.limit=40", "data.eval_fraction=0", "checkpoints.every_steps=2", "checkpoints.keep=9")


def refused_once(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """The proof of the first checkpoint fails: the disk refuses a sync."""
    finish, calls = checkpoints.finish, 0

    def refusing(*args: Any, **kwargs: Any) -> proof.Manifest:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise OSError(number, os.strerror(number))
        return finish(*args, **kwargs)

    monkeypatch.setattr(checkpoints, "finish", refusing)


def broken() -> None:
    raise ValueError("the first error")


def told(run: RunDirectory) -> str:
    return " ".join(row["message"] for row in events(run, "warning") if row["code"] == "not_saved")


def saved(run: RunDirectory) -> list[int]:
    assert all(proof.verify(folder) is None for _, folder in run.list_checkpoints())
    return sorted(step for step, _ in run.list_checkpoints())


# --- what a save costs -----------------------------------------------------------------------------------


@pytest.mark.parametrize("refusals", [0, 1])
def test_an_hour_without_room_is_no_cost_of_a_save(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, refusals: int
) -> None:
    now = 0.0

    def takes(seconds: float) -> Callable[..., Any]:
        def pass_by(*_: Any, **__: Any) -> bool:
            nonlocal now
            now += seconds
            return True

        return pass_by

    def write(*_: Any) -> None:
        nonlocal now, refusals
        now += 2.0
        if refusals:
            refusals -= 1
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    made = RunTrainer.__new__(RunTrainer)
    made.state = SimpleNamespace(log_history=[])  # type: ignore[assignment]
    made.accelerator = SimpleNamespace(wait_for_everyone=lambda: None)
    made.run = RunDirectory(tmp_path)
    made._guard = SimpleNamespace(make_room=takes(3600.0))  # type: ignore[assignment]
    monkeypatch.setattr(RunTrainer, "_need", lambda self: Need(bytes=0, files=0))
    monkeypatch.setattr(RunTrainer, "_join_saver", takes(5.0))
    monkeypatch.setattr(RunTrainer, "_after_refusal", lambda self, error: takes(3600.0)())
    monkeypatch.setattr(SFTTrainer, "_save_checkpoint", write)
    monkeypatch.setattr(trainer, "time", SimpleNamespace(monotonic=lambda: now))
    began, blocked_s = made._write_checkpoint(torch.nn.Linear(1, 1), None, 3) or (0.0, 0.0)
    assert blocked_s == 7.0, "the proof of the one before, and the writing"
    assert began == now - 2.0


# --- a proof that fails ----------------------------------------------------------------------------------


def test_a_step_that_was_not_proved_is_saved_before_an_error_ends_the_run(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(*FEW)
    refused_once(monkeypatch, errno.EIO)
    with micro_batch(5, broken):  # in step 3
        assert run_attempt(run.path, 1) == 1
    assert "the first error" in events(run, "end")[-1]["message"]
    assert saved(run) == [2]
    assert os.strerror(errno.EIO) in told(run), "the second error is told too"


def test_an_update_that_breaks_hides_no_proof_that_failed(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There the weights are half moved, and nothing can be saved any more."""
    run, calls, step = make_run(*FEW), 0, torch.optim.AdamW.step
    refused_once(monkeypatch, errno.EIO)

    def breaking(self: Any, *args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 3:
            broken()
        return step(self, *args, **kwargs)

    monkeypatch.setattr(torch.optim.AdamW, "step", breaking)
    assert run_attempt(run.path, 1) == 1
    assert "the first error" in events(run, "end")[-1]["message"]
    assert (saved(run), os.strerror(errno.EIO) in told(run)) == ([], True)


def test_nothing_is_tried_again_in_the_middle_of_a_step(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The guard, which names the last good checkpoint, waits for the proof that has failed."""
    run, whole = make_run(*FEW, "training.max_steps=4"), RunTrainer._save_checkpoint
    refused_once(monkeypatch, errno.ENOSPC)
    places = []

    def seen(self: RunTrainer, *args: Any) -> None:
        places.append((self.state.global_step, self.follower.in_step))
        whole(self, *args)

    monkeypatch.setattr(RunTrainer, "_save_checkpoint", seen)
    with spoiled(5):
        assert run_attempt(run.path, 1) == 0
    assert places == [(2, False), (3, False), (4, False)]
    assert saved(run) == [3, 4]


def test_weights_that_are_no_numbers_are_not_saved_in_place_of_what_was_not_proved(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, calls, step = make_run(*FEW), 0, torch.optim.AdamW.step
    refused_once(monkeypatch, errno.ENOSPC)

    def poisoning(self: Any, *args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        done = step(self, *args, **kwargs)
        if calls == 3:
            self.param_groups[0]["params"][0].data.fill_(torch.inf)
        return done

    monkeypatch.setattr(torch.optim.AdamW, "step", poisoning)
    assert run_attempt(run.path, 1) == 0
    assert "the guard: nonfinite" in events(run, "end")[-1]["message"]
    assert saved(run) == []
    assert "could not be proved" in told(run) and "The disk is full" in told(run)


# --- no room at the end ----------------------------------------------------------------------------------


def test_a_dead_run_waits_for_no_room_and_claims_no_save(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def waits(*_: Any) -> bool:
        raise AssertionError("it waits, and holds the GPU")

    run = make_run(*FEW, "checkpoints.every_steps=100")
    monkeypatch.setattr(RunTrainer, "_need", lambda self: Need(bytes=1 << 60, files=1))
    monkeypatch.setattr(DiskGuard, "_wait", waits)
    with micro_batch(5, broken):
        assert run_attempt(run.path, 1) == 1
    assert "the first error" in events(run, "end")[-1]["message"]
    assert told(run) == "Step 2 could not be saved: there was no room for it."
    assert "was saved before the error" not in capfd.readouterr().out
    assert saved(run) == []


# --- the best --------------------------------------------------------------------------------------------


def test_the_best_evaluation_has_a_checkpoint_though_saves_go_by_time(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(best_saves, "SHARE", 1e6)
    run = make_run(
        "checkpoints.every_minutes=1000", "checkpoints.keep=9", "training.learning_rate=0.003",
        "training.max_steps=7", "evaluation.every_steps=2",
    )  # fmt: skip
    put_request(run, RequestRecord(request="save", time=1.0, by="test"))
    assert run_attempt(run.path, 1) == 0
    losses = {row["step"]: row["eval_loss"] for row in metrics(run) if "eval_loss" in row}
    assert losses[2] > losses[4] > losses[6]
    assert saved(run) == [1, 2, 4, 6, 7]
    assert {one.step: one.eval_loss for one in proof.whole(run) if one.step in losses} == losses
    assert "saving step 4: its eval loss of" in capfd.readouterr().out
