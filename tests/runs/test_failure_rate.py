"""How long a machine lasts: what the spec says, else what happened to runs here."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest
from checkpoint_made import save

from tui_ft import settings
from tui_ft.runs import directory, failure_rate, launch, launch_record
from tui_ft.runs.records import ExitRecord, StateRecord
from tui_ft.runs.state import StateFile
from tui_ft.spec import overrides
from tui_ft.spec.run_spec import RunSpec

FAKE_TRAINER = Path(__file__).with_name("fake_trainer.py")


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "state_folder", lambda: tmp_path / "nothing")


def ended(root: Path, hours: float, cause: str, by: str | None = None) -> None:
    now = time.time()
    run = directory.create(root, "x")
    record = StateRecord(
        status="stopped",
        host="h",
        started_at=now - hours * 3600,
        ended_at=now,
        exit=ExitRecord(cause=cause, message=""),  # type: ignore[arg-type]
        stop_requested_by=by,
    )
    state = StateFile(run, record)
    state.is_written = False
    assert state.write()


def test_the_spec_has_the_first_word(tmp_path: Path) -> None:
    spec = overrides.apply(RunSpec(), ["model.id=demo", "checkpoints.hours_between_failures=3"])
    assert failure_rate.expected_life(spec, tmp_path).hours == 3


def test_nothing_known_is_a_day(tmp_path: Path) -> None:
    life = failure_rate.expected_life(RunSpec(), tmp_path / "none")
    assert life.hours == 24
    assert "nothing is known" in life.basis


def test_it_learns_from_what_happened_to_runs_and_not_from_what_people_did(tmp_path: Path) -> None:
    for _ in range(3):
        ended(tmp_path, 4, "preempted")
    ended(tmp_path, 12, "finished")
    ended(tmp_path, 4, "killed", by="ann")
    ended(tmp_path, 2, "error")
    ended(tmp_path, 2, "host_oom")
    life = failure_rate.expected_life(RunSpec(), tmp_path)
    assert life.hours == pytest.approx((24 + 32) / 4)
    assert life.basis == "3 failures in 32 h of runs here"


def test_a_clock_that_was_set_back_and_a_damaged_state_count_for_nothing(tmp_path: Path) -> None:
    ended(tmp_path, -5, "finished")
    ended(tmp_path, 1e9, "finished")
    run = directory.create(tmp_path, "bad")
    run.state.write_bytes(b"\xff{{{")
    assert failure_rate.expected_life(RunSpec(), tmp_path).hours == 24


def test_a_thousand_runs_cost_a_launch_next_to_nothing(tmp_path: Path) -> None:
    for _ in range(50):
        ended(tmp_path, 1, "finished")
    before = time.process_time()
    failure_rate.expected_life(RunSpec(), tmp_path)
    assert (time.process_time() - before) / 50 < 0.002


def test_attempts_that_were_cut_off_count_after_the_run_went_on(bench, tmp_path: Path) -> None:
    run = bench.start("forever")
    save(run, 3)
    bench.kill(run, "supervisor")
    bench.kill(run, "trainer")
    launch.resume(run, trainer=[sys.executable, str(FAKE_TRAINER), "forever"])
    save(run, 6)
    bench.wait_for(run, "running")
    bench.kill(run, "supervisor")
    bench.kill(run, "trainer")
    launch.resume(run, trainer=[sys.executable, str(FAKE_TRAINER), "steps=8"])
    bench.wait_for(run, "finished")
    record = launch_record.read(run, 3)
    assert record is not None and record.failures == 2
    life = failure_rate.expected_life(bench.spec, bench.root)
    assert life.hours == pytest.approx(24 / 3, abs=0.1)
    assert life.basis == "2 failures in less than an hour of runs here"
