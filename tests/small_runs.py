# ruff: noqa: E501 - rows of tables and samples
"""A small finished run of every format, made here: what tests damage."""

from __future__ import annotations

import json
import os
import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foreign_files import printed, tqdm_line, train_rows, write_state
from foreign_writers import STEP_S, TAGS, EventFile, WandbFile, scalar, tensor_scalar, text, values

STEPS = 40
CHANGED_AT = 1_795_220_000.0
"""When all files of a small run were written, unix seconds."""

SUMMARY = {
    "train_runtime": 10.5, "train_samples_per_second": 8.0, "train_steps_per_second": 4.0, "train_loss": 1.98,
}  # fmt: skip


@dataclass(frozen=True)
class SmallRun:
    """`make(folder)` writes the run and returns the file that tests damage; `ends` where a mark tells of it."""

    name: str
    format: str
    make: Callable[[Path], Path]
    ends: bool = True


def made(run: SmallRun, folder: Path) -> Path:
    """Write a small run; all its files are of one moment."""
    folder.mkdir(parents=True, exist_ok=True)
    path = run.make(folder)
    date(folder)
    return path


def date(folder: Path, when: float = CHANGED_AT) -> None:
    """Give all files under a folder the same time of change."""
    for file in folder.rglob("*"):
        if file.is_file():
            os.utime(file, (when, when))


def _state(folder: Path) -> Path:
    rows: list[dict[str, Any]] = [
        *train_rows(range(1, STEPS + 1)),
        {"eval_loss": 1.5, "epoch": 0.4, "step": STEPS},
    ]
    rows.append({**SUMMARY, "epoch": 0.4, "step": STEPS, "total_flos": 1e12})
    return write_state(folder, rows, step=STEPS, max_steps=STEPS)


def _checkpoint(folder: Path) -> Path:
    return write_state(folder / "checkpoint-20", train_rows(range(1, 21)), max_steps=STEPS)


def _events(folder: Path) -> Path:
    rng = random.Random(7)
    with EventFile(folder, start=CHANGED_AT - 100) as file:
        at = CHANGED_AT - 100
        file.add(
            at, 0, text("args/text_summary", json.dumps({"max_steps": STEPS, "model_name_or_path": "tiny"}))
        )
        for step in range(1, STEPS + 1):
            at += STEP_S
            for tag, value in zip(TAGS, values(step, STEPS, rng), strict=True):
                file.add(at, step, scalar(tag, value))
            file.add(at, step, tensor_scalar("train/tensor", step / 2, is_first=step == 1))
        for name, value in SUMMARY.items():
            file.add(at, STEPS, scalar(f"train/{name}", value))
    return file.path


def _wandb(folder: Path) -> Path:
    rng = random.Random(7)
    config = {"learning_rate": 1e-4, "max_steps": STEPS, "nested": {"model_name_or_path": "tiny"}}
    with WandbFile(folder, config=config) as file:
        for step in range(1, STEPS + 1):
            metrics = dict(zip(TAGS, values(step, STEPS, rng), strict=True))
            file.log(CHANGED_AT - 100 + step * STEP_S, {**metrics, "train/global_step": step})
        file.exit()
    (file.folder / "files" / "config.yaml").write_text("learning_rate:\n  value: 0.0001\n")
    (file.folder / "files" / "output.log").write_text("one line\nanother\n")
    return file.path


def _llamafactory(folder: Path) -> Path:
    rows: list[dict[str, Any]] = [
        {"current_steps": step, "total_steps": STEPS, "loss": 2 - step / 100, "lr": 1e-4, "epoch": step / STEPS,
         "percentage": step * 100 / STEPS, "elapsed_time": f"0:00:{step % 60:02d}", "remaining_time": "0:00:09"}
        for step in range(1, STEPS + 1)
    ]  # fmt: skip
    rows.append({"current_steps": STEPS, "total_steps": STEPS, "epoch": 1.0, "percentage": 100.0})
    path = folder / "trainer_log.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def _lightning(folder: Path) -> Path:
    path = folder / "metrics.csv"
    rows = [f"{step // 20},{step},{2 - step / 100},,1e-4\r\n" for step in range(STEPS)]
    rows.insert(20, "0,19,,1.75,\r\n")
    path.write_text("epoch,step,train_loss_step,val_loss,lr-AdamW\r\n" + "".join(rows), newline="")
    (folder / "hparams.yaml").write_text("model_name: tiny\nlr: 0.0001\n")
    return path


def _stdout(folder: Path) -> Path:
    rows = [
        printed(
            str({"loss": f"{2 - step / 100:.4g}", "grad_norm": "0.5", "epoch": f"{step / STEPS:.4g}"}),
            step,
            STEPS,
        )
        for step in range(1, STEPS + 1)
    ]
    path = folder / "train.log"
    path.write_text(tqdm_line(0, STEPS) + "".join(rows) + f"\n{SUMMARY}\n")
    return path


def _plain(folder: Path) -> Path:
    rows = [f"iter {step}: loss {3 - step / 50:.4f}, time 55.00ms, mfu 3.40%\n" for step in range(STEPS)]
    rows[20:20] = ["step 20: train loss 2.6000, val loss 2.7000\n"]
    path = folder / "nohup.out"
    path.write_text("".join(rows))
    return path


def _torchtune(folder: Path) -> Path:
    path = folder / "log_1795220000.txt"
    row = "Step {} | loss:{} lr:2e-05 tokens_per_second_per_gpu:1234.5 grad_norm:tensor(1.5) \n"
    path.write_text("".join(row.format(step, 2 - step / 100) for step in range(1, STEPS + 1)))
    return path


def _mlflow_files(folder: Path) -> Path:
    run = folder / "mlruns" / "1" / ("c" * 32)
    for name in ("metrics/train", "params", "tags"):
        (run / name).mkdir(parents=True)
    (run / "meta.yaml").write_text(
        f"run_id: {run.name}\nrun_name: small\nstatus: 3\nstart_time: 1795219900000\nend_time: 1795220000000\n"
    )
    (run / "params" / "max_steps").write_text(str(STEPS))
    at = int(CHANGED_AT * 1000) - 100_000
    rows = [f"{at + step * 500} {2 - step / 100} {step}\n" for step in range(1, STEPS + 1)]
    path = run / "metrics" / "train" / "loss"
    path.write_text("".join(rows))
    return path


MLFLOW_TABLES = """
CREATE TABLE runs (run_uuid VARCHAR(32) PRIMARY KEY, name VARCHAR(250), source_type VARCHAR(20),
    source_name VARCHAR(500), user_id VARCHAR(256), status VARCHAR(9), start_time BIGINT, end_time BIGINT,
    lifecycle_stage VARCHAR(20), artifact_uri VARCHAR(200), experiment_id INTEGER);
CREATE TABLE metrics ("key" VARCHAR(250), value FLOAT, timestamp BIGINT, run_uuid VARCHAR(32),
    step BIGINT DEFAULT '0', is_nan BOOLEAN DEFAULT '0');
CREATE TABLE params ("key" VARCHAR(250), value VARCHAR(8000), run_uuid VARCHAR(32));
CREATE TABLE tags ("key" VARCHAR(250), value VARCHAR(8000), run_uuid VARCHAR(32));
"""


def _mlflow_database(folder: Path) -> Path:
    path, run, at = folder / "mlflow.db", "1" * 32, int(CHANGED_AT * 1000) - 100_000
    with closing(sqlite3.connect(path)) as database:
        database.executescript(MLFLOW_TABLES)
        database.execute(
            "INSERT INTO runs VALUES (?, 'small', 'LOCAL', 'train.py', 'x', 'FINISHED', ?, ?, 'active', '', 1)",
            (run, at, at + 100_000),
        )
        for step in range(1, STEPS + 1):
            for key, value in (("train/loss", 2 - step / 100), ("train/grad_norm", 0.5)):
                row = (key, value, at + step * 500, run, step, 0)
                database.execute("INSERT INTO metrics VALUES (?, ?, ?, ?, ?, ?)", row)
        database.execute("INSERT INTO params VALUES ('max_steps', ?, ?)", (str(STEPS), run))
        database.commit()
    return path


TRACKIO_TABLES = """
CREATE TABLE metrics (id INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT NULL, timestamp TEXT NOT NULL,
    run_name TEXT NOT NULL, step INTEGER NOT NULL, metrics TEXT NOT NULL, log_id TEXT, space_id TEXT);
CREATE TABLE configs (id INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT NULL, run_name TEXT NOT NULL,
    config TEXT NOT NULL, created_at TEXT NOT NULL, UNIQUE(run_id));
CREATE TABLE system_metrics (id INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT NULL, timestamp TEXT NOT NULL,
    run_name TEXT NOT NULL, metrics TEXT NOT NULL, log_id TEXT, space_id TEXT);
"""


def _trackio(folder: Path) -> Path:
    path, run, at = folder / "small.db", "2" * 32, "2026-11-21T00:06:11.944185+00:00"
    with closing(sqlite3.connect(path)) as database:
        database.executescript(TRACKIO_TABLES)
        config = json.dumps({"lr": 2e-5, "_Username": "x"}).encode()
        database.execute("INSERT INTO configs VALUES (1, ?, 'run-a', ?, ?)", (run, config, at))
        for step in range(STEPS):
            row = json.dumps(
                {"train/loss": 2 - step / 100, "train/grad_norm": "NaN", "train/epoch": step / 10}
            ).encode()
            sql = "INSERT INTO metrics VALUES (NULL, ?, ?, 'run-a', ?, ?, NULL, NULL)"
            database.execute(sql, (run, at, step, row))
        database.commit()
    return path


RUNS = (
    SmallRun("hf_trainer_state", "hf_trainer_state", _state),
    SmallRun("checkpoint", "hf_trainer_state", _checkpoint, ends=False),
    SmallRun("tensorboard", "tensorboard", _events),
    SmallRun("wandb", "wandb", _wandb),
    SmallRun("llamafactory", "llamafactory", _llamafactory),
    SmallRun("lightning_csv", "lightning_csv", _lightning, ends=False),
    SmallRun("stdout", "stdout", _stdout),
    SmallRun("plain_log", "stdout", _plain, ends=False),
    SmallRun("torchtune", "torchtune", _torchtune, ends=False),
    SmallRun("mlflow_files", "mlflow", _mlflow_files),
    SmallRun("mlflow_database", "mlflow", _mlflow_database),
    SmallRun("trackio", "trackio", _trackio, ends=False),
)  # fmt: skip
