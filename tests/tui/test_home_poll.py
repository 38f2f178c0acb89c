"""Reading the list of runs again and again: what has ended is opened once, what goes on every time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from tui_ft.atomic import write_atomically
from tui_ft.runs import directory
from tui_ft.runs.directory import RunDirectory
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
    monkeypatch.setattr(run_poll, "adopt_if_orphan", lambda found: adopted.append(found.id))
    lost = run_poll.summarize

    def is_lost(found: RunDirectory, now: float) -> Any:
        return msgspec.structs.replace(lost(found, now), status="lost")

    monkeypatch.setattr(run_poll, "summarize", is_lost)
    poll = RunPoll(tmp_path)
    poll.read(NOW)
    poll.read(NOW + 1)
    assert adopted == [run.id]
    poll.read(NOW + ADOPT_AGAIN_S)
    assert adopted == [run.id, run.id]


def test_an_absent_runs_root_holds_no_runs(tmp_path: Path) -> None:
    assert RunPoll(tmp_path / "none").read(NOW) == []
