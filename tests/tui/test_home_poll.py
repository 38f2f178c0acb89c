"""Reading the list of runs again and again: what has ended is opened once, what goes on every time."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from ended_run import an_ended_run

from tui_ft.atomic import write_atomically
from tui_ft.runs import directory
from tui_ft.runs.after import owed, telling
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.labels import change_labels
from tui_ft.runs.records import StateRecord, encode_document
from tui_ft.tui import run_poll
from tui_ft.tui.run_poll import ADOPT_AGAIN_S, RunPoll

NOW = 1_795_262_400.0


def make_run(root: Path, name: str, status: Any, **changes: Any) -> RunDirectory:
    run = directory.create(root, name)
    write_state(run, status, **changes)
    return run


def write_state(run: RunDirectory, status: Any, **changes: Any) -> None:
    write_atomically(run.state, encode_document(StateRecord(status=status, **changes)))


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of the runs whose files were read, in order."""
    ids: list[str] = []
    summarize = run_poll.summarize

    def counting(run: RunDirectory, now: float) -> Any:
        ids.append(run.id)
        return summarize(run, now)

    monkeypatch.setattr(run_poll, "summarize", counting)
    return ids


def test_runs_come_newest_first_and_ended_ones_are_opened_once(tmp_path: Path, opened: list[str]) -> None:
    old = make_run(tmp_path, "old", "finished", started_at=NOW - 100)
    new = make_run(tmp_path, "new", "failed", started_at=NOW - 50)
    poll = RunPoll(tmp_path)
    assert [run.id for run in poll.read(NOW)] == [new.id, old.id]
    assert [run.status for run in poll.read(NOW)] == ["failed", "finished"]
    assert sorted(opened) == sorted([old.id, new.id])


def test_a_run_that_was_resumed_is_opened_again(tmp_path: Path, opened: list[str]) -> None:
    run = make_run(tmp_path, "demo", "stopped", started_at=NOW - 100)
    poll = RunPoll(tmp_path)
    poll.read(NOW)
    write_state(run, "finished", started_at=NOW - 10)
    assert [found.status for found in poll.read(NOW)] == ["finished"]
    assert len(opened) == 2


def test_a_run_that_goes_on_is_opened_every_time(tmp_path: Path, opened: list[str]) -> None:
    make_run(tmp_path, "demo", "running", host="elsewhere", boot_id="another", started_at=NOW - 100)
    poll = RunPoll(tmp_path)
    for _ in range(3):
        poll.read(NOW)
    assert len(opened) == 3


def test_a_lost_run_is_given_to_adoption_but_not_at_every_poll(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, opened: list[str]
) -> None:
    run = make_run(tmp_path, "demo", "running", started_at=NOW - 100)
    adopted: list[str] = []

    def adopt(found: RunDirectory) -> bool:
        adopted.append(found.id)
        return len(adopted) > 1

    monkeypatch.setattr(run_poll, "adopt_if_orphan", adopt)
    lost = run_poll.summarize

    def is_lost(found: RunDirectory, now: float) -> Any:
        return msgspec.structs.replace(lost(found, now), status="lost")

    monkeypatch.setattr(run_poll, "summarize", is_lost)
    poll = RunPoll(tmp_path)
    poll.read(NOW)
    poll.read(NOW + 1)
    assert adopted == [run.id]
    assert poll.take_adopted() == []
    poll.read(NOW + ADOPT_AGAIN_S)
    assert adopted == [run.id, run.id]
    assert [poll.take_adopted(), poll.take_adopted()] == [[run.id], []]


def test_what_is_to_follow_an_end_and_was_cut_off_is_begun_again_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = an_ended_run(tmp_path, NOW, 'hook = "stop"\n')
    assert owed.owe(run, 1, copy=False)
    begun: list[str] = []
    monkeypatch.setattr(telling, "follow_up", lambda run, attempt, is_late: begun.append(run.id))
    poll = RunPoll(tmp_path)
    for _ in range(2):
        assert [one.status for one in poll.read(time.time())] == ["finished"]
    assert begun == [run.id]


def test_of_very_many_runs_the_newest_are_asked_always_and_the_others_in_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, opened: list[str]
) -> None:
    monkeypatch.setattr(run_poll, "ALWAYS", 3)
    monkeypatch.setattr(run_poll, "LOOKS", 5)
    runs = [make_run(tmp_path, f"r{n:02d}", "finished", started_at=NOW - n) for n in range(12)]
    poll = RunPoll(tmp_path)
    assert len(poll.read(NOW)) == 12
    opened.clear()
    newest, oldest = max(runs, key=lambda run: run.id), min(runs, key=lambda run: run.id)
    write_state(newest, "failed", started_at=NOW)
    assert {run.id: run.status for run in poll.read(NOW)}[newest.id] == "failed"
    for run in runs:
        write_state(run, "stopped", started_at=NOW - 50)
    for _ in range(5):  # nine beyond the newest three, two of them a poll
        found = poll.read(NOW)
        assert len(found) == 12
    assert {run.status for run in found} == {"stopped"}
    assert oldest.id in opened


def test_a_run_that_comes_or_goes_is_seen_whenever_that_is(tmp_path: Path) -> None:
    poll = RunPoll(tmp_path)
    for count in range(1, 6):  # as fast as can be: within one tick of the file system's clock
        make_run(tmp_path, f"r{count}", "finished", started_at=NOW)
        assert len(poll.read(NOW)) == count
    os.utime(tmp_path, (NOW - 100, NOW - 100))  # the folder rests: its names are kept from now on
    known = poll.read(NOW)
    assert len(known) == len(poll.read(NOW)) == 5
    make_run(tmp_path, "late", "finished", started_at=NOW)
    assert len(poll.read(NOW)) == 6
    shutil.rmtree(tmp_path / known[0].id)
    assert len(poll.read(NOW)) == 5


def test_labels_come_with_the_runs_and_the_same_object_while_nothing_changes(tmp_path: Path) -> None:
    run = make_run(tmp_path, "demo", "finished", started_at=NOW)
    poll = RunPoll(tmp_path)
    change_labels(tmp_path, [run.id], tags=("best",))
    (first,) = poll.read(NOW)
    (second,) = poll.read(NOW)
    assert first.tags == ("best",) and second is first
    change_labels(tmp_path, [run.id], tags=("worst",))
    assert poll.read(NOW)[0].tags == ("worst",)


def test_an_absent_runs_root_holds_no_runs(tmp_path: Path) -> None:
    assert RunPoll(tmp_path / "none").read(NOW) == []
