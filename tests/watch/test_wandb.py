"""W&B's `.wandb` files: rows, settings, statistics, ends, damage, live; W&B's own declarations agree."""

from __future__ import annotations

import json
import math
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from foreign_files import finds, opened, points, read
from foreign_writers import BLOCK, START, WandbFile, field, number_field, write_wandb

from tui_ft.watch.sources import wandb
from tui_ft.watch.sources.wandb import FORMAT

SHARED = Path(__file__).parents[3] / "shared" / "data" / "runs"
needs_samples = pytest.mark.skipif(not SHARED.is_dir(), reason="the real runs of ../shared are not here")


def test_rows_are_read_as_written(tmp_path: Path) -> None:
    with WandbFile(tmp_path, config={"max_steps": 400, "model_name_or_path": "org/m"}) as file:
        for step in range(1, 401):
            rates = {"train/loss": 1 / step, "train/learning_rate": 1e-5 * step}
            file.log(START + step, {**rates, "train/epoch": step / 100, "train/global_step": step})
            if step % 100 == 0:
                file.log(START + step, {"eval/loss": step / 7, "train/global_step": step})
    reading = read(FORMAT, file.folder)
    assert points(reading, "loss") == [(step, 1 / step) for step in range(1, 401)]
    assert points(reading, "learning_rate") == [(step, 1e-5 * step) for step in range(1, 401)]
    assert points(reading, "eval_loss") == [(step, step / 7) for step in (100, 200, 300, 400)]
    assert (reading.step, reading.total_steps, reading.epoch) == (400, 400, 4.0)
    assert (reading.status, reading.restarts, reading.bad_records) == ("unknown", 0, 0)
    assert (reading.started_at, reading.model) == (START, "org/m")
    assert len(reading.times) == 400


def test_the_step_of_wandb_counts_where_no_other_is_logged(tmp_path: Path) -> None:
    with WandbFile(tmp_path) as file:
        for at in range(50):
            file.log(START + at, {"loss": at, "note": "warm" if at < 5 else "cold"})
    assert points(read(FORMAT, file.folder), "loss") == [(at, at) for at in range(50)]


def test_rows_of_many_shapes_keep_their_order(tmp_path: Path) -> None:
    with WandbFile(tmp_path) as file:
        for at in range(200):
            file.log(START + at, {f"metric_{at % 13}": at, "both": at})
    reading = read(FORMAT, file.folder)
    assert points(reading, "both") == [(at, at) for at in range(200)]
    assert points(reading, "metric_4") == [(at, at) for at in range(4, 200, 13)]


def test_what_is_no_number_is_no_point(tmp_path: Path) -> None:
    odd: dict[str, Any] = {
        "nan": math.nan, "inf": -math.inf, "text": 'a "quoted"\n\u202e word', "yes": True, "nothing": None,
        "nested": {"a": 1, "b": {"c": 2.5}}, "table": {"_type": "table-file", "rows": 3}, "list": [1, 2],
        "\x1b[31mred": 1.0, "huge": 10**400,
    }  # fmt: skip
    with WandbFile(tmp_path) as file:
        for at in range(3):
            file.log(START + at, odd)
            file.log(START + at, {"loss": 1.0})
    reading = read(FORMAT, file.folder)
    assert set(reading.series) == {"nan", "inf", "nested.a", "nested.b.c", "red", "loss", "huge"}
    assert reading.series["nan"].nonfinite == reading.series["inf"].nonfinite == 3
    assert points(reading, "nested.b.c") == [(0, 2.5), (2, 2.5), (4, 2.5)]
    assert points(reading, "loss") == [(1, 1.0), (3, 1.0), (5, 1.0)]


@pytest.mark.parametrize(("code", "status"), [(0, "finished"), (1, "failed"), (255, "failed")])
def test_the_exit_code_tells_the_end(tmp_path: Path, code: int, status: str) -> None:
    with WandbFile(tmp_path) as file:
        file.log(START, {"loss": 1.0})
        words = "Traceback (most recent call last):\n  File x\nValueError: too \x1b[2Jbad\n"
        if code:
            for part in (words[:20], words[20:]):
                file.record(13, field(3, part.encode()))
        file.exit(code)
    reading = read(FORMAT, file.folder)
    assert reading.status == status
    assert reading.ended_at == START
    if code:
        assert reading.reason == f"W&B recorded exit code {code}. ValueError: too bad"
        assert reading.log[-1] == "ValueError: too bad"


def test_the_output_beside_is_the_log(tmp_path: Path) -> None:
    with WandbFile(tmp_path) as file:
        file.log(START, {"loss": 1.0})
    (file.folder / "files" / "output.log").write_text("one\nKeyboardInterrupt\n")
    assert read(FORMAT, file.folder).log == ("one", "KeyboardInterrupt")


def test_who_ran_it_is_not_shown_and_secrets_are_hidden(tmp_path: Path) -> None:
    with WandbFile(tmp_path, config={"api_key": "abc", "lr": 1e-4, "peft": {"r": 8}}) as file:
        file.log(START, {"loss": 1.0})
        environment = (
            field(5, b"--hub_token") + field(5, b"s3cret") + field(6, b"train.py") + field(10, b"me@x.org")
        )
        file.record(26, environment)
    known = {"email": "me@x.org", "git": {"remote": "git@x"}, "gpu": "NVIDIA H100", "cwd": "/w", "host": "h"}
    (file.folder / "files" / "wandb-metadata.json").write_text(json.dumps(known))
    settings = read(FORMAT, file.folder).settings
    assert (settings["gpu"], settings["program"], settings["host"]) == ("NVIDIA H100", "train.py", "h")
    assert (settings["lr"], settings["peft.r"]) == (1e-4, 8)
    for secret in ("me@x", "git@x", "s3cret", "abc"):
        assert secret not in str(settings)


def test_the_adapter_is_known_by_its_own_names(tmp_path: Path) -> None:
    adapter = {"default": {"peft_type": "LORA", "r": 16, "target_modules": ["q_proj", "v_proj"]}}
    with WandbFile(tmp_path, config={"peft_config": adapter}) as file:
        file.log(START, {"loss": 1.0})
    reading = read(FORMAT, file.folder)
    assert (reading.method, reading.settings["lora_r"]) == ("lora", 16)
    assert reading.settings["lora_target_modules"] == "q_proj v_proj"


def test_statistics_are_hardware_series(tmp_path: Path) -> None:
    with WandbFile(tmp_path) as file:
        for at in range(5):
            values = {
                "gpu.0.gpu": 90 + at,
                "gpu.1.memoryAllocatedBytes": 2**30 * at,
                "proc.memory.rssMB": 1024,
            }
            items = [
                field(1, key.encode()) + field(16, json.dumps(value).encode())
                for key, value in values.items()
            ]
            moment = field(2, number_field(1, int(START) + at * 10))
            file.record(7, moment + b"".join(field(3, item) for item in items))
    reading = read(FORMAT, file.folder)
    assert reading.hardware_origin == START
    series = reading.hardware_series
    assert (series["gpu_utilization"].last, series["gpu_used_gib_1"].last) == ((40, 94), (40, 4))
    assert series["rss_gib"].first == (0, 1)
    assert reading.updated_at == START + 40


def test_a_file_is_followed_byte_by_byte(tmp_path: Path) -> None:
    whole = write_wandb(tmp_path / "whole", 3).read_bytes()
    folder = tmp_path / "run-20261121_000000-a1b2c3d4"
    folder.mkdir()
    path = folder / "run-a1b2c3d4.wandb"
    path.touch()
    source = opened(FORMAT, folder)
    seen = []
    with path.open("ab") as file:
        for at in range(len(whole)):
            file.write(whole[at : at + 1])
            file.flush()
            source.poll()
            seen.append(len(source.reading.series.get("loss", ())))
    assert seen == sorted(seen)
    assert seen[-1] == 3
    assert source.reading.status == "finished"
    assert source.reading.bad_records == 0
    assert not source.poll()


def test_records_over_several_blocks(tmp_path: Path) -> None:
    with WandbFile(tmp_path) as file:
        for at in range(20):
            file.log(START + at, {"loss": at, "text": "x" * (at * 9_000)})
    assert points(read(FORMAT, file.folder), "loss") == [(at, at) for at in range(20)]


def test_damage_costs_a_block_and_is_counted(tmp_path: Path) -> None:
    path = write_wandb(tmp_path, 2_000)
    data = bytearray(path.read_bytes())
    data[5 * BLOCK + 100] ^= 4
    path.write_bytes(data)
    reading = read(FORMAT, path.parent)
    assert reading.bad_records > 0
    assert 1_850 < len(reading.series["loss"]) < 2_000
    assert reading.series["loss"].last is not None
    assert reading.series["loss"].last[0] == 1_999


def test_a_replaced_file_is_read_anew(tmp_path: Path) -> None:
    path = write_wandb(tmp_path, 200)
    source = opened(FORMAT, path.parent)
    source.poll()
    write_wandb(tmp_path, 20)
    source.poll()
    source.poll()
    assert len(source.reading.series["loss"]) == 20


def test_a_run_without_its_file_tells_its_summary(tmp_path: Path) -> None:
    with WandbFile(tmp_path) as file:
        pass
    file.path.unlink()
    (file.folder / "files" / "wandb-summary.json").write_text('{"loss": 0.25, "_step": 9}')
    reading = read(FORMAT, file.folder)
    assert "loss 0.25" in reading.notes[0]
    assert not reading.series


def test_what_is_no_run_is_said_or_not_found(tmp_path: Path) -> None:
    folder = tmp_path / "run-20261121_000000-abc"
    folder.mkdir()
    path = folder / "run-abc.wandb"
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:1\n")
    assert finds(FORMAT, folder) == []
    path.write_bytes(bytes(100_000))
    assert "does not begin" in read(FORMAT, folder).notes[0]
    path.unlink()
    os.mkfifo(path)
    assert finds(FORMAT, folder) == []


def _records(data: bytes) -> Iterator[bytes]:
    """The records of a file, cut by its format's description alone."""
    at, begun = 7, b""
    while at + 7 <= len(data):
        left = BLOCK - at % BLOCK
        if left < 7:
            at += left
            continue
        crc, size, kind = struct.unpack_from("<IHB", data, at)
        piece = data[at + 7 : at + 7 + size]
        if len(piece) < size:
            return
        assert zlib.crc32(bytes([kind]) + piece) == crc
        begun = piece if kind in (1, 2) else begun + piece
        if kind in (1, 4):
            yield begun
        at += 7 + size


@needs_samples
@pytest.mark.parametrize("path", sorted(SHARED.rglob("*.wandb")), ids=lambda path: path.name)
def test_wandbs_own_declarations_agree(path: Path) -> None:
    declared = pytest.importorskip("wandb.proto.wandb_internal_pb2", reason="wandb is not installed")
    theirs: dict[str, dict[int, float]] = {}
    for data in _records(path.read_bytes()):
        record = declared.Record.FromString(data)
        row = {
            item.key or ".".join(item.nested_key): json.loads(item.value_json) for item in record.history.item
        }
        if not row or "train/train_runtime" in row:
            continue
        step = int(row.get("train/global_step", row["_step"]))
        for name, value in row.items():
            if name[0] != "_" and name not in ("train/global_step", "train/epoch", "epoch"):
                theirs.setdefault(name, {})[step] = float(value)
    reading = read(FORMAT, path.parent)
    assert len(reading.series) == len(theirs) > 0
    ours = sorted(repr(points(reading, name)) for name in reading.series)
    assert ours == sorted(
        repr([(float(s), v) for s, v in sorted(found.items())]) for found in theirs.values()
    )


def test_a_long_file_is_shown_coarse_then_exact_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(wandb, "SAMPLED_FROM_BYTES", 1_000_000)
    monkeypatch.setattr(wandb, "KEPT_FROM_BYTES", 1_000_000)
    file = WandbFile(tmp_path, config={"max_steps": 9000})
    for at in range(5_000):
        file.log(START + at, {"train/loss": 1 / (at + 1), "eval/loss": math.nan, "train/global_step": at})
        if at % 100 == 0:
            file.record(13, field(3, b"printed %d\n" % at))
            moment = field(2, number_field(1, int(START) + at))
            file.record(7, moment + field(3, field(1, b"gpu.0.gpu") + field(16, b"%d" % (at % 97))))
    file.flush()
    before = sorted(file.folder.iterdir())
    source = opened(FORMAT, file.folder)
    source.poll(0.0)
    first = source.reading
    assert first.is_approximate
    assert not first.is_complete
    assert 100 < len(first.series["loss"]) < 5_000
    while not source.reading.is_complete:
        source.poll(0.0)
    exact = source.reading
    assert points(exact, "loss") == [(at, 1 / (at + 1)) for at in range(5_000)]
    assert not exact.is_approximate
    assert not source.poll()
    again = opened(FORMAT, file.folder)
    again.poll(0.0)
    assert not again.reading.is_approximate
    again.poll(0.0)
    assert again.reading.is_complete
    for name in ("title", "settings", "log", "started_at", "updated_at", "total_steps", "status", "step"):
        assert getattr(again.reading, name) == getattr(exact, name)
    assert len(again.reading.hardware_series["gpu_utilization"]) == 50
    file.log(START + 5_000, {"train/loss": 0.5, "train/global_step": 5_000})
    file.exit(255)
    file.close()
    again.poll(1.0)
    assert points(again.reading, "loss")[-2:] == [(4_999, 1 / 5_000), (5_000, 0.5)]
    assert (again.reading.status, again.reading.bad_records) == ("failed", 0)
    assert sorted(file.folder.iterdir()) == before
