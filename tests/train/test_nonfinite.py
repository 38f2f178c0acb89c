"""A loss that is no number: it never reaches the weights or a checkpoint, and its rows are named."""

from __future__ import annotations

import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from disturbing import micro_batch, spoiled, terminate
from safetensors.torch import load_file
from training import MakeRun, add_attempt, events, metrics, steps

from tui_ft.demo import paths as demo_paths
from tui_ft.runs.directory import RunDirectory
from tui_ft.spec.running import HealthSection
from tui_ft.train.entry import run_attempt
from tui_ft.train.nonfinite import NonfiniteGuard

pytestmark = [pytest.mark.train, pytest.mark.filterwarnings("default")]

SAME = ("training.max_steps=6", "training.learning_rate=0.003", "evaluation.every_steps=100")


def warnings_of(run: RunDirectory) -> list[dict[str, Any]]:
    return [row for row in events(run, "warning") if row["code"] == "nonfinite"]


def answers_of(tokens: torch.Tensor) -> set[str]:
    """The rows of a batch as text, without padding."""
    import transformers

    tokenizer = transformers.AutoTokenizer.from_pretrained(demo_paths.model_folder())
    return {tokenizer.decode(row[row != tokenizer.pad_token_id]) for row in tokens}


def texts_of(rows: list[int]) -> list[str]:
    lines = demo_paths.data_file().read_text().splitlines()
    return [json.loads(lines[row - 1])["messages"][-1]["content"] for row in rows]


def test_one_such_step_is_left_out_and_its_rows_are_named(make_run: MakeRun) -> None:
    run = make_run(*SAME, "checkpoints.every_steps=1", "checkpoints.keep=10")
    with spoiled(6) as seen:  # the second micro-batch of step 3
        assert run_attempt(run.path, 1) == 0
    assert events(run, "end")[-1]["cause"] == "finished"
    assert [row["step"] for row in steps(run) if row["loss"] == "NaN"] == [3]
    assert all(isinstance(row["loss"], float) for row in steps(run)[3:])  # the next ones are told as they are

    [found] = warnings_of(run)
    evidence = found["evidence"]
    assert (found["step"], evidence["what"], evidence["in_a_row"]) == (3, "loss", 1)
    assert evidence["last_good_step"] == 2
    assert evidence["last_finite_loss"] == pytest.approx(steps(run)[1]["loss"], abs=1e-3)
    assert evidence["update_skipped"] is True
    assert len(evidence["rows"]) == 2
    told = answers_of(seen[5])
    assert all(any(text in whole for whole in told) for text in texts_of(evidence["rows"]))

    saved = dict(run.list_checkpoints())
    assert sorted(saved) == [1, 2, 4, 5, 6]  # whether a state is sound shows in the next step
    assert all(bool(torch.isfinite(value).all()) for value in _weights(saved[6]).values())


def test_its_update_really_is_left_out(make_run: MakeRun) -> None:
    """With a constant rate a step without its update leaves weights and moments as they were."""
    run = make_run(*SAME, "training.max_steps=3")
    with spoiled(5, 6):
        run_attempt(run.path, 1)
    shorter = make_run(*SAME, "training.max_steps=3", "checkpoints.every_steps=2")
    run_attempt(shorter.path, 1)
    kept, expected = (_weights(folder.checkpoint(step)) for folder, step in ((run, 3), (shorter, 2)))
    assert all(torch.equal(kept[name], expected[name]) for name in expected)


def test_two_in_a_row_stop_the_run_and_nothing_of_it_is_saved(make_run: MakeRun) -> None:
    run = make_run(*SAME, "checkpoints.every_steps=2")
    with spoiled(5, 7):
        assert run_attempt(run.path, 1) == 0
    end = events(run, "end")[-1]
    assert (end["cause"], end["step"]) == ("stopped", 4)
    assert "the guard: nonfinite" in end["message"]
    assert "checkpoint-2 is the last good one" in end["message"]
    assert [step for step, _ in run.list_checkpoints()] == [2]
    assert [(row["request"], row["by"]) for row in events(run, "request")] == [
        ("stop", "the guard: nonfinite")
    ]
    assert [row["evidence"]["in_a_row"] for row in warnings_of(run)] == [1, 2]
    assert warnings_of(run)[-1]["evidence"]["last_good_checkpoint"] == 2

    add_attempt(run, 2, *SAME)
    with spoiled(1, 3):
        assert run_attempt(run.path, 2) == 0
    assert events(run, "attempt")[-1]["step"] == 2
    assert "checkpoint-2, which it went on from, may be spoiled" in events(run, "end")[-1]["message"]


def test_a_stop_after_one_such_step_saves_what_was_before_it(make_run: MakeRun) -> None:
    run = make_run(*SAME)
    with spoiled(6), micro_batch(7, terminate):
        assert run_attempt(run.path, 1) == 0
    assert (events(run, "end")[-1]["step"], run.list_checkpoints()[0][0]) == (3, 3)
    assert all(bool(torch.isfinite(value).all()) for value in _weights(run.checkpoint(3)).values())


def test_an_infinite_gradient_of_a_finite_loss_is_seen_before_the_update(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    from trl import SFTTrainer

    run = make_run(*SAME, "training.max_steps=3")
    whole = SFTTrainer._clip_grad_norm

    def infinite(self: Any, model: Any) -> Any:
        return whole(self, model) * (torch.inf if self.state.global_step == 1 else 1.0)

    monkeypatch.setattr(SFTTrainer, "_clip_grad_norm", infinite)
    assert run_attempt(run.path, 1) == 0
    [found] = warnings_of(run)
    assert (found["step"], found["evidence"]["what"], found["evidence"]["grad_norm"]) == (
        2,
        "grad_norm",
        "Infinity",
    )
    assert isinstance(found["evidence"]["loss"], float)
    assert len(found["evidence"]["rows"]) == 4  # which micro-batch it was cannot be told


def test_weights_that_are_no_numbers_are_never_saved(
    make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(*SAME, "checkpoints.every_steps=2")
    whole = torch.optim.AdamW.step
    calls = 0

    def poisoned(self: Any, *args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        done = whole(self, *args, **kwargs)
        if calls == 4:
            self.param_groups[0]["params"][0].data.fill_(torch.inf)
        return done

    monkeypatch.setattr(torch.optim.AdamW, "step", poisoned)
    assert run_attempt(run.path, 1) == 0
    assert [step for step, _ in run.list_checkpoints()] == [2]
    assert (events(run, "end")[-1]["cause"], events(run, "end")[-1]["step"]) == ("stopped", 4)
    assert warnings_of(run)[-1]["evidence"]["what"] == "weights"


def test_a_run_that_is_told_to_go_on_goes_on_and_says_it_seldom(make_run: MakeRun) -> None:
    run = make_run(*SAME, 'health.stop_on=["divergence"]')
    with spoiled(*range(3, 40)):
        assert run_attempt(run.path, 1) == 0
    assert events(run, "end")[-1]["cause"] == "finished"
    assert [row["evidence"]["in_a_row"] for row in warnings_of(run)] == [1, 2, 4]

    silent = make_run(*SAME, 'health.silence=["nonfinite"]')
    with spoiled(*range(3, 40)):
        assert run_attempt(silent.path, 1) == 0
    assert warnings_of(silent) == []
    assert all(row["loss"] == "NaN" for row in steps(silent)[1:])


def test_a_probe_of_other_rows_is_measured_beside_and_before(make_run: MakeRun, tmp_path: Path) -> None:
    probe = tmp_path / "general.jsonl"
    rows = [{"prompt": f"What is {n} and {n}?", "completion": f"It is {2 * n}."} for n in range(6)]
    probe.write_text("\n".join(json.dumps(row) for row in rows))
    changes = (*SAME, "evaluation.every_steps=3", "method.dropout=0.1", "data.limit=12")
    alone, run = make_run(*changes), make_run(*changes, f"evaluation.probe={probe}")
    assert run_attempt(alone.path, 1) == 0
    assert run_attempt(run.path, 1) == 0
    found = [
        (row["step"], set(row) & {"probe_loss", "eval_loss"}) for row in metrics(run) if "probe_loss" in row
    ]
    assert found == [(0, {"probe_loss"}), (3, {"probe_loss", "eval_loss"}), (6, {"probe_loss", "eval_loss"})]
    for key in ("loss", "eval_loss"):
        assert [r[key] for r in metrics(run) if key in r] == [r[key] for r in metrics(alone) if key in r]


class Said:
    """A journal that only remembers."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    def event(self, event: Any) -> None:
        self.events.append(event)

    def say(self, text: str) -> None:
        """Nobody listens."""


def judged(*steps_: tuple[float, float], scaler: object | None = None) -> tuple[list[bool], Said]:
    """What a guard makes of losses and gradient norms in a row."""
    model = torch.nn.Linear(2, 2)
    trainer = SimpleNamespace(
        args=SimpleNamespace(world_size=1),
        accelerator=SimpleNamespace(scaler=scaler),
        state=SimpleNamespace(global_step=0),
        model=model,
        _get_learning_rate=lambda: 1e-4,
    )
    said = Said()
    guard = NonfiniteGuard(said, HealthSection(), "float16")  # type: ignore[arg-type]
    refused = []
    for loss, norm in steps_:
        guard.losses.append(torch.tensor(loss))
        refused.append(guard.refuses(trainer, torch.tensor(norm)))  # type: ignore[arg-type]
        trainer.state.global_step += 1
    return refused, said


def test_what_the_scaler_of_fp16_leaves_out_itself_is_no_alarm() -> None:
    """It begins with a scale that is too large, and halves it sixteen times at most."""
    on_its_way = [(2.5, math.inf)] * 16
    refused, said = judged(*on_its_way, (2.5, 1.0), *on_its_way, scaler=object())
    assert not any(refused)
    assert said.events == []
    refused, said = judged(*[(2.5, math.inf)] * 21, scaler=object())
    assert refused == [False] * 19 + [True, True]
    assert [event.evidence["in_a_row"] for event in said.events] == [1, 2]


def test_a_loss_that_is_no_number_is_an_alarm_with_a_scaler_too() -> None:
    refused, said = judged((2.5, 1.0), (math.nan, math.inf), scaler=object())
    assert refused == [False, True]
    assert said.events[0].evidence["last_finite_loss"] == 2.5


def test_a_loss_of_zero_with_a_gradient_that_is_no_number_counts() -> None:
    """What other trainers log when their filter hides a NaN."""
    refused, said = judged((0.0, math.nan))
    assert refused == [True]
    assert said.events[0].evidence["what"] == "grad_norm"


def test_numbers_that_are_large_but_numbers_are_no_alarm() -> None:
    refused, said = judged((3e38, 3e38), (1e4, 1e30))
    assert refused == [False, False]
    assert said.events == []


def test_one_bad_step_between_good_ones_never_stops_a_run() -> None:
    refused, said = judged(*[(math.nan, math.nan), (2.0, 1.0)] * 3)
    assert refused == [True, False] * 3
    assert [event.evidence["in_a_row"] for event in said.events] == [1, 1, 1]


def test_rows_that_cannot_be_worked_out_end_no_run() -> None:
    def broken(step: int, batches: list[int] | None) -> list[Any]:
        raise AttributeError("another sampler")

    said = Said()
    guard = NonfiniteGuard(said, HealthSection(), "float32")  # type: ignore[arg-type]
    guard.rows_of = broken
    assert guard._rows(3, [0]) == []


def _weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "adapter_model.safetensors")
