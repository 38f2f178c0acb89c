"""trackio's database: rows, both schemas, settings; nothing of ours is written to it."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from foreign_files import points
from mutants import listing

from tui_ft.watch.sources.foreign import ForeignSource
from tui_ft.watch.sources.protocol import Place
from tui_ft.watch.sources.trackio import FORMAT

AT = "2026-11-21T00:06:11+00:00"
AT_UNIX = 1_795_219_571.0
SHARED = Path(__file__).parents[3] / "shared" / "data" / "runs" / "generated" / "trackio_db" / "ft-demo.db"


def database(folder: Path, *, has_id: bool = True) -> sqlite3.Connection:
    connection = sqlite3.connect(folder / "demo.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    run_id = "run_id TEXT NOT NULL, " if has_id else ""
    for table, more in (("metrics", "step INTEGER, "), ("system_metrics", "")):
        connection.execute(
            f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, {run_id}timestamp TEXT,"
            f" run_name TEXT, {more}metrics TEXT)"
        )
    connection.execute(f"CREATE TABLE configs (id INTEGER PRIMARY KEY, {run_id}run_name TEXT, config TEXT)")
    return connection


def log(connection: sqlite3.Connection, run: str, step: int, metrics: Any, *, has_id: bool = True) -> None:
    names, values = ("run_id, ", (run + "-id",)) if has_id else ("", ())
    marks = ", ".join("?" * (len(values) + 4))
    connection.execute(
        f"INSERT INTO metrics ({names}run_name, timestamp, step, metrics) VALUES ({marks})",
        (*values, run, AT, step, json.dumps(metrics).encode()),
    )


def places(folder: Path) -> dict[str, Place]:
    return {place.path.name: place for place in FORMAT.find(folder, ["demo.db"])}


def opened(place: Place) -> ForeignSource:
    return FORMAT.open(place, lambda: AT_UNIX + 3600)


@pytest.mark.parametrize("has_id", [True, False])
def test_rows_are_read_while_they_are_written(tmp_path: Path, has_id: bool) -> None:
    connection = database(tmp_path, has_id=has_id)
    for step in range(20):
        log(connection, "a/b c", step, {"train/loss": 2 - step / 10, "train/epoch": step / 20}, has_id=has_id)
    log(connection, "other", 0, {"loss": 1}, has_id=has_id)
    found = places(tmp_path)
    assert set(found) == ({"a%2Fb%20c-id", "other-id"} if has_id else {"a%2Fb%20c", "other"})
    before = listing(tmp_path)
    source = opened(next(iter(found.values())))
    source.poll()
    assert points(source.reading, "loss") == [(step, 2 - step / 10) for step in range(20)]
    assert (source.reading.title, source.reading.epoch, source.reading.status) == ("a/b c", 0.95, "unknown")
    assert source.reading.updated_at == AT_UNIX
    assert not source.poll()
    assert listing(tmp_path) == before
    log(
        connection, "a/b c", 20, {"train/loss": "NaN", "x": {"y": "Infinity"}, "word": "hello"}, has_id=has_id
    )
    source.poll()
    assert source.reading.series["loss"].nonfinite == source.reading.series["x.y"].nonfinite == 1
    assert len(source.reading.series["loss"]) == 21
    connection.close()


def test_settings_statistics_and_the_end(tmp_path: Path) -> None:
    connection = database(tmp_path)
    config = {"lr": 1e-4, "hf_token": "s3cret", "_Username": "somebody", "_Created": AT}
    connection.execute("INSERT INTO configs VALUES (1, 'a-id', 'a', ?)", (json.dumps(config),))
    connection.execute(
        "INSERT INTO system_metrics VALUES (1, 'a-id', ?, 'a', ?)",
        (AT, '{"gpu/0/utilization": 97, "gpu/1/allocated_memory": 20.5}'),
    )
    log(connection, "a", 3, {"train/loss": 1.0, "train/global_step": 30})
    log(connection, "a", 4, {"train/train_runtime": 9.0, "train/train_loss": 1.5, "train/global_step": 30})
    source = opened(places(tmp_path)["a-id"])
    source.poll()
    reading = source.reading
    assert reading.status == "finished"
    assert {name: points(reading, name) for name in reading.series} == {"loss": [(30, 1.0)]}
    assert reading.settings == {"lr": 1e-4, "hf_token": "***"}
    assert reading.started_at == reading.hardware_origin == AT_UNIX
    assert reading.hardware_series["gpu_utilization"].last == (0, 97)
    assert reading.hardware_series["gpu_used_gib_1"].last == (0, 20.5)
    connection.close()


def test_rows_that_are_none_are_counted(tmp_path: Path) -> None:
    connection = database(tmp_path)
    connection.execute("INSERT INTO metrics VALUES (1, 'a-id', ?, 'a', 'x', ?)", (AT, '{"loss": 1}'))
    connection.execute("INSERT INTO metrics VALUES (2, 'a-id', ?, 'a', 1, ?)", (AT, "[[[["))
    connection.execute("INSERT INTO metrics VALUES (3, 'a-id', 'once', 'a', 2, ?)", (b'{"loss": 2}',))
    source = opened(places(tmp_path)["a-id"])
    source.poll()
    assert points(source.reading, "loss") == [(2, 2.0)]
    assert source.reading.bad_records == 1
    connection.close()


@pytest.mark.skipif(not SHARED.is_file(), reason="the runs of ../shared are not here")
def test_a_database_of_trackio_itself() -> None:
    (place,) = FORMAT.find(SHARED.parent, [SHARED.name])
    source = opened(place)
    source.poll()
    assert (source.reading.title, len(source.reading.series["loss"]), source.reading.step) == (
        "run-a",
        30,
        30,
    )
    assert source.reading.series["loss"].last == (29, 0.5499999999999998)
