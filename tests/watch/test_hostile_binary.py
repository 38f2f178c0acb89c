"""Event files, `.wandb` files and databases torn and damaged: no error, no wrong end, no write."""

from __future__ import annotations

import os
import random
import sqlite3
from collections.abc import Callable
from pathlib import Path

import mutants
import pytest
from foreign_writers import START, EventFile, WandbFile, field, scalar, tensor_scalar, text
from hypothesis import given, settings
from hypothesis import strategies as st

from tui_ft.watch.sources import event_message, wandb_message
from tui_ft.watch.sources.event_frames import Framer
from tui_ft.watch.sources.event_scalars import Scalars
from tui_ft.watch.sources.wandb_blocks import Blocks
from tui_ft.watch.sources.wandb_history import History
from tui_ft.watch.sources.wire import WireError

CHANGES = 80
"""Damaged copies of each file in a run of the tests; beside them one torn at every 64th byte."""

LATER = START + 86_400.0


def _events(folder: Path) -> Path:
    with EventFile(folder) as file:
        file.add(START, 0, text("args/text_summary", '{"max_steps": 60, "x": "\\u001b[2J"}'))
        for step in range(60):
            file.add(START + step, step, scalar("train/loss", 1 / (step + 1)))
            file.add(START + step, step, tensor_scalar("\x1b]0;gone\x07", step, is_first=step == 0))
        file.add(START + 60, 60, scalar("train/train_runtime", 60.0))
    return file.path


def _wandb(folder: Path) -> Path:
    with WandbFile(folder, config={"max_steps": 60, "\x1b[2J": "\x9b31m"}) as file:
        for step in range(60):
            file.log(
                START + step, {"train/loss": 1 / (step + 1), "train/global_step": step, "\u202ename": 1.0}
            )
            file.record(13, field(3, b"\x1b]0;gone\x07 printed\n"))
        file.exit()
    return file.path


def _mlflow(folder: Path) -> Path:
    path = folder / "mlflow.db"
    connection = sqlite3.connect(path)
    connection.executescript(
        "CREATE TABLE runs (run_uuid, name, status, start_time, end_time, lifecycle_stage);"
        "CREATE TABLE metrics (key, value, timestamp, run_uuid, step, is_nan);"
        "CREATE TABLE params (key, value, run_uuid); CREATE TABLE tags (key, value, run_uuid);"
        "INSERT INTO runs VALUES ('a', 'n', 'RUNNING', 1, 2, 'active');"
    )
    rows = [("loss", 1 / (at + 1), int(START * 1000) + at, "a", at, 0) for at in range(60)]
    connection.executemany("INSERT INTO metrics VALUES (?, ?, ?, ?, ?, ?)", rows)
    connection.commit()
    connection.close()
    return path


FILES: dict[str, Callable[[Path], Path]] = {"tensorboard": _events, "wandb": _wandb, "mlflow": _mlflow}


def read_changed(name: str, path: Path, place: mutants.Place, data: bytes) -> int:
    """Read the place with this content; return how many points of the loss there are."""
    path.write_bytes(data)
    before = mutants.listing(path.parent)
    list(mutants.formats.by_name(name).find(path.parent, [path.name]))
    reading = mutants.read_whole(mutants.opened(place, LATER))
    mutants.check(reading, path)
    assert mutants.listing(path.parent) == before
    return len(reading.series.get("loss", ()))


@pytest.mark.parametrize("name", FILES)
def test_torn_at_every_64th_byte(tmp_path: Path, name: str) -> None:
    path = FILES[name](tmp_path)
    whole, place = path.read_bytes(), mutants.place_at(name, path)
    assert read_changed(name, path, place, whole) == 60
    known = [read_changed(name, path, place, data) for data in mutants.truncations(whole)]
    assert len(known) > 50
    if name != "mlflow":
        assert known == sorted(known)


@pytest.mark.parametrize("name", FILES)
def test_damaged_anywhere(tmp_path: Path, name: str) -> None:
    path = FILES[name](tmp_path)
    whole, place, chance = path.read_bytes(), mutants.place_at(name, path), random.Random(name)
    for _ in range(CHANGES):
        assert read_changed(name, path, place, mutants.damaged(whole, chance)) <= 60


@pytest.mark.parametrize("name", FILES)
def test_replaced_by_what_is_no_file(tmp_path: Path, name: str) -> None:
    path = FILES[name](tmp_path)
    source = mutants.opened(mutants.place_at(name, path), LATER)
    mutants.read_whole(source)
    for change in (lambda: os.mkfifo(path), path.mkdir, lambda: path.symlink_to(path), lambda: None):
        path.unlink(missing_ok=True)
        change()
        mutants.poll(source)
        mutants.check(source.reading)
        if path.is_dir():
            path.rmdir()
    path.write_bytes(bytes(100_000))
    mutants.poll(source)
    mutants.check(source.reading)


@pytest.mark.parametrize("name", ["tensorboard", "wandb"])
def test_no_byte_of_damage_changes_a_value(tmp_path: Path, name: str) -> None:
    path = FILES[name](tmp_path)
    whole, place, chance = path.read_bytes(), mutants.place_at(name, path), random.Random(3)
    true = {step: 1 / (step + 1) for step in range(60)}
    for _ in range(200):
        data = bytearray(whole)
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        path.write_bytes(data)
        reading = mutants.read_whole(mutants.opened(place, LATER))
        if "loss" in reading.series:
            series = reading.series["loss"]
            for at in range(len(series)):
                assert series.values[at] == pytest.approx(true[int(series.steps[at])], rel=1e-6)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_taken_as_messages(data: bytes) -> None:
    for parse in (event_message.parse, wandb_message.run, wandb_message.config, wandb_message.kind_of):
        try:
            parse(data, 0, len(data))
        except WireError:
            continue
    frames = Framer().cut(data)
    assert frames.used <= len(data)
    frames.begins = {len(data): [0]} if data else {}
    Scalars().decode(data + bytes(4), frames)
    History().rows([(b"\x08\x01\x12" + bytes([len(data) % 128]) + data, 0, len(data) + 4)])
    blocks = Blocks()
    blocks.cut(data)
    assert blocks.offset <= 7 + len(data)
