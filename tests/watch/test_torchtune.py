"""torchtune's disk log."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from foreign_files import finds, opened, points, poll_whole, read

from tui_ft.watch.sources.torchtune import FORMAT

LINE = "Step {} | loss:{} lr:2e-05 tokens_per_second_per_gpu:1234.5 grad_norm:{} \n"


def write(folder: Path, text: str, name: str = "log_1795220038.txt") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_lines_are_rows(tmp_path: Path) -> None:
    write(
        tmp_path,
        "".join(LINE.format(at, 2 - at / 10, 1.5) for at in range(1, 6)) + "Step 5 | val_loss:1.23\n",
    )
    reading = read(FORMAT, tmp_path)
    assert points(reading, "loss") == [(at, 2 - at / 10) for at in range(1, 6)]
    assert points(reading, "eval_loss") == [(5, 1.23)]
    assert reading.last("tokens_per_s") == 1234.5
    assert (reading.started_at, reading.step, reading.total_steps) == (1_795_220_038.0, 5, None)
    assert reading.status == "unknown"


def test_words_and_tensors(tmp_path: Path) -> None:
    values = ["nan", "inf", "-inf", "tensor(1.5)", "tensor(2.5000, device='cuda:0')", "x", "9" * 500]
    write(tmp_path, "".join(LINE.format(at, value, 1) for at, value in enumerate(values)))
    reading = read(FORMAT, tmp_path)
    loss = reading.series["loss"]
    assert math.isnan(loss.values[0])
    assert [loss.values[at] for at in range(1, 5)] == [math.inf, -math.inf, 1.5, 2.5]
    assert len(reading.series["grad_norm"]) == 7


def test_the_same_as_json(tmp_path: Path) -> None:
    write(
        tmp_path, '{"step": 1, "loss": 1.5, "epoch": 0}\n{"step": 2, "loss": NaN}\n', "log_1795220038.jsonl"
    )
    reading = read(FORMAT, tmp_path)
    assert reading.series["loss"].first == (1, 1.5)
    assert reading.series["loss"].nonfinite == 1


def test_the_settings_that_torchtune_saves_beside(tmp_path: Path) -> None:
    write(tmp_path, LINE.format(1, 2.0, 1))
    (tmp_path / "torchtune_config.yaml").write_text(
        "model:\n  _component_: torchtune.models.llama3_2.lora_llama3_2_1b\n  lora_rank: 8\nepochs: 1\n"
    )
    reading = read(FORMAT, tmp_path)
    assert reading.model == "lora_llama3_2_1b"
    assert reading.settings["model.lora_rank"] == 8


def test_two_logs_in_a_folder_are_two_runs(tmp_path: Path) -> None:
    write(tmp_path, LINE.format(1, 2.0, 1))
    write(tmp_path, LINE.format(1, 3.0, 1), "log_1795220039.txt")
    assert len(finds(FORMAT, tmp_path)) == 2


def test_a_growing_log_and_bad_lines(tmp_path: Path) -> None:
    path = write(tmp_path, LINE.format(1, 2.0, 1))
    source = opened(FORMAT, path)
    poll_whole(source)
    with path.open("a") as file:
        file.write("garbage\nStep x | loss:1\nStep 2 | \n" + LINE.format(3, 1.0, 1) + "Step 4 | loss:0.")
    reading = poll_whole(source)
    assert points(reading, "loss") == [(1, 2.0), (3, 1.0)]
    assert reading.bad_records == 3


@pytest.mark.parametrize("text", ["", "hello\n", "Step by step | a:b\n", "Step 1 of 3: loss 2\n"])
def test_other_logs_are_not_its(tmp_path: Path, text: str) -> None:
    write(tmp_path, text)
    assert finds(FORMAT, tmp_path) == []
