"""What counts as a request, and what a run refuses."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tui_ft.errors import TuiFtError
from tui_ft.runs import control
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.records import RequestRecord, encode_document
from tui_ft.runs.requests import clear_requests, put_request, read_requests, remove_request, user_name


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    (tmp_path / "control").mkdir()
    return RunDirectory(tmp_path)


def ask(name: str = "stop", **changes: object) -> RequestRecord:
    return RequestRecord(request=name, time=1.0, by="anna", **changes)  # type: ignore[arg-type]


def test_put_read_remove(run: RunDirectory) -> None:
    put_request(run, ask("stop", now=True))
    put_request(run, ask("learning_rate", value=1e-5))
    found = read_requests(run)
    assert (found["stop"].now, found["learning_rate"].value) == (True, 1e-5)
    assert run.request("stop").stat().st_mode & 0o777 == 0o600
    remove_request(run, "stop")
    assert list(read_requests(run)) == ["learning_rate"]
    clear_requests(run)
    assert list(run.control.iterdir()) == []


def test_a_user_without_a_name_can_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000_000)  # as in a container: no line in passwd
    assert user_name() == "user 4000000000"


def test_links_folders_pipes_and_rubbish_do_not_count(run: RunDirectory, tmp_path: Path) -> None:
    outside = tmp_path / "outside.json"
    outside.write_bytes(encode_document(ask("stop")))
    run.request("stop").symlink_to(outside)
    run.request("save").mkdir()
    os.mkfifo(run.request("pause"))
    run.request("continue").write_text("{")
    run.request("learning_rate").write_bytes(encode_document(ask("stop")))
    assert read_requests(run) == {}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_another_users_file_does_not_count(run: RunDirectory) -> None:
    put_request(run, ask("stop"))
    os.chown(run.request("stop"), 4321, 4321)
    assert read_requests(run) == {}


def test_a_request_to_something_that_is_no_run(run: RunDirectory) -> None:
    with pytest.raises(TuiFtError, match="is not a run"):
        control.request(run, "stop", by="anna")


@pytest.mark.parametrize("value", [None, 0.0, -1.0, float("nan"), float("inf")])
def test_a_learning_rate_must_be_one(bench, value: float | None) -> None:
    run = bench.start("forever")
    with pytest.raises(TuiFtError, match="no learning rate"):
        control.request(run, "learning_rate", by="anna", value=value)
    assert list(run.control.iterdir()) == []


def test_pause_and_continue_take_each_other_back(bench) -> None:
    run = bench.start("loading", until="starting")
    control.request(run, "pause", by="anna")
    control.request(run, "continue", by="anna")
    assert list(read_requests(run)) == ["continue"], "the pause that nobody had read is taken back"
    control.request(run, "pause", by="anna")
    assert list(read_requests(run)) == ["pause"]


def test_only_a_paused_run_continues(bench) -> None:
    run = bench.start("forever")
    with pytest.raises(TuiFtError, match="is not paused") as caught:
        control.request(run, "continue", by="anna")
    assert caught.value.exit_code == 1
    assert list(run.control.iterdir()) == [], "it would end the next pause at once"


def test_save_while_it_runs_and_the_run_says_it_did(bench) -> None:
    run = bench.start("forever")
    assert control.request(run, "save", by="anna") == "running"
    bench.wait_until(lambda: run.list_checkpoints(), "a checkpoint")
    bench.wait_until(lambda: not list(run.control.iterdir()), "the request removed")
