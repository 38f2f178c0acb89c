"""What happened since this person last looked: told from the run's files and one small file of the user's."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace
from synthetic_run import SyntheticRun

from tui_ft.health.finding import Finding
from tui_ft.runs.health_rows import DeedRow, FoundRow
from tui_ft.runs.listing import RunSummary, summarize
from tui_ft.runs.records import JsonLinesWriter, WarningEvent
from tui_ft.runs.requests import user_name
from tui_ft.watch import seen
from tui_ft.watch.home_since import home_line
from tui_ft.watch.reading import Reading
from tui_ft.watch.report import as_json, read_whole
from tui_ft.watch.seen import Seen, keep_look, keep_look_at_home, last_look, last_look_at_home, seen_file
from tui_ft.watch.since import since, since_last_look, since_lines
from tui_ft.watch.sources.tui_ft import TuiFtSource

NOW = 1_795_262_400.0


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


def read(made: SyntheticRun) -> Reading:
    return read_whole(TuiFtSource(made.run, clock=lambda: made.now))


def test_everything_that_happened_is_told_once(tmp_path: Path) -> None:
    with SyntheticRun(tmp_path, total_steps=120) as made:
        made.begin_training()
        made.advance(40)
        left = Seen(at=made.now, step=made.step, status="running")
        before = WarningEvent(time=made.now - 1, code="old", message="said before")
        made.event(before)
        made.advance(50)
        made.event(WarningEvent(time=made.now, code="new", message="said \x1b[31mmeanwhile"))
        finding = Finding(code="grad_spikes", level="warning", message="The gradient jumped.", time=made.now)
        health = JsonLinesWriter(made.run.health)
        health.write(FoundRow(time=made.now, finding=finding))
        health.write(DeedRow(time=made.now, deed="notify", message="Told the phone."))
        health.close()
        reading = read(made)
    told = since(reading, left, made.now, "$1.20")
    assert (told.steps, told.step, told.was, told.status) == (50, 90, "running", reading.status)
    assert told.away_s == pytest.approx(25.0)
    evaluated = [(step, value) for step, value in _points(reading, "eval_loss") if step > 40]
    assert told.best == (pytest.approx(min(value for _, value in evaluated)), told.best[1])  # type: ignore[index]
    assert told.saved is not None
    assert told.saved[0] == 90
    assert [one.code for one in told.findings] == ["grad_spikes"]
    assert told.deeds == ("Told the phone.",)
    lines = [text for text, _ in since_lines(told)]
    assert "50 steps, now at 90 of 120" in lines[0]
    assert "$1.20 spent" in lines[0]
    assert all(text.isprintable() for text in lines)
    assert any("said meanwhile" in text for text in lines)
    assert not any("said before" in text for text in lines)


def _points(reading: Reading, name: str) -> list[tuple[float, float]]:
    series = reading.series[name]
    return list(zip(series.steps, series.values, strict=False))


def test_a_run_that_stands_still_is_no_news(tmp_path: Path) -> None:
    with SyntheticRun(tmp_path, total_steps=120) as made:
        made.begin_training()
        made.advance(40)
        made.finish()
        reading = read(made)
    told = since(reading, Seen(at=made.now, step=40, status="finished"), made.now + 9000)
    assert not told.is_news
    assert told.best is None


def test_nan_is_never_the_best(tmp_path: Path) -> None:
    with SyntheticRun(tmp_path, total_steps=120) as made:
        made.begin_training()
        made.advance(5)
        made.metrics({"step": 5, "time": made.now, "eval_loss": "NaN"})
        made.metrics({"step": 6, "time": made.now, "eval_loss": 2.5})
        reading = read(made)
    told = since(reading, Seen(at=made.now - 60, step=0), made.now)
    assert told.best == (2.5, 6)


def test_the_json_of_a_reading_has_it(tmp_path: Path) -> None:
    with SyntheticRun(tmp_path, total_steps=120) as made:
        made.begin_training()
        made.advance(40)
        reading = read(made)
    assert as_json(reading)["since"] is None
    assert since_last_look(reading, made.now) is None
    keep_look(reading.path, Seen(at=made.now - 300, step=10, status="running"))
    told = as_json(reading, since_last_look(reading, made.now))["since"]
    assert (told["steps"], told["was"]) == (30, "running")
    assert json.loads(json.dumps(told)) == told


# --- the file ------------------------------------------------------------------------------------------


def test_a_look_is_kept_by_path_and_home_apart() -> None:
    assert last_look("/runs/a") is None
    keep_look("/runs/a", Seen(at=NOW - 5, step=3, status="running"))
    keep_look_at_home(Seen(at=NOW - 7))
    keep_look("/runs/b", Seen(at=NOW - 1))
    assert last_look("/runs/a") == Seen(at=NOW - 5, step=3, status="running")
    assert last_look_at_home() == Seen(at=NOW - 7)
    assert seen_file().stat().st_mode & 0o777 == 0o600


def test_the_file_stays_small() -> None:
    kept = {f"/runs/{number}": Seen(at=NOW - 10_000 + number) for number in range(seen.MOST_RUNS + 5)}
    seen_file().parent.mkdir(parents=True)
    seen_file().write_bytes(msgspec.json.encode({"schema": 1, "runs": kept}))
    keep_look("/runs/new", Seen(at=NOW))
    assert last_look("/runs/new") is not None
    assert last_look("/runs/0") is None
    assert last_look(f"/runs/{seen.MOST_RUNS}") is not None
    keep_look("/" + "x" * 10_000, Seen(at=NOW))
    assert seen_file().stat().st_size < seen.LARGEST_BYTES


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"runs": {"/runs/a": {"at": "soon"}}}', b"\xff\xfe", b'{"runs":' + b"[" * 9999],
)
def test_a_damaged_file_is_as_none_and_is_mended(content: bytes) -> None:
    seen_file().parent.mkdir(parents=True)
    seen_file().write_bytes(content)
    assert last_look("/runs/a") is None
    keep_look("/runs/a", Seen(at=NOW))
    assert last_look("/runs/a") == Seen(at=NOW)


def test_a_pipe_in_its_place_is_not_waited_for() -> None:
    seen_file().parent.mkdir(parents=True)
    os.mkfifo(seen_file())
    assert last_look("/runs/a") is None


@pytest.mark.parametrize("at", [0.0, -5.0, 1e300, 4_000_000_000.0])
def test_a_moment_that_cannot_have_been_is_none(at: float) -> None:
    keep_look("/runs/a", Seen(at=at))
    assert last_look("/runs/a") is None


def test_two_at_once_forget_nothing() -> None:
    def look(first: int) -> None:
        for number in range(first, first + 20):
            keep_look(f"/runs/{number}", Seen(at=NOW))

    threads = [threading.Thread(target=look, args=(first,)) for first in (0, 100, 200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wanted = [f"/runs/{first + number}" for first in (0, 100, 200) for number in range(20)]
    assert [path for path in wanted if last_look(path) is None] == []


# --- home ----------------------------------------------------------------------------------------------


def a_run(number: int, status: str, ended: float) -> RunSummary:
    return RunSummary(
        id=f"r{number}",
        path=f"/runs/r{number}",
        status=status,
        updated_at=ended,
        started_at=NOW - 90_000,  # type: ignore[arg-type]
    )


def test_home_counts_what_ended_meanwhile() -> None:
    runs = [
        a_run(1, "finished", NOW - 10), a_run(2, "finished", NOW - 20), a_run(3, "failed", NOW - 30),
        a_run(4, "finished", NOW - 50_000), a_run(5, "running", NOW),
    ]  # fmt: skip
    line = home_line(runs, Seen(at=NOW - 11_100), NOW)
    assert line == "Since you left (3h05m ago): 2 finished, 1 failed"
    assert home_line(runs, None, NOW) == ""
    assert home_line(runs, Seen(at=NOW - 20), NOW) == ""
    assert home_line(runs[3:], Seen(at=NOW - 11_100), NOW) == ""


def test_what_i_stopped_myself_is_no_news_to_me(tmp_path: Path) -> None:
    me, left = user_name(), Seen(at=NOW - 11_100)
    runs = [
        replace(a_run(number, "stopped", NOW - 10), stopped_by=by)
        for number, by in enumerate([me, f"{me} (app)", f"{me} (fix halve_batch)"])
    ]
    assert home_line(runs, left, NOW) == ""
    runs += [
        replace(a_run(number, "stopped", NOW - 10), stopped_by=by)
        for number, by in enumerate(["the guard: nan", "", f"{me}x", "budget"], 3)
    ]
    assert home_line(runs, left, NOW) == "Since you left (3h05m ago): 4 stopped"
    with SyntheticRun(tmp_path) as made:
        made.set_state("stopped", stop_requested_by=f"{me} (app)")
        assert summarize(made.run).stopped_by == f"{me} (app)"
