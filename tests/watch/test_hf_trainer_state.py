# ruff: noqa: E501 - lines as the trainers write them
"""State files of the HF Trainer: the newest readable one, its rows to the digit, and no wrong end."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import pytest
from foreign_files import finds, opened, points, poll_whole, read, train_rows, write_state

from tui_ft.watch.sources.hf_trainer_state import FORMAT

SUMMARY = {"epoch": 1.0, "step": 100, "total_flos": 1e15, "train_loss": 1.95, "train_runtime": 12.0}


def test_rows_are_read_to_the_digit(tmp_path: Path) -> None:
    rows = [*train_rows(range(1, 101)), {"epoch": 1.0, "eval_loss": 1.875, "eval_runtime": 2.5, "step": 100}]
    write_state(tmp_path, rows)
    reading = read(FORMAT, tmp_path)
    assert points(reading, "loss") == [(row["step"], row["loss"]) for row in rows[:-1]]
    assert points(reading, "eval_loss") == [(100, 1.875)]
    assert (reading.step, reading.total_steps, reading.epoch) == (100, 100, 1.0)
    assert "total_flos" not in reading.series
    assert reading.settings["logging_steps"] == 1


def test_the_summary_is_the_end_and_no_point(tmp_path: Path) -> None:
    write_state(tmp_path, [*train_rows(range(1, 51)), SUMMARY], step=50)
    reading = read(FORMAT, tmp_path)
    assert reading.status == "finished"
    assert set(reading.series) == {"loss", "grad_norm", "learning_rate"}
    assert reading.series["loss"].last == (50, 1.95)


def test_the_summary_of_old_versions(tmp_path: Path) -> None:
    write_state(tmp_path, [*train_rows(range(1, 51)), {"epoch": 0.5, "step": 50, "total_flos": 1e15}])
    assert read(FORMAT, tmp_path).status == "finished"


def test_a_summary_before_more_training_is_no_end(tmp_path: Path) -> None:
    write_state(tmp_path, [*train_rows(range(1, 51)), SUMMARY, *train_rows(range(51, 61))], max_steps=200)
    assert read(FORMAT, tmp_path).status == "unknown"


def test_the_last_step_is_an_end_also_without_a_summary(tmp_path: Path) -> None:
    write_state(tmp_path / "checkpoint-100", train_rows(range(1, 101)))
    assert read(FORMAT, tmp_path).status == "finished"


def test_early_stopping_is_an_end(tmp_path: Path) -> None:
    control = {"TrainerControl": {"args": {"should_training_stop": True}, "attributes": {}}}
    write_state(tmp_path / "checkpoint-40", train_rows(range(1, 41)), stateful_callbacks=control)
    assert read(FORMAT, tmp_path).status == "finished"


@pytest.mark.parametrize(
    "callbacks", [None, [], "x", {"TrainerControl": 3}, {"TrainerControl": {"args": []}}]
)
def test_other_callbacks_are_no_end(tmp_path: Path, callbacks: object) -> None:
    write_state(tmp_path / "checkpoint-40", train_rows(range(1, 41)), stateful_callbacks=callbacks)
    assert read(FORMAT, tmp_path).status == "unknown"


def test_a_run_that_goes_on_is_never_running_by_its_checkpoint_alone(tmp_path: Path) -> None:
    path = write_state(tmp_path / "checkpoint-40", train_rows(range(1, 41)))
    assert read(FORMAT, tmp_path, lambda: path.stat().st_mtime).status == "unknown"


def test_the_highest_checkpoint_is_read_and_all_are_named(tmp_path: Path) -> None:
    for step in (10, 9, 100, 20):
        write_state(tmp_path / f"checkpoint-{step}", train_rows(range(1, step + 1)), max_steps=500)
    (tmp_path / "checkpoint-best").mkdir()
    reading = read(FORMAT, tmp_path)
    assert len(reading.series["loss"]) == 100
    assert reading.checkpoint_steps == (9, 10, 20, 100)


def test_a_torn_state_gives_way_to_the_one_before(tmp_path: Path) -> None:
    write_state(tmp_path / "checkpoint-10", train_rows(range(1, 11)))
    path = write_state(tmp_path / "checkpoint-20", train_rows(range(1, 21)))
    whole = path.read_bytes()
    for cut in (0, 1, 40, len(whole) // 2, len(whole) - 3):
        path.write_bytes(whole[:cut])
        reading = read(FORMAT, tmp_path)
        assert len(reading.series["loss"]) == 10
        assert reading.step == 10
        assert any("checkpoint-20" in note for note in reading.notes)


def test_a_root_state_of_before_a_resume_is_not_the_newest(tmp_path: Path) -> None:
    write_state(tmp_path, [*train_rows(range(1, 101)), SUMMARY])
    write_state(tmp_path / "checkpoint-150", train_rows(range(1, 151)), max_steps=200)
    reading = read(FORMAT, tmp_path)
    assert len(reading.series["loss"]) == 150
    assert reading.status == "unknown"


def test_checkpoints_left_of_an_earlier_run_are_not_the_run(tmp_path: Path) -> None:
    old = write_state(tmp_path / "checkpoint-100", train_rows(range(1, 101), loss=9.0))
    os.utime(old, (1_000.0, 1_000.0))
    new = write_state(tmp_path / "checkpoint-20", train_rows(range(1, 21), loss=2.0))
    os.utime(new, (9_000.0, 9_000.0))
    reading = read(FORMAT, tmp_path)
    assert reading.series["loss"].last == (20, 1.98)
    assert reading.status == "unknown"
    assert any("earlier run" in note for note in reading.notes)


def test_copied_files_of_one_run_in_any_order_of_time_are_one_run(tmp_path: Path) -> None:
    for at, step in enumerate((100, 50, 10)):
        path = write_state(tmp_path / f"checkpoint-{step}", train_rows(range(1, step + 1)))
        os.utime(path, (1_000.0 + at * 50, 1_000.0 + at * 50))
    assert len(read(FORMAT, tmp_path).series["loss"]) == 100


def test_new_checkpoints_are_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui_ft.watch.sources.hf_trainer_state.SCAN_EVERY_S", 0.0)
    write_state(tmp_path / "checkpoint-10", train_rows(range(1, 11)))
    source = opened(FORMAT, tmp_path)
    assert len(poll_whole(source).series["loss"]) == 10
    assert not source.poll()
    write_state(tmp_path / "checkpoint-20", train_rows(range(1, 21)))
    assert len(poll_whole(source).series["loss"]) == 20
    write_state(tmp_path / "checkpoint-20", [*train_rows(range(1, 20)), *train_rows([20], loss=5.0)])
    assert poll_whole(source).series["loss"].last == (20, 4.98)


def test_nan_and_numbers_beyond_floats_are_data(tmp_path: Path) -> None:
    path = write_state(tmp_path, train_rows(range(1, 5)))
    text = path.read_text().replace("1.999", "NaN").replace("1.998", "-Infinity").replace("1.997", "1e999")
    path.write_text(text.replace("1.996", "9" * 400))
    loss = read(FORMAT, tmp_path).series["loss"]
    assert math.isnan(loss.values[0])
    assert [loss.values[at] for at in (1, 2, 3)] == [-math.inf, math.inf, math.inf]
    assert loss.nonfinite == 4


@pytest.mark.parametrize("text", ["", "{}", "[]", "[" * 100_000, '{"log_history": 3}', '{"log_history": [1, null]}',
                                  '{"a": ' * 5_000, "\0" * 500, '{"log_history": [{"step": "x"}]}'])  # fmt: skip
def test_what_is_no_state_is_a_note_or_empty(tmp_path: Path, text: str) -> None:
    (tmp_path / "trainer_state.json").write_text(text)
    reading = read(FORMAT, tmp_path)
    assert not reading.series
    assert reading.status == "unknown"


def test_hostile_names_and_values(tmp_path: Path) -> None:
    rows = [
        {"step": 1, "loss": 1.0, "\x1b[31mred": 2.0, "per_class": [1, 2], "nested": {"a": 1}, "flag": True}
    ]
    write_state(tmp_path, rows, trial_name="\x1b]0;owned\x07name")
    reading = read(FORMAT, tmp_path)
    assert set(reading.series) == {"loss", "red"}
    assert reading.settings["trial_name"] == "name"


def test_pointers_links_and_odd_files_are_no_runs(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "trainer_state.json").write_text(
        "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"
    )
    real = write_state(tmp_path / "elsewhere", train_rows([1]))
    (out / "checkpoint-5").mkdir()
    (out / "checkpoint-5" / "trainer_state.json").symlink_to(real)
    (out / "checkpoint-6").symlink_to(real.parent)
    (out / "checkpoint-7").mkdir()
    os.mkfifo(out / "checkpoint-7" / "trainer_state.json")
    assert finds(FORMAT, out) == []


def test_model_and_method_come_from_what_lies_beside(tmp_path: Path) -> None:
    checkpoint = tmp_path / "checkpoint-5"
    write_state(checkpoint, train_rows(range(1, 6)))
    adapter = {
        "base_model_name_or_path": "Qwen/Qwen3-8B",
        "peft_type": "LORA",
        "r": 8,
        "target_modules": ["q", "v"],
    }
    (checkpoint / "adapter_config.json").write_text(json.dumps(adapter))
    reading = read(FORMAT, tmp_path)
    assert (reading.model, reading.method) == ("Qwen/Qwen3-8B", "lora")
    assert reading.settings["lora_r"] == 8
    assert reading.settings["lora_target_modules"] == "q, v"


def test_a_folder_that_is_gone_is_a_note(tmp_path: Path) -> None:
    path = write_state(tmp_path / "out", train_rows([1, 2]))
    source = opened(FORMAT, tmp_path / "out")
    path.unlink()
    path.parent.rmdir()
    source.poll()
    assert any("cannot be read" in note for note in source.reading.notes)


def test_a_long_state_never_holds_a_poll_for_long(tmp_path: Path) -> None:
    write_state(tmp_path, train_rows(range(1, 20_001)), max_steps=30_000)
    source = opened(FORMAT, tmp_path)
    polls = 1
    source.poll(0.001)
    while not source.reading.is_complete:
        source.poll(0.001)
        polls += 1
    assert polls > 5
    assert len(source.reading.series["loss"]) == 20_000
