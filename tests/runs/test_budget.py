"""A run that costs money stops itself, with no app open, and keeps what it has."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from settings_written import write_settings

from tui_ft.errors import TuiFtError
from tui_ft.runs import control, launch, launching
from tui_ft.runs.companions import Sight
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.following import EventFollower
from tui_ft.runs.health_rows import ClearedRow, DeedRow, FoundRow, decode_health
from tui_ft.runs.money.budget import Budget
from tui_ft.runs.records import AttemptEvent, JsonLinesWriter, RequestRecord, StateRecord, encode_document
from tui_ft.runs.requests import put_request
from tui_ft.runs.state import read_state
from tui_ft.spec import overrides

FAKE_TRAINER = Path(__file__).with_name("fake_trainer.py")

START = 1_795_262_400.0


class Life:
    """A run at 3600 money an hour (1 a second), looked at by its budget whenever a test says."""

    def __init__(self, folder: Path, budget: float | None, attempt: int = 1) -> None:
        self.run = RunDirectory(folder)
        (folder / "control").mkdir(parents=True, exist_ok=True)
        self.state = StateRecord(status="starting", attempt=attempt, started_at=START, budget=budget)
        self.clock = 0.0
        self.wall = START

    def open(self) -> None:
        self.budget = Budget(self.run, self.state)

    def at(self, seconds: float, wall: float | None = None) -> Any:
        sight = Sight(
            now=START + seconds if wall is None else wall, monotonic=seconds, state=self.state,
            follower=EventFollower(self.run, self.state.attempt), hardware=None, trainer_pid=0,
        )  # fmt: skip
        wishes = self.budget.poll(sight)
        self.state = msgspec.structs.replace(self.state, **{**wishes.state, "status": "running"})
        return wishes


@pytest.fixture
def life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Life:
    write_settings(tmp_path, monkeypatch, "price_per_hour = 3600\n")
    return Life(tmp_path / "run", 1000.0)


def test_it_warns_at_four_fifths_and_stops_so_early_that_the_save_is_paid(life: Life) -> None:
    life.open()
    assert life.at(0).rows == () and life.state.budget == 1000.0
    assert life.at(799).rows == ()
    [found] = life.at(801).rows
    assert isinstance(found, FoundRow) and found.finding.level == "warning"
    assert found.finding.evidence["spent"] == 801.0 and found.finding.evidence["budget"] == 1000.0
    assert life.state.findings == {"budget": "warning"}
    assert life.at(900).rows == ()  # said once
    assert life.at(960).requests == ()
    wishes = life.at(966)  # 30 s for a save that was never measured, 5 s for the step
    [stop] = wishes.requests
    assert (stop.request, stop.by) == ("stop", "the budget")
    assert [type(row) for row in wishes.rows] == [FoundRow, DeedRow]
    assert life.at(967).requests == ()


def test_what_a_save_takes_is_measured(life: Life) -> None:
    life.run.events.write_bytes(
        b'{"schema":1,"event":"attempt","time":1795262400,"attempt":1}\n'
        b'{"event":"checkpoint","time":1795262500,"step":9,"path":"x","bytes":1,"files":{},"seconds":100}\n'
    )
    life.open()
    assert life.at(890).requests == ()
    assert [request.request for request in life.at(896).requests] == ["stop"]


def test_more_money_takes_the_warning_back(life: Life) -> None:
    life.open()
    life.at(0)
    life.at(850)
    put_request(life.run, RequestRecord(request="budget", time=1.0, by="ada", value=5000.0))
    [row] = life.at(851).rows
    assert isinstance(row, ClearedRow) and life.state.findings == {}
    assert life.state.budget == 5000.0 and not life.run.request("budget").exists()
    assert life.at(1200).requests == ()


def test_a_clock_that_jumps_ends_no_run(life: Life) -> None:
    life.open()
    life.at(0)
    assert life.at(10, wall=START + 90_000).requests == ()
    assert life.at(11, wall=START - 90_000).requests == ()


def test_another_price_counts_from_the_next_minute_on(
    life: Life, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who sees the bill and corrects the price would have been stopped by the old one."""
    life.run.events.write_bytes(
        b'{"event":"attempt","time":%d,"attempt":1}\n{"event":"end","time":%d,"cause":"stopped","message":"",'
        b'"step":1}\n{"event":"attempt","time":%d,"attempt":2}\n' % (START - 600, START - 500, START)
    )
    life.state = StateRecord(status="starting", attempt=2, started_at=START, budget=1000.0)
    life.open()
    assert life.at(0).requests == () and life.at(500).requests == ()
    write_settings(tmp_path, monkeypatch, "price_per_hour = 360\n")
    assert life.at(900).requests == ()  # 10 + 90, not 100 + 900
    write_settings(tmp_path, monkeypatch, "price_per_hour = [[\n")
    assert life.at(2000).requests == () and life.at(3000).requests == ()  # the last good one holds
    write_settings(tmp_path, monkeypatch, "price_per_hour = 3600\n")
    assert [request.request for request in life.at(3100).requests] == ["stop"]


def test_earlier_attempts_count_and_a_resume_may_bring_more(life: Life) -> None:
    writer = JsonLinesWriter(life.run.events)
    writer.write(AttemptEvent(time=START - 5000, attempt=1))
    writer.write(AttemptEvent(time=START - 4999, attempt=1))
    writer.close()
    with life.run.events.open("ab") as file:
        file.write(b'{"event":"end","time":%d,"cause":"stopped","message":"","step":1}\n' % (START - 4099))
        file.write(b'{"event":"attempt","time":%d,"attempt":2}\n' % START)
    life.state = StateRecord(status="starting", attempt=2, started_at=START, budget=1000.0)
    life.open()
    assert life.at(0).requests == () and life.state.budget == 1000.0
    assert [request.request for request in life.at(70).requests] == ["stop"]  # 900 + 70 + 35 > 1000
    life.state = StateRecord(status="starting", attempt=2, started_at=START, budget=2000.0)
    life.open()
    assert life.at(70).requests == () and life.state.budget == 2000.0


def test_an_earlier_attempt_counts_at_the_price_of_its_own_gpu(
    life: Life, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_settings(tmp_path, monkeypatch, "[price_per_gpu]\nH100 = 3600\nT4 = 36\n")
    for attempt, name in ((1, "Tesla T4"), (2, "NVIDIA H100")):
        life.run.attempt(attempt).path.mkdir(parents=True)
        life.run.attempt(attempt).environment.write_text(f'{{"gpu": {{"name": "{name}"}}}}')
    life.run.events.write_bytes(
        b'{"event":"attempt","time":%d,"attempt":1}\n{"event":"end","time":%d,"cause":"stopped","message":"",'
        b'"step":1}\n{"event":"attempt","time":%d,"attempt":2}\n' % (START - 9000, START - 1000, START)
    )
    life.state = StateRecord(status="starting", attempt=2, started_at=START, budget=1000.0)
    life.open()
    assert life.at(0).requests == () and life.at(800).requests == ()  # 80 + 800 + 35
    assert [request.request for request in life.at(890).requests] == ["stop"]


def test_more_money_is_kept_though_the_resume_comes_to_nothing(
    bench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its supervisor never looked; the next resume then took the old budget, and was refused or stopped."""
    write_settings(tmp_path, monkeypatch, "price_per_hour = 3600\n")
    bench.spec = overrides.apply(bench.spec, ["after.budget=1000"])
    run = bench.start()
    control.request(run, "stop", by="ada (command)")
    bench.wait_for(run, "stopped")

    def refuse(*_: Any, **__: Any) -> None:
        raise TuiFtError("no supervisor")

    with monkeypatch.context() as patch:
        patch.setattr(launching, "start_supervisor", refuse)
        with pytest.raises(TuiFtError, match="no supervisor"):
            launch.resume(run, ["after.budget=4000"], trainer=[sys.executable, str(FAKE_TRAINER), "forever"])
    assert read_state(run).budget == 4000.0
    launch.resume(run, trainer=[sys.executable, str(FAKE_TRAINER), "forever"])
    bench.wait_for(run, "running")
    assert read_state(run).budget == 4000.0


def test_no_more_than_half_of_a_small_budget_is_kept_back(life: Life) -> None:
    life.state = msgspec.structs.replace(life.state, budget=10.0)
    life.open()
    assert life.at(0).requests == () and life.at(4).requests == ()
    wishes = life.at(6)
    assert [request.request for request in wishes.requests] == ["stop"]
    assert "before it has trained a step" in wishes.rows[0].finding.message
    assert "$5.00" in wishes.rows[1].message


def test_a_budget_that_pays_for_no_training_does_not_start(
    bench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_settings(tmp_path, monkeypatch, "price_per_hour = 2.5\n")
    spec = overrides.apply(bench.spec, ["after.budget=0.01"])
    with pytest.raises(TuiFtError, match="before anything is trained") as raised:
        launch.start(spec, bench.root)
    assert raised.value.hint == "Allow $0.049 at least."


def test_a_supervisor_that_takes_over_keeps_what_was_set(life: Life) -> None:
    life.state = StateRecord(status="running", attempt=1, started_at=START, budget=4000.0)
    life.open()
    life.at(2000)
    assert life.state.budget == 4000.0


def test_without_a_price_it_is_said_that_it_cannot_be_kept(
    life: Life, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_settings(tmp_path, monkeypatch, "")
    life.open()
    assert life.at(4000).rows == ()  # the trainer has not said yet on what it runs
    life.run.attempt(1).path.mkdir(parents=True)
    life.run.attempt(1).environment.write_text('{"gpu": null}')
    [row] = life.at(5000).rows
    assert isinstance(row, FoundRow) and "price_per_hour" in row.finding.message
    assert life.at(6000).requests == ()


def test_a_budget_without_a_price_does_not_start(
    bench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_settings(tmp_path, monkeypatch, "")
    spec = overrides.apply(bench.spec, ["after.budget=1"])
    with pytest.raises(TuiFtError, match="no price"):
        launch.start(spec, bench.root)


def test_a_real_run_stops_at_its_budget_with_a_checkpoint(
    bench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_settings(tmp_path, monkeypatch, "price_per_hour = 3600\n")
    run = bench.start()
    control.request(run, "budget", by="ada (command)", value=6.0)  # one a second, half kept back
    bench.wait_for(run, "stopped", 20.0)
    state = read_state(run)
    assert state.stop_requested_by == "the budget" and state.budget == 6.0
    assert run.list_checkpoints()
    rows = [decode_health(line) for line in run.health.read_bytes().splitlines()]
    assert [row.deed for row in rows if isinstance(row, DeedRow)] == ["stop"]
    assert time.time() - (state.started_at or 0) < 20
    control_state = msgspec.structs.replace(state, started_at=(state.started_at or 0) - 40)
    run.state.write_bytes(encode_document(control_state))
    with pytest.raises(TuiFtError, match=r"of its budget of \$6.00") as raised:
        launch.resume(run, trainer=[sys.executable, str(FAKE_TRAINER), "forever"])
    assert "--set after.budget=" in raised.value.hint
    launch.resume(run, ["after.budget=4000"], trainer=[sys.executable, str(FAKE_TRAINER), "forever"])
    bench.wait_for(run, "running")
    bench.wait_until(lambda: read_state(run).budget == 4000.0, "the new budget")
