"""The trainer for real on the demo model: what every method leaves in the run directory."""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from peft import PeftModel
from training import MakeRun, add_attempt, events, metrics, steps

from tui_ft.demo import paths as demo_paths
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.records import RequestRecord
from tui_ft.runs.requests import put_request
from tui_ft.train.entry import run_attempt

# the libraries' own warnings are theirs to mend
pytestmark = [pytest.mark.train, pytest.mark.filterwarnings("default")]

METHODS = ("lora", "qlora", "full", "last_layers")


def train(run: RunDirectory, attempt: int = 1) -> int:
    return run_attempt(run.path, attempt)


def in_background(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def when_step(run: RunDirectory, step: int, act: Callable[[], None]) -> threading.Thread:
    """Do `act` as soon as `step` stands in the metrics."""

    def wait() -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if run.metrics.exists() and any(row["step"] >= step for row in metrics(run)):
                act()
                return
            time.sleep(0.002)

    return in_background(wait)


def ask(run: RunDirectory, name: Any, value: float | None = None) -> None:
    put_request(run, RequestRecord(request=name, time=time.time(), by="test", value=value))


def greedy(model: Any, tokenizer: Any, sample: dict[str, Any]) -> str:
    """Repeat a sample as a user would, with nothing of ours."""
    inputs = tokenizer(sample["prompt"], return_tensors="pt", add_special_tokens=False)
    output = model.generate(**inputs, do_sample=False, max_new_tokens=sample["max_new_tokens"])
    return str(tokenizer.decode(output[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True))


def assert_result_repeats_the_samples(run: RunDirectory) -> Any:
    """Load the result by the lines that the run screen shows, ask it again, and return the model."""
    samples = {when: [s for s in events(run, "sample") if s["when"] == when] for when in ("before", "after")}
    assert len(samples["before"]) == len(samples["after"]) == 3
    names: dict[str, Any] = {}
    exec(events(run, "end")[-1]["usage"], names)
    model, tokenizer = names["model"].eval(), names["tokenizer"]
    for sample in samples["after"]:
        assert greedy(model, tokenizer, sample) == sample["answer"]
    return model


@pytest.mark.parametrize("variant", ["rslora", "dora", "pissa", "lora+"])
def test_the_variants_of_lora_too(make_run: MakeRun, variant: str) -> None:
    run = make_run(f"method.variant={variant}", "training.learning_rate=0.003")
    assert train(run) == 0, events(run, "end")[-1]["message"]
    assert_result_repeats_the_samples(run)


@pytest.mark.parametrize("method", METHODS)
def test_a_run_finishes_and_its_result_repeats_the_sample(make_run: MakeRun, method: str) -> None:
    run = make_run(f"method.kind={method}", "training.learning_rate=0.003")
    assert train(run) == 0

    end = events(run, "end")[-1]
    assert (end["cause"], end["step"]) == ("finished", 6)
    assert end["result_bytes"] == sum(p.stat().st_size for p in run.result.rglob("*") if p.is_file())
    model = assert_result_repeats_the_samples(run)
    assert isinstance(model, PeftModel) is (method in ("lora", "qlora"))


def test_every_step_has_a_row_and_the_last_is_evaluated(make_run: MakeRun) -> None:
    run = make_run()
    train(run)
    rows = steps(run)
    assert [row["step"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert metrics(run)[0]["schema"] == 1
    for row in rows:
        needed = {"time", "loss", "grad_norm", "learning_rate", "tokens", "tokens_per_s", "rss_gib"}
        assert needed | {"mean_token_accuracy", "entropy", "epoch"} <= set(row)
    evaluations = [row for row in metrics(run) if "eval_loss" in row]
    assert [row["step"] for row in evaluations] == [3, 6]
    assert evaluations[-1]["perplexity"] == pytest.approx(math.exp(evaluations[-1]["eval_loss"]))
    assert rows[-1]["tokens"] > rows[0]["tokens"] > 0


def test_the_first_step_trains_exactly_the_answers_and_their_end(make_run: MakeRun) -> None:
    run = make_run()
    train(run)
    rows = json.loads(run.attempt(1).data.read_text())["first_step"]["rows"]
    known = set()
    for line in demo_paths.data_file().read_text().splitlines():
        known.add(json.loads(line)["messages"][-1]["content"])
    tokenizer = transformers.AutoTokenizer.from_pretrained(demo_paths.model_folder())
    assert len(rows) == 4
    for row in rows:
        assert row["trained_text"].removesuffix(tokenizer.eos_token) in known
        assert row["trained_text"].endswith(tokenizer.eos_token)


def test_the_first_loss_is_that_of_plain_transformers_on_the_same_rows(make_run: MakeRun) -> None:
    run = make_run("method.kind=full")
    train(run)
    rows = json.loads(run.attempt(1).data.read_text())["first_step"]["rows"]
    model = transformers.AutoModelForCausalLM.from_pretrained(demo_paths.model_folder(), dtype=torch.float32)
    summed, counted = 0.0, 0
    for row in rows:
        labels = torch.tensor([row["labels"]])
        attention = (torch.arange(len(row["labels"])) < _length(row)).long()[None]
        with torch.no_grad():
            output = model(
                input_ids=torch.tensor([row["input_ids"]]), attention_mask=attention, labels=labels
            )
        count = int((labels[:, 1:] != -100).sum())
        summed, counted = summed + output.loss.item() * count, counted + count
    assert steps(run)[0]["loss"] == pytest.approx(summed / counted, abs=1e-4)


def _length(row: dict[str, Any]) -> int:
    """Tokens before the padding: the trained tokens are the row's last ones."""
    return max(i for i, label in enumerate(row["labels"]) if label != -100) + 1


@pytest.mark.parametrize("method", ["lora", "qlora", "full", "last_layers"])
def test_a_resumed_run_repeats_the_undisturbed_one_to_the_last_bit(make_run: MakeRun, method: str) -> None:
    changes = (f"method.kind={method}", "training.learning_rate=0.003", "training.max_steps=8")
    if method in ("lora", "qlora"):
        changes += ("method.dropout=0.1",)
    undisturbed, stopped = make_run(*changes), make_run(*changes)
    train(undisturbed)

    asking = when_step(stopped, 3, lambda: ask(stopped, "stop"))
    assert train(stopped) == 0
    asking.join()
    assert events(stopped, "end")[-1]["cause"] == "stopped"
    at = steps(stopped)[-1]["step"]
    assert 3 <= at < 8
    assert not stopped.request("stop").exists()

    add_attempt(stopped, 2, *changes)
    assert train(stopped, 2) == 0
    opened = events(stopped, "attempt")[-1]
    assert (opened["attempt"], opened["step"]) == (2, at)
    expected = [
        (r["step"], r["loss"], r["grad_norm"], r["learning_rate"], r["tokens"]) for r in steps(undisturbed)
    ]
    found = [(r["step"], r["loss"], r["grad_norm"], r["learning_rate"], r["tokens"]) for r in steps(stopped)]
    assert found == expected
    assert _weights(stopped) == _weights(undisturbed)


def _curve(run: RunDirectory) -> list[tuple[Any, ...]]:
    keys = ("step", "loss", "grad_norm", "learning_rate", "tokens", "entropy")
    return [tuple(row[key] for key in keys) for row in steps(run)]


def _weights(run: RunDirectory) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(run.result.glob("*.safetensors"))}


@pytest.mark.parametrize("method", METHODS)
def test_evaluating_and_sampling_on_the_way_change_nothing(make_run: MakeRun, method: str) -> None:
    changes = (f"method.kind={method}", "training.learning_rate=0.003", "training.max_steps=5")
    watched = make_run(*changes, "evaluation.every_steps=1")
    alone = make_run(*changes, "evaluation.every_steps=100")
    (alone.events).write_text(
        '{"event":"sample","time":1,"when":"before","step":0,"index":0,"prompt":"","answer":""}\n'
    )  # so that no first sample is taken
    train(watched)
    train(alone)
    assert _curve(watched) == _curve(alone)


def test_a_checkpoint_without_its_optimizer_is_never_resumed_from(make_run: MakeRun) -> None:
    changes = ("checkpoints.every_steps=2", "training.max_steps=6")
    run = make_run(*changes)
    train(run)
    newest, older = (folder for _, folder in run.list_checkpoints())
    (newest / "optimizer.pt").unlink()
    add_attempt(run, 2, *changes, "training.max_steps=8")
    assert train(run, 2) == 0
    opened = events(run, "attempt")[-1]
    assert opened["checkpoint"] == str(older)
    assert opened["rejected"] == [{"path": str(newest), "reason": "optimizer.pt is missing"}]
    assert [row["step"] for row in steps(run)][6:] == [5, 6, 7, 8]

    for _, folder in run.list_checkpoints():
        (folder / "optimizer.pt").unlink()
    add_attempt(run, 3, *changes, "training.max_steps=9")
    assert train(run, 3) == 1
    assert "no whole checkpoint" in events(run, "end")[-1]["message"]


def test_a_resumed_run_takes_the_learning_rate_of_its_own_spec(make_run: MakeRun) -> None:
    same = ("training.schedule=constant", "training.warmup=0", "training.max_steps=6")
    run = make_run(*same, "training.max_steps=2", "training.learning_rate=1e-3")
    train(run)
    add_attempt(run, 2, *same, "training.max_steps=4", "training.learning_rate=1e-5")
    train(run, 2)
    add_attempt(run, 3, *same, "training.learning_rate=1e-5")
    train(run, 3)
    assert [row["learning_rate"] for row in steps(run)] == pytest.approx([1e-3] * 2 + [1e-5] * 4)


def test_an_attempt_that_only_lacks_its_end_makes_no_step_more(make_run: MakeRun) -> None:
    run = make_run("training.max_steps=6")
    train(run)
    rows = steps(run)
    shutil.rmtree(run.result)
    add_attempt(run, 2, "training.max_steps=6")
    assert train(run, 2) == 0
    assert steps(run) == rows
    assert events(run, "end")[-1]["cause"] == "finished"
    assert run.result.is_dir()


def test_sigterm_saves_and_stops(make_run: MakeRun) -> None:
    run = make_run("training.max_steps=200")
    asking = when_step(run, 2, lambda: os.kill(os.getpid(), signal.SIGTERM))
    assert train(run) == 0
    asking.join()
    end = events(run, "end")[-1]
    assert end["cause"] == "stopped"
    assert run.list_checkpoints()[0][0] == end["step"] == steps(run)[-1]["step"]


def test_a_stop_in_the_middle_of_an_evaluation_saves_and_stops(make_run: MakeRun) -> None:
    run = make_run("training.max_steps=200", "evaluation.every_steps=3", "data.eval_fraction=0.5")

    def stop_in_evaluation() -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if run.events.exists() and '"evaluating"' in run.events.read_text():
                ask(run, "stop")
                return
            time.sleep(0.002)

    asking = in_background(stop_in_evaluation)
    assert train(run) == 0
    asking.join()
    assert events(run, "end")[-1]["cause"] == "stopped"
    assert run.list_checkpoints()[0][0] == 3
    assert all("eval_loss" not in row for row in metrics(run))


def test_requests_are_carried_out_at_a_step_edge(make_run: MakeRun) -> None:
    run = make_run("training.max_steps=30", "training.schedule=constant", "training.warmup=0")

    def ask_all() -> None:
        ask(run, "learning_rate", 0.00007)
        ask(run, "save")
        ask(run, "pause")
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not any(
            e["request"] == "pause" for e in events(run, "request")
        ):
            time.sleep(0.01)
        ask(run, "continue")

    asking = when_step(run, 2, ask_all)
    assert train(run) == 0
    asking.join()
    done = {row["request"]: row for row in events(run, "request")}
    assert set(done) == {"learning_rate", "save", "pause", "continue"}
    changed = done["learning_rate"]["step"]
    rates = {row["step"]: row["learning_rate"] for row in steps(run)}
    assert rates[changed - 1] == pytest.approx(2e-4)
    assert rates[changed + 2] == pytest.approx(7e-5)
    assert done["save"]["step"] in [row["step"] for row in events(run, "checkpoint")]
    assert "paused" in [row["phase"] for row in events(run, "phase")]


def test_a_loss_that_is_not_a_number_is_written_as_it_is(make_run: MakeRun) -> None:
    run = make_run("method.kind=full", "training.learning_rate=1.0", "training.max_grad_norm=0",
                   "training.optimizer=sgd", "training.warmup=0", "training.max_steps=40")  # fmt: skip
    train(run)
    values = [row["loss"] for row in steps(run)] + [row["grad_norm"] for row in steps(run)]
    assert all(isinstance(value, float) or value in ("NaN", "Infinity") for value in values)
    assert "NaN" in values or max(value for value in values if isinstance(value, float)) > 20


def test_a_second_trainer_on_the_same_run_is_refused(make_run: MakeRun, capfd: Any) -> None:
    run = make_run("training.max_steps=20")
    codes: list[int] = []
    from tui_ft.train.journal import Journal

    journal = Journal(run)
    codes.append(train(run))
    journal.close()
    assert codes == [2]
    assert "Another trainer is at work" in capfd.readouterr().err


def test_what_goes_wrong_is_the_last_word_and_stands_in_the_output(make_run: MakeRun, capfd: Any) -> None:
    run = make_run("data.train=/nowhere/data.jsonl")
    assert train(run) == 1
    end = events(run, "end")[-1]
    assert end["cause"] == "error"
    assert "/nowhere/data.jsonl" in end["message"]
    assert "Traceback" in capfd.readouterr().err


def test_a_mixed_precision_run_trains_with_every_method(make_run: MakeRun) -> None:
    for method in METHODS:
        run = make_run(f"method.kind={method}", "training.precision=bf16", "training.max_steps=2")
        assert train(run) == 0, events(run, "end")[-1]["message"]
        assert all(math.isfinite(row["loss"]) for row in steps(run))


@pytest.mark.parametrize("change", [f"method.kind={method}" for method in METHODS] + ["model.dtype=float32"])
def test_a_mixed_precision_result_repeats_the_sample(make_run: MakeRun, change: str) -> None:
    run = make_run(change, "training.precision=bf16", "training.learning_rate=0.003", "training.max_steps=10")
    assert train(run) == 0
    assert_result_repeats_the_samples(run)


def test_packed_rows_train(make_run: MakeRun) -> None:
    run = make_run("data.packing=true", "data.max_length=256", "training.max_steps=2")
    assert train(run) == 0, events(run, "end")[-1]["message"]
    assert [row["step"] for row in steps(run)] == [1, 2]


def test_unfinished_work_of_a_killed_attempt_is_swept(make_run: MakeRun) -> None:
    run = make_run("training.max_steps=2")
    (run.checkpoints / ".unfinished-7").mkdir()
    assert train(run) == 0
    assert [path.name for path in run.checkpoints.iterdir()] == ["checkpoint-2"]
    assert not list(Path(run.path).glob(".unfinished-*"))
