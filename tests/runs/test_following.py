"""Following an attempt's events while they are written."""

from __future__ import annotations

import time
from pathlib import Path

from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.following import EventFollower
from tui_ft.runs.records import (
    AttemptEvent,
    BeatEvent,
    CheckpointEvent,
    EndEvent,
    JsonLinesWriter,
    PhaseEvent,
)

NOW = 1000.0


def test_the_status_follows_the_phases(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    follower = EventFollower(run, 1)
    follower.poll()
    assert (follower.status, follower.phase) == ("starting", None)
    writer = JsonLinesWriter(run.events)
    seen = []
    writer.write(AttemptEvent(time=NOW, attempt=1, pid=12))
    for phase in ("loading model", "sampling", "training", "evaluating", "paused", "training", "sampling"):
        writer.write(PhaseEvent(time=NOW, phase=phase, total_steps=90 if phase == "training" else None))
        follower.poll()
        seen.append(follower.status)
    assert seen == ["starting", "starting", "running", "running", "paused", "running", "running"]
    assert (follower.total_steps, follower.pid) == (90, 12)
    writer.write(BeatEvent(time=NOW, phase="training", step=17))
    files = {"a": 1}
    writer.write(CheckpointEvent(time=NOW, step=20, path="x", bytes=1, files=files, seconds=0.1))
    writer.write(EndEvent(time=NOW, cause="stopped", message="m", step=20))
    follower.poll()
    assert (follower.saved_step, follower.step, follower.end.cause) == (20, 20, "stopped")
    writer.close()


def test_only_its_own_attempt_counts(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    writer = JsonLinesWriter(run.events)
    writer.write(AttemptEvent(time=NOW, attempt=1))
    writer.write(PhaseEvent(time=NOW, phase="training", total_steps=5))
    writer.write(EndEvent(time=NOW, cause="stopped", message="m", step=3))
    follower = EventFollower(run, 2)
    follower.poll()
    assert (follower.end, follower.phase, follower.total_steps) == (None, None, None)
    writer.write(AttemptEvent(time=NOW, attempt=2, step=3))
    follower.poll()
    assert (follower.end, follower.step) == (None, 3)
    writer.close()


def test_torn_bad_and_unknown_lines_end_nothing(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    with open(run.events, "wb") as file:
        file.write(b'{"event":"attempt","time":1,"attempt":1}\n')
        file.write(b'\xff\xfe\n{"event":"of a newer version","time":1}\n{"event":"phase","time":1,"pha')
    follower = EventFollower(run, 1)
    follower.poll()
    assert (follower.bad_lines, follower.phase) == (1, None), "a kind that is not known here is not bad"
    with open(run.events, "ab") as file:
        file.write(b'se":"training"}\n')
    follower.poll()
    assert follower.phase == "training", "the rest of a torn line is waited for"


def test_a_file_that_shrank_is_read_again(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    run.events.write_bytes(b'{"event":"attempt","time":1,"attempt":1}\n' + b'{"event":"beat"}\n' * 50)
    follower = EventFollower(run, 1)
    follower.poll()
    run.events.write_bytes(
        b'{"event":"attempt","time":1,"attempt":1}\n{"event":"phase","time":1,"phase":"paused"}\n'
    )
    follower.poll()
    assert follower.status == "paused"


def test_a_long_file_costs_little(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    writer = JsonLinesWriter(run.events)
    writer.write(AttemptEvent(time=NOW, attempt=1))
    for step in range(20_000):
        writer.write(BeatEvent(time=NOW, phase="training", step=step))
    writer.close()
    follower = EventFollower(run, 1)
    follower.poll()
    assert follower.step == 19_999
    began = time.process_time()
    for _ in range(100):
        follower.poll()
    assert time.process_time() - began < 0.1, "what was read is not read again"
