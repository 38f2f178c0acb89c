"""Requests as the trainer sees them: none is missed, and a quiet folder is not read."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

import pytest

from tui_ft.runs import directory
from tui_ft.runs.records import RequestRecord
from tui_ft.runs.requests import put_request
from tui_ft.train import requests
from tui_ft.train.requests import Requests


def test_a_request_in_the_same_tick_as_the_last_look_is_seen(tmp_path: Path) -> None:
    run = directory.create(tmp_path, "asked")
    tick = time.time_ns()
    os.utime(run.control, ns=(tick, tick))
    asked = Requests(run)
    assert asked.pending(("save",)) == []
    put_request(run, RequestRecord(request="save", time=time.time(), by="test"))
    os.utime(run.control, ns=(tick, tick))  # a clock that ticks slowly
    assert [request.request for request in asked.pending(("save",))] == ["save"]


def test_a_folder_that_has_long_been_quiet_is_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = directory.create(tmp_path, "asked")
    os.utime(run.control, ns=(10**18, 10**18))
    asked = Requests(run)
    assert asked.pending(("save",)) == []
    monkeypatch.setattr(requests, "read_requests", lambda run: pytest.fail("it was read"))
    assert asked.pending(("save",)) == []


def test_a_network_disk_that_is_away_for_a_while_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = directory.create(tmp_path, "asked")
    put_request(run, RequestRecord(request="save", time=time.time(), by="test"))
    asked = Requests(run)

    def stale(self: Path, **_: object) -> os.stat_result:
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "stat", stale)
        assert asked.pending(("save",)) == []
    assert [request.request for request in asked.pending(("save",))] == ["save"]
