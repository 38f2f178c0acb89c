"""Whatever somebody puts into a run directory in place of a file: nobody waits for it, and nobody spins."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tui_ft.runs import checkpoints, directory, elsewhere, launch_record, line_following, lock, truth
from tui_ft.runs.after import news
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.following import EventFollower
from tui_ft.runs.launching import write_state
from tui_ft.runs.records import StateRecord
from tui_ft.runs.regular_file import open_regular

FILES = ("hardware", "events", "metrics", "health", "output", "lock")
READERS: list[Callable[[RunDirectory], object]] = [
    truth.read_truth,
    lambda run: elsewhere.is_surely_over(run, StateRecord(status="running", host="h")),
    lambda run: EventFollower(run, 1).poll(),
    lambda run: list(line_following.LineFollower(run.metrics).lines()),
    lambda run: line_following.LineFollower(run.events).poll(),
    lambda run: lock.is_locked(run.events),
    lambda run: launch_record.read(run, 1),
    lambda run: news._tail(run.health),
]


@pytest.fixture(autouse=True)
def _nobody_waits() -> Iterator[None]:
    """A reader that waits or spins is ended, and the test with it."""

    def give_up(*_: object) -> None:
        raise AssertionError("it waits, or never ends")

    assert threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(10)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def pipe(path: Path) -> None:
    os.mkfifo(path)


def endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.fixture(params=[pipe, endless])
def run(request: pytest.FixtureRequest, tmp_path: Path) -> RunDirectory:
    run = directory.create(tmp_path, "odd")
    write_state(run, StateRecord(status="running", host="other", boot_id="b"))
    for name in FILES:
        request.param(getattr(run, name))
    run.attempt(1).path.mkdir()
    request.param(run.attempt(1).launch)
    return run


@pytest.mark.parametrize("reader", range(len(READERS)))
def test_it_is_not_read(run: RunDirectory, reader: int) -> None:
    READERS[reader](run)


def test_it_is_no_file(run: RunDirectory, tmp_path: Path) -> None:
    for path in (run.events, tmp_path):
        with pytest.raises(OSError, match="not a regular file"):
            open_regular(path)
    with pytest.raises(OSError, match="not a regular file"):
        checkpoints.hash_file(run.events)
    file = tmp_path / "file"
    file.write_bytes(b"x")
    os.close(open_regular(file))
    link = tmp_path / "link"
    link.symlink_to(file)
    os.close(open_regular(link))
    with pytest.raises(OSError):
        open_regular(link, follow_links=False)
