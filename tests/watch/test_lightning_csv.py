# ruff: noqa: E501 - lines as the trainers write them
"""Lightning's metrics.csv: sparse rows, columns in any order, rewritten or appended to."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from foreign_files import finds, opened, points, poll_whole, read

from tui_ft.watch.sources.lightning_csv import FORMAT

HEADER = "epoch,step,train_loss_epoch,train_loss_step,val_loss\r\n"


def write(folder: Path, text: str) -> Path:
    path = folder / "metrics.csv"
    path.write_text(text, newline="")
    return path


def test_sparse_rows(tmp_path: Path) -> None:
    write(tmp_path, HEADER + "0,49,,2.5,\r\n0,99,,2.25,\r\n0,99,,,1.5\r\n0,99,2.375,,\r\n")
    reading = read(FORMAT, tmp_path)
    assert points(reading, "loss") == [(49, 2.5), (99, 2.25)]
    assert points(reading, "eval_loss") == [(99, 1.5)]
    assert points(reading, "train_loss_epoch") == [(99, 2.375)]
    assert (reading.step, reading.epoch, reading.status, reading.bad_records) == (99, 0.0, "unknown", 0)


def test_columns_in_any_order_and_the_value_of_a_step_is_the_loss(tmp_path: Path) -> None:
    write(
        tmp_path,
        "val_loss,lr-AdamW,step,train_loss_step,test_loss,train_loss_epoch,epoch\n,1e-05,7,2.5,9,3.5,1\n0.5,,7,,,,1\n",
    )
    reading = read(FORMAT, tmp_path)
    assert {name: reading.last(name) for name in reading.series} == {
        "loss": 2.5, "learning_rate": 1e-5, "test_loss": 9.0, "train_loss_epoch": 3.5, "eval_loss": 0.5,
    }  # fmt: skip


@pytest.mark.parametrize(("column", "name"), [("train_loss", "loss"), ("train/loss", "loss"), ("train_loss_epoch", "loss"),
                                              ("val/loss", "eval_loss"), ("grad_2.0_norm_total", "grad_norm"),
                                              ("lr-SGD-v1", "learning_rate"), ("time", "time_metric")])  # fmt: skip
def test_names_are_folded(tmp_path: Path, column: str, name: str) -> None:
    write(tmp_path, f"epoch,step,{column}\n0,1,0.5\n")
    assert points(read(FORMAT, tmp_path), name) == [(1, 0.5)]


def test_nan_words_and_bad_cells(tmp_path: Path) -> None:
    write(
        tmp_path,
        "epoch,step,train_loss\n0,1,nan\n0,2,inf\n0,3,-inf\n0,4,x\n0,x,1.0\n0,5\n0,6,1.0,2\n0,7,1.0\n",
    )
    reading = read(FORMAT, tmp_path)
    assert reading.series["loss"].nonfinite == 3
    assert len(reading.series["loss"]) == 4
    assert reading.bad_records == 3


def test_a_file_rewritten_with_more_columns_is_read_anew(tmp_path: Path) -> None:
    path = write(tmp_path, "epoch,step,train_loss\n0,1,2.0\n0,2,1.0\n")
    source = opened(FORMAT, tmp_path)
    assert len(poll_whole(source).series["loss"]) == 2
    with path.open("a") as file:
        file.write("0,3,0.5\n0,4,0.2")
    assert len(poll_whole(source).series["loss"]) == 3  # the torn line waits
    write(tmp_path, "epoch,step,train_loss,val_loss\n0,1,2.0,\n0,2,1.0,\n0,3,0.5,\n0,4,0.25,\n0,4,,0.75\n")
    reading = poll_whole(source)
    assert points(reading, "loss")[-1] == (4, 0.25)
    assert points(reading, "eval_loss") == [(4, 0.75)]
    write(tmp_path, "epoch,step,train_loss\n0,1,9.0\n")
    assert points(poll_whole(source), "loss") == [(1, 9.0)]


def test_settings_and_checkpoints_beside(tmp_path: Path) -> None:
    write(tmp_path, HEADER + "0,49,,2.5,\r\n")
    (tmp_path / "hparams.yaml").write_text(
        "lr: 5.0e-06\nmodel_name_or_path: gpt2\nopt:\n  name: adamw\nuse: true\n"
    )
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "epoch=0-step=50.ckpt").touch()
    reading = read(FORMAT, tmp_path)
    assert reading.settings == {"lr": 5e-6, "model_name_or_path": "gpt2", "opt.name": "adamw", "use": True}
    assert reading.model == "gpt2"
    assert reading.checkpoint_steps == (50.0,)


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "1,step\n", "name,value\nstep,1\n", "\0\0\0\n", "step\n1\n",
                                  "version https://git-lfs.github.com/spec/v1\noid sha256:0\n"])  # fmt: skip
def test_other_csv_files_are_no_runs(tmp_path: Path, text: str) -> None:
    write(tmp_path, text)
    assert finds(FORMAT, tmp_path) == []


def test_an_unreadable_file_is_a_note(tmp_path: Path) -> None:
    path = write(tmp_path, HEADER + "0,49,,2.5,\r\n")
    source = opened(FORMAT, tmp_path)
    poll_whole(source)
    path.unlink()
    os.mkfifo(path)
    source.poll()
    assert any("not a regular file" in note for note in source.reading.notes)
    assert len(source.reading.series["loss"]) == 1
