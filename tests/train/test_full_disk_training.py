"""The real trainer on a disk that is really full: it waits, says why, and goes on by itself."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from training import add_attempt, events, steps

from tui_ft.runs import checkpoints, directory
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.records import RequestRecord
from tui_ft.runs.requests import put_request

pytestmark = pytest.mark.train

MIB = 1 << 20
FEW = (
    "data.eval_fraction=0", "data.limit=40", "training.max_steps=4", "checkpoints.every_steps=2",
    "method.rank=64",
)  # fmt: skip


@pytest.fixture
def run(tmp_path: Path) -> Iterator[RunDirectory]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=32m", "none", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("only root can mount a small disk")
    run = directory.create(disk / "runs", "full")
    add_attempt(run, 1, *FEW)
    yield run
    subprocess.run(["umount", "-l", str(disk)], check=True)


def leave(run: RunDirectory, free: int) -> Path:
    """Fill the disk but for `free` bytes."""
    import os

    about = os.statvfs(run.path)
    filler = run.path.parent / "filler"
    filler.write_bytes(b"\0" * (about.f_bavail * about.f_frsize - free))
    return filler


class Helper(threading.Thread):
    """Does something once the run has written a row that is waited for."""

    def __init__(self, run: RunDirectory, is_there: Callable[[dict[str, Any]], bool], act: Any) -> None:
        super().__init__(daemon=True)
        self.run_directory, self.is_there, self.act = run, is_there, act
        self.has_acted = False
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.05):
            try:
                lines = self.run_directory.events.read_bytes().split(b"\n")[:-1]
            except FileNotFoundError:
                continue
            if any(self.is_there(json.loads(line)) for line in lines):
                self.act()
                self.has_acted = True
                return


def train(run: RunDirectory, helper: Helper) -> int:
    from tui_ft.train.entry import run_attempt

    helper.start()
    try:
        return run_attempt(run.path, 1)
    finally:
        helper.over.set()
        helper.join()


def is_waiting(event: dict[str, Any]) -> bool:
    return event["event"] == "phase" and event["phase"] == "paused" and event["detail"] == "disk"


def test_it_waits_for_room_and_goes_on_by_itself(run: RunDirectory) -> None:
    filler = leave(run, 3 * MIB)
    helper = Helper(run, is_waiting, filler.unlink)
    assert train(run, helper) == 0
    assert helper.has_acted
    warnings = [event for event in events(run, "warning") if event["code"] == "disk"]
    assert warnings and warnings[0]["step"] == 2
    assert warnings[0]["evidence"]["free_bytes"] < warnings[0]["evidence"]["needed_bytes"]
    assert [event["step"] for event in events(run, "checkpoint")] == [2, 4]
    assert [row["step"] for row in steps(run)] == [1, 2, 3, 4]
    assert all(checkpoints.verify(folder) is None for _, folder in run.list_checkpoints())


def test_a_stop_while_it_waits_ends_it_and_says_what_is_lost(run: RunDirectory) -> None:
    leave(run, 3 * MIB)
    asked = RequestRecord(request="stop", time=time.time(), by="ann")
    helper = Helper(run, is_waiting, lambda: put_request(run, asked))
    assert train(run, helper) == 0
    end = events(run, "end")[-1]
    assert end["cause"] == "stopped"
    assert "its checkpoint is whole" not in end["message"]
    assert run.list_checkpoints() == []
    assert not list(run.checkpoints.glob(".*"))


@pytest.mark.parametrize("free", [7 * MIB // 4, 5 * MIB])
def test_a_disk_that_fills_while_it_is_written_to_costs_nothing(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch, free: int
) -> None:
    """The libraries' own errors, at whichever file the room ends."""
    from tui_ft.train.disk_guard import Need
    from tui_ft.train.trainer import RunTrainer

    need, looks = RunTrainer._need, 0

    def too_little_at_first(self: RunTrainer) -> Need:
        nonlocal looks
        looks += 1
        return Need(bytes=0, files=0) if looks == 1 else Need(bytes=7 * MIB, files=need(self).files)

    monkeypatch.setattr(RunTrainer, "_need", too_little_at_first)
    filler = leave(run, free)
    helper = Helper(run, is_waiting, filler.unlink)
    assert train(run, helper) == 0, events(run, "end")
    assert helper.has_acted
    assert "filled up" in " ".join(event["message"] for event in events(run, "warning"))
    assert [event["step"] for event in events(run, "checkpoint")] == [2, 4]
    assert all(checkpoints.verify(folder) is None for _, folder in run.list_checkpoints())
    assert not list(run.checkpoints.glob(".*"))
