"""MLflow's two stores: points, status, settings; nothing of ours is written to them."""

from __future__ import annotations

import math
import sqlite3
import sys
from pathlib import Path

import pytest
from foreign_files import opened, points, read
from mutants import listing

from tui_ft.watch.reading import Reading
from tui_ft.watch.sources import sqlite_file
from tui_ft.watch.sources.mlflow import FORMAT
from tui_ft.watch.sources.protocol import Place

START_MS = 1_795_220_061_000
SHARED = Path(__file__).parents[3] / "shared" / "data" / "runs" / "generated" / "mlflow.db"


def file_run(folder: Path, *, status: int = 1) -> Path:
    run = folder / "mlruns" / "1" / "abc123"
    for name in ("metrics", "params", "tags"):
        (run / name).mkdir(parents=True)
    (run / "meta.yaml").write_text(
        f"end_time: null\nexperiment_id: '1'\nrun_id: abc123\nrun_name: calm-owl\nstart_time: {START_MS}\n"
        f"status: {status}\nuser_id: somebody\n"
    )
    return run


def metric(run: Path, key: str, rows: list[str]) -> Path:
    path = run / "metrics" / key
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.writelines(f"{row}\n" for row in rows)
    return path


def test_the_file_store(tmp_path: Path) -> None:
    run = file_run(tmp_path, status=3)
    metric(run, "train/loss", [f"{START_MS + at} {2 - at / 100} {at}" for at in range(60)])
    metric(run, "eval_loss", [f"{START_MS} nan 10", f"{START_MS} inf 20 data digest", "torn"])
    metric(run, "old", [f"{START_MS} 0.5"])
    metric(run, "epoch", [f"{START_MS} 0.5 3"])
    (run / "params" / "learning_rate").write_text("2e-05")
    (run / "params" / "api_key").write_text("s3cret")
    (run / "tags" / "mlflow.user").write_text("somebody")
    reading = read(FORMAT, run)
    assert points(reading, "loss") == [(at, 2 - at / 100) for at in range(60)]
    assert reading.series["eval_loss"].nonfinite == 2
    assert points(reading, "old") == [(0, 0.5)]
    assert (reading.title, reading.status, reading.epoch, reading.bad_records) == (
        "calm-owl",
        "finished",
        0.5,
        1,
    )
    assert reading.settings == {"learning_rate": 2e-5, "api_key": "***"}
    assert reading.started_at == START_MS / 1000


def test_a_run_of_files_is_followed_to_its_end(tmp_path: Path) -> None:
    run = file_run(tmp_path)
    path = metric(run, "loss", [f"{START_MS} 1.0 0"])
    source = opened(FORMAT, run, lambda: START_MS / 1000 + 9)
    source.poll()
    assert (source.reading.status, len(source.reading.series["loss"])) == ("running", 1)
    assert not source.poll()
    metric(run, "loss", [f"{START_MS + 5} 0.5 1"])
    source.poll()
    assert points(source.reading, "loss") == [(0, 1.0), (1, 0.5)]
    meta = run / "meta.yaml"
    meta.write_text(meta.read_text().replace("status: 1", "status: 4").replace("null", str(START_MS + 9_000)))
    source.poll()
    assert (source.reading.status, source.reading.ended_at) == ("failed", START_MS / 1000 + 9)
    path.write_text(f"{START_MS} 7.0 0\n")
    source.poll()
    source.poll()
    assert points(source.reading, "loss") == [(0, 7.0)]


def test_the_meta_of_an_experiment_is_no_run(tmp_path: Path) -> None:
    (tmp_path / "meta.yaml").write_text("experiment_id: '0'\nname: Default\nlifecycle_stage: active\n")
    assert list(FORMAT.find(tmp_path, ["meta.yaml"])) == []


def database(folder: Path, runs: dict[str, str], *, is_wal: bool = False) -> sqlite3.Connection:
    connection = sqlite3.connect(folder / "mlflow.db", isolation_level=None)
    if is_wal:
        connection.execute("PRAGMA journal_mode=WAL")
    connection.executescript(
        "CREATE TABLE runs (run_uuid TEXT PRIMARY KEY, name TEXT, status TEXT, start_time BIGINT,"
        " end_time BIGINT, lifecycle_stage TEXT);"
        "CREATE TABLE metrics (key TEXT, value FLOAT, timestamp BIGINT, run_uuid TEXT, step BIGINT,"
        " is_nan BOOLEAN);"
        "CREATE TABLE params (key TEXT, value TEXT, run_uuid TEXT);"
        "CREATE TABLE tags (key TEXT, value TEXT, run_uuid TEXT);"
        "CREATE INDEX index_metrics_run_uuid ON metrics (run_uuid);"
    )
    for run, status in runs.items():
        connection.execute(
            "INSERT INTO runs VALUES (?, ?, ?, ?, NULL, 'active')", (run, f"name {run}", status, START_MS)
        )
    return connection


def log(connection: sqlite3.Connection, run: str, key: str, step: int, value: float, is_nan: int = 0) -> None:
    connection.execute(
        "INSERT INTO metrics VALUES (?, ?, ?, ?, ?, ?)", (key, value, START_MS + step, run, step, is_nan)
    )


def places(folder: Path) -> dict[str, Place]:
    return {place.path.name: place for place in FORMAT.find(folder, ["mlflow.db"])}


def whole(place: Place) -> Reading:
    source = FORMAT.open(place, lambda: START_MS / 1000 + 3600)
    source.poll(1.0)
    assert source.reading.is_complete
    return source.reading


@pytest.mark.parametrize("is_wal", [False, True])
def test_the_database_store_while_it_is_written(tmp_path: Path, is_wal: bool) -> None:
    connection = database(tmp_path, {"a": "RUNNING", "b": "KILLED"}, is_wal=is_wal)
    for step in range(30):
        log(connection, "a", "train/loss", step, 3 - step / 10)
    log(connection, "a", "bad", 1, 0.0, is_nan=1)
    log(connection, "a", "large", 1, sys.float_info.max)
    log(connection, "b", "loss", 5, 1.0)
    found = places(tmp_path)
    assert set(found) == {"a", "b"}
    assert whole(found["b"]).status == "failed"
    before = listing(tmp_path)
    source = FORMAT.open(found["a"], lambda: START_MS / 1000 + 3600)
    source.poll()
    reading = source.reading
    assert points(reading, "loss") == [(step, 3 - step / 10) for step in range(30)]
    assert math.isnan(points(reading, "bad")[0][1])
    assert points(reading, "large") == [(1, math.inf)]
    assert (reading.title, reading.status) == ("name a", "unknown")
    assert not source.poll()
    assert listing(tmp_path) == before
    log(connection, "a", "train/loss", 30, 0.0)
    connection.execute("UPDATE runs SET status='FINISHED' WHERE run_uuid='a'")
    source.poll()
    assert len(source.reading.series["loss"]) == 31
    assert source.reading.status == "finished"
    connection.close()


def test_a_locked_database_is_said_and_read_later(tmp_path: Path) -> None:
    connection = database(tmp_path, {"a": "RUNNING"})
    log(connection, "a", "loss", 1, 1.0)
    place = places(tmp_path)["a"]
    connection.execute("BEGIN EXCLUSIVE")
    source = FORMAT.open(place, lambda: START_MS / 1000)
    source.poll()
    assert "locked" in source.reading.notes[0]
    connection.execute("COMMIT")
    source.poll()
    assert source.reading.notes == ()
    assert len(source.reading.series["loss"]) == 1
    connection.close()


def test_a_log_left_behind_is_read_from_a_copy(tmp_path: Path) -> None:
    (tmp_path / "live").mkdir()
    connection = database(tmp_path / "live", {"a": "RUNNING"}, is_wal=True)
    log(connection, "a", "loss", 1, 1.0)
    dead = tmp_path / "dead"
    dead.mkdir()
    for name in ("mlflow.db", "mlflow.db-wal"):
        (dead / name).write_bytes((tmp_path / "live" / name).read_bytes())
    connection.close()
    before = listing(dead)
    assert points(whole(places(dead)["a"]), "loss") == [(1, 1.0)]
    assert listing(dead) == before


def test_a_change_that_was_broken_off_is_undone_in_a_copy(tmp_path: Path) -> None:
    (tmp_path / "live").mkdir()
    connection = database(tmp_path / "live", {"a": "RUNNING"})
    log(connection, "a", "loss", 1, 1.0)
    connection.execute("PRAGMA cache_size=1")
    connection.execute("BEGIN")
    for step in range(2, 5_000):
        log(connection, "a", "loss", step, 1.0)
    dead = tmp_path / "dead"
    dead.mkdir()
    for name in ("mlflow.db", "mlflow.db-journal"):
        (dead / name).write_bytes((tmp_path / "live" / name).read_bytes())
    connection.close()
    before = listing(dead)
    assert points(whole(places(dead)["a"]), "loss") == [(1, 1.0)]
    assert listing(dead) == before


def test_a_query_without_end_is_broken_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = database(tmp_path, {"a": "RUNNING"})
    connection.executescript(
        "DROP TABLE tags; CREATE VIEW tags AS WITH RECURSIVE c(key, value, run_uuid) AS"
        " (SELECT 'x', 'y', 'a' UNION ALL SELECT key || '1', value, 'b' FROM c) SELECT * FROM c;"
    )
    connection.close()
    monkeypatch.setattr("tui_ft.watch.sources.sqlite_file._LONGEST_QUERY_S", 0.1)
    source = FORMAT.open(places(tmp_path)["a"], lambda: START_MS / 1000)
    source.poll()
    assert "interrupted" in source.reading.notes[0]


@pytest.mark.skipif(not SHARED.is_file(), reason="the runs of ../shared are not here")
def test_a_database_of_mlflow_itself() -> None:
    readings = {whole(place).title: whole(place) for place in places(SHARED.parent).values()}
    assert {name: reading.status for name, reading in readings.items()} == {
        "hf": "finished",
        "killed": "unknown",
    }
    assert [len(readings["hf"].series[name]) for name in ("loss", "eval_loss", "nan", "inf")] == [
        20,
        20,
        1,
        1,
    ]
    assert readings["hf"].series["loss"].extent() == (1.0499999999999998, 2.0)


def test_a_large_database_is_read_in_parts_and_never_broken_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_file, "READ_S", 0.0)
    connection = database(tmp_path, {"r": "FINISHED"})
    connection.execute("BEGIN")
    for step in range(12_000):
        log(connection, "r", "loss", step, 1.0)
    connection.execute("COMMIT")
    connection.close()
    place = next(FORMAT.find(tmp_path, ["mlflow.db"]))
    source = FORMAT.open(place, lambda: START_MS / 1000)
    seen = []
    while not source.reading.is_complete or not seen:
        source.poll(60.0)
        seen.append(len(source.reading.series["loss"]))
    assert seen == [5_000, 10_000, 12_000]
