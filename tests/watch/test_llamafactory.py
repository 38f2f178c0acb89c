# ruff: noqa: E501 - lines as the trainers write them
"""LLaMA-Factory's log: rows, resumed and doubled writers, and the marks of an end beside it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from foreign_files import finds, opened, points, poll_whole, read

from tui_ft.watch.sources.llamafactory import FORMAT, elapsed_seconds


def row(step: int, total: int = 100, **values: Any) -> str:
    place = {"current_steps": step, "total_steps": total}
    times = {
        "percentage": round(step / total * 100, 2),
        "elapsed_time": f"0:00:{step % 60:02d}",
        "remaining_time": "0:01:00",
    }
    return json.dumps({**place, **values, **times}) + "\n"


def train(step: int, total: int = 100) -> str:
    return row(step, total, loss=2.0 - step / 1000, lr=1e-5, epoch=step / 100)


def write(folder: Path, *lines: str) -> Path:
    path = folder / "trainer_log.jsonl"
    path.write_text("".join(lines))
    return path


def test_rows_of_training_and_evaluation(tmp_path: Path) -> None:
    write(
        tmp_path, *(train(step) for step in range(10, 60, 10)), row(50, eval_loss=1.5, epoch=0.5), train(60)
    )
    reading = read(FORMAT, tmp_path)
    assert points(reading, "loss") == [(step, 2.0 - step / 1000) for step in range(10, 70, 10)]
    assert points(reading, "eval_loss") == [(50, 1.5)]
    assert set(reading.series) == {"loss", "eval_loss", "learning_rate"}
    assert (reading.status, reading.step, reading.total_steps, reading.epoch) == ("unknown", 60, 100, 0.6)


def test_old_names_and_numbers_in_quotes(tmp_path: Path) -> None:
    write(tmp_path, row(5, loss=1.0, learning_rate=3e-5, epoch=0.1, throughput="1234.56", total_tokens=900))
    reading = read(FORMAT, tmp_path)
    assert reading.last("learning_rate") == 3e-5
    assert reading.last("tokens_per_s") == 1234.56
    assert reading.last("tokens") == 900


def test_the_row_of_the_end_has_an_epoch_and_no_loss(tmp_path: Path) -> None:
    write(tmp_path, train(90), row(99, epoch=0.99))
    reading = read(FORMAT, tmp_path)
    assert (reading.status, reading.step) == ("finished", 99)
    write(tmp_path, train(90), row(99, epoch=0.99), row(99, eval_loss=1.0, epoch=0.99))
    assert read(FORMAT, tmp_path).status == "finished"


def test_old_versions_write_null(tmp_path: Path) -> None:
    nothing = {"eval_loss": None, "predict_loss": None, "reward": None}
    write(
        tmp_path,
        row(10, loss=1.5, learning_rate=1e-5, epoch=0.1, **nothing),
        row(100, loss=None, epoch=1.0, **nothing),
    )
    reading = read(FORMAT, tmp_path)
    assert (reading.status, set(reading.series)) == ("finished", {"loss", "learning_rate"})


def test_a_resumed_run_goes_back_and_is_not_ended(tmp_path: Path) -> None:
    write(tmp_path, train(10), train(20), train(30), row(30, epoch=0.3), train(20, 200), train(40, 200))
    reading = read(FORMAT, tmp_path)
    assert (reading.status, reading.restarts, reading.restart_steps) == ("unknown", 1, (20.0,))
    assert reading.total_steps == 200
    assert len(reading.series["loss"]) == 4


def test_two_writers_count_each_step_once_and_the_last_wins(tmp_path: Path) -> None:
    lines = []
    for step in range(10, 510, 10):
        lines += [train(step, 500), row(step, 500, loss=5.0, lr=1e-5, epoch=0.1)]
    write(tmp_path, *lines)
    reading = read(FORMAT, tmp_path)
    assert len(reading.series["loss"]) == 50
    assert reading.series["loss"].extent() == (5.0, 5.0)
    assert reading.restarts == 0


@pytest.mark.parametrize("name", ["all_results.json", "train_results.json"])
def test_results_written_later_are_an_end(tmp_path: Path, name: str) -> None:
    path = write(tmp_path, train(10), train(20))
    (tmp_path / name).write_text("{}")
    os.utime(path, (1_000.0, 1_000.0))
    os.utime(tmp_path / name, (2_000.0, 2_000.0))
    assert read(FORMAT, tmp_path).status == "finished"
    os.utime(tmp_path / name, (500.0, 500.0))  # of the run before this one
    assert read(FORMAT, tmp_path).status == "unknown"


def test_a_prediction_has_no_curve_and_ends_with_its_results(tmp_path: Path) -> None:
    path = write(tmp_path, *(row(step, 250) for step in range(5, 250, 5)))
    assert read(FORMAT, tmp_path).status == "unknown"
    (tmp_path / "predict_results.json").write_text("{}")
    os.utime(path, (1_000.0, 1_000.0))
    os.utime(tmp_path / "predict_results.json", (999.0, 999.0))  # a copy in any order
    reading = read(FORMAT, tmp_path)
    assert (reading.status, reading.step, dict(reading.series)) == ("finished", 245, {})


def test_an_error_in_the_running_log_is_the_reason(tmp_path: Path) -> None:
    write(tmp_path, train(10))
    log = "[INFO|2025] >> go\nTraceback (most recent call last):\n  File x\ntorch.OutOfMemoryError: CUDA out of memory.\n"
    (tmp_path / "running_log.txt").write_text(log)
    reading = read(FORMAT, tmp_path)
    assert (reading.status, reading.reason) == ("failed", "torch.OutOfMemoryError: CUDA out of memory.")
    assert reading.log[-1].startswith("torch.OutOfMemoryError")


def test_an_error_of_an_earlier_start_is_not(tmp_path: Path) -> None:
    path = write(tmp_path, train(10))
    (tmp_path / "running_log.txt").write_text(
        "Traceback (most recent call last):\n  File x\nValueError: old\n"
    )
    os.utime(tmp_path / "running_log.txt", (1_000.0, 1_000.0))
    os.utime(path, (5_000.0, 5_000.0))
    assert read(FORMAT, tmp_path).status == "unknown"


def test_settings_come_from_the_files_beside(tmp_path: Path) -> None:
    write(tmp_path, train(10))
    (tmp_path / "training_args.yaml").write_text(
        "model_name_or_path: Qwen/Qwen3-8B\nfinetuning_type: lora\nlearning_rate: 5.0e-05\nbf16: true\nlora_rank: 8\n"
    )
    reading = read(FORMAT, tmp_path)
    assert (reading.model, reading.method) == ("Qwen/Qwen3-8B", "lora")
    assert reading.settings["learning_rate"] == 5e-5
    assert reading.settings["bf16"] is True


def test_a_growing_log_is_followed_and_a_torn_line_waits(tmp_path: Path) -> None:
    path = write(tmp_path, train(10))
    source = opened(FORMAT, tmp_path)
    poll_whole(source)
    with path.open("a") as file:
        file.write(train(20)[:30])
        file.flush()
        assert len(poll_whole(source).series["loss"]) == 1
        file.write(train(20)[30:] + "not json\n{}\n[1]\n" + train(30))
    reading = poll_whole(source)
    assert len(reading.series["loss"]) == 3
    assert reading.bad_records == 3


@pytest.mark.parametrize("how", ["shorter", "longer", "replaced"])
def test_a_log_written_anew_is_read_anew(tmp_path: Path, how: str) -> None:
    path = write(tmp_path, *(train(step) for step in range(10, 60, 10)))
    source = opened(FORMAT, tmp_path)
    poll_whole(source)
    if how == "replaced":
        path.unlink()
    count = 2 if how == "shorter" else 9
    write(tmp_path, *(row(step, 70, loss=7.0) for step in range(1, count + 1)))
    reading = poll_whole(source)
    assert len(reading.series["loss"]) == count
    assert reading.series["loss"].extent() == (7.0, 7.0)
    assert reading.total_steps == 70


def test_a_pace_makes_the_limit_of_freshness(tmp_path: Path) -> None:
    times = ["0:00:00", "0:10:00", "0:20:00", "1 day, 0:30:00"]
    lines = [json.dumps({"current_steps": at, "total_steps": 9, "loss": 1.0, "elapsed_time": time}) + "\n"
             for at, time in enumerate(times)]  # fmt: skip
    path = write(tmp_path, *lines)
    now = path.stat().st_mtime
    assert read(FORMAT, tmp_path, lambda: now + 2_900.0).status == "running"
    assert read(FORMAT, tmp_path, lambda: now + 3_100.0).status == "unknown"


@pytest.mark.parametrize(("text", "seconds"), [("0:00:19", 19.0), ("1 day, 0:08:23", 86_903.0), ("2 days, 1:00:00", 176_400.0),
                                               ("x", None), (3, None), (None, None), ("1:2:3", None)])  # fmt: skip
def test_times_are_those_of_timedelta(text: object, seconds: float | None) -> None:
    assert elapsed_seconds(text) == seconds


def test_pointers_and_odd_files_are_no_runs(tmp_path: Path) -> None:
    write(tmp_path, "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    assert finds(FORMAT, tmp_path) == []
    (tmp_path / "trainer_log.jsonl").unlink()
    os.mkfifo(tmp_path / "trainer_log.jsonl")
    assert finds(FORMAT, tmp_path) == []
