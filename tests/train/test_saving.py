"""Saving while the training goes on: how often, how long it stands still, and what a full disk does."""

from __future__ import annotations

import errno
import json
import math
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from checkpoint_made import FILES, save

from tui_ft.hardware.host import Disk
from tui_ft.runs import directory
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.records import JsonLinesWriter, LaunchRecord, RequestRecord
from tui_ft.runs.requests import put_request
from tui_ft.spec import overrides
from tui_ft.spec.run_spec import RunSpec
from tui_ft.train import cadence, checkpoints
from tui_ft.train.best_saves import BestSaves
from tui_ft.train.cadence import Cadence, best_interval_s, make_cadence
from tui_ft.train.disk_guard import DiskGuard, Need, is_no_room
from tui_ft.train.journal import Journal
from tui_ft.train.requests import Requests
from tui_ft.train.retention import Retention
from tui_ft.train.saving import Draft, Saver
from tui_ft.train.stopping import StepInterrupted, StopFlag

HOUR = 3600.0


# --- how often -----------------------------------------------------------------------------------------


def test_the_interval_is_that_of_young_and_of_daly() -> None:
    assert best_interval_s(30, 3 * HOUR) == pytest.approx(math.sqrt(2 * 30 * 3 * HOUR), rel=0.05)
    # a simulated machine: what is lost between failures, over what is spent on saving, is least there
    for cost, life in ((30.0, 3 * HOUR), (200.0, 1000.0)):
        best = best_interval_s(cost, life)
        assert wasted(best, cost, life) <= min(wasted(best * f, cost, life) for f in (0.7, 1.4)) + 1e-9
    assert best_interval_s(500, 100) == 100, "a machine that fails faster than it saves"


def wasted(interval: float, cost: float, life: float) -> float:
    """Daly's run time for one second of work, failures being exponential (equation 13, no restart)."""
    return life * math.expm1((interval + cost) / life) / interval


def test_the_first_save_comes_early_and_the_next_by_what_it_cost() -> None:
    learnt = Cadence(hours_between_failures=24, basis="a guess")
    assert learnt.interval_s == cadence.FIRST_S
    assert learnt.news() is None
    learnt.blocked(2.0)
    assert learnt.interval_s == pytest.approx(best_interval_s(2, 24 * HOUR))
    assert "every 9.8 min" in (learnt.news() or "")
    assert learnt.news() is None, "said once"
    learnt.blocked(200.0)
    assert "from now on" in (learnt.news() or "")


def test_the_interval_has_its_bounds() -> None:
    quick, slow = Cadence(hours_between_failures=1), Cadence(hours_between_failures=1000)
    quick.blocked(0.001)
    slow.blocked(100)
    assert (quick.interval_s, slow.interval_s) == (cadence.SHORTEST_S, cadence.LONGEST_S)
    slow.proved(3000)
    assert slow.interval_s == 6000, "the next must not be due while the last is being proved"


def test_what_the_spec_says_has_the_first_word() -> None:
    def made(*changes: str) -> Cadence | None:
        return make_cadence(overrides.apply(RunSpec(), ["model.id=demo", *changes]), launch)

    launch = LaunchRecord(time=0, hours_between_failures=100, failures_basis="one in 100 h of runs here")
    assert made("checkpoints.every_steps=5") is None
    fixed = made("checkpoints.every_minutes=3")
    assert fixed is not None and fixed.interval_s == 180
    given, learnt = made("checkpoints.hours_between_failures=1"), made()
    assert given is not None and learnt is not None
    for one in (given, learnt):
        one.blocked(5)
    assert given.interval_s == pytest.approx(best_interval_s(5, HOUR))
    assert learnt.interval_s == pytest.approx(best_interval_s(5, 100 * HOUR))
    assert "one in 100 h" in (learnt.news() or "")


# --- behind the training's back ------------------------------------------------------------------------


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return directory.create(tmp_path, "saving")


@pytest.fixture
def journal(run: RunDirectory) -> Iterator[Journal]:
    journal = Journal(run)
    yield journal
    journal.close()


def written(run: RunDirectory, kind: str) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in run.events.read_text().splitlines()]
    return [row for row in rows if row["event"] == kind]


def draft(run: RunDirectory, step: int) -> Draft:
    folder = checkpoints.draft_folder(run, step)
    folder.mkdir(parents=True)
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    began = time.monotonic()
    return Draft(step=step, tokens=1, eval_loss=None, learning_rate=1e-4, began=began, blocked_s=0.25)


def held(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """A disk whose first sync ends only when the event is set."""
    gate, sync = threading.Event(), os.fsync

    def slow(descriptor: int) -> None:
        assert gate.wait(20)
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", slow)
    return gate


def test_a_slow_disk_does_not_stop_the_training_and_nothing_is_said_before_it_is_proved(
    run: RunDirectory, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = held(monkeypatch)
    saver = Saver(run, journal, Retention(keep=1))
    saver.submit(draft(run, 3))
    assert saver.is_at_work
    assert written(run, "checkpoint") == [] and run.list_checkpoints() == []
    gate.set()
    saver.wait()
    (event,) = written(run, "checkpoint")
    assert (event["step"], event["blocked_s"]) == (3, 0.25)
    assert event["seconds"] >= 0
    assert saver.last is not None and saver.last.step == 3


def test_what_went_wrong_is_raised_to_whoever_waits_and_the_old_one_is_kept(
    run: RunDirectory, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    saver = Saver(run, journal, Retention(keep=1))
    saver.submit(draft(run, 3))
    saver.wait()

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        saver.submit(draft(run, 6))
        with pytest.raises(OSError, match="No space left"):
            saver.wait()
    assert not saver.has_failed, "it was told"
    assert [step for step, _ in run.list_checkpoints()] == [3]
    assert [event["step"] for event in written(run, "checkpoint")] == [3]
    saver.discard()
    assert not list(run.checkpoints.glob(".*"))


def test_a_stop_between_two_lines_leaves_no_wait_without_an_end(run: RunDirectory, journal: Journal) -> None:
    stop, saver = StopFlag(), Saver(run, journal, Retention(keep=1))
    before = signal.getsignal(signal.SIGTERM)
    stop.install()
    journal.shield = stop.shielded
    put = saver._drafts.put

    class Disturbed:
        get = saver._drafts.get

        def put(self, draft: Draft | None) -> None:
            signal.raise_signal(signal.SIGTERM)
            put(draft)

    saver._drafts = Disturbed()  # type: ignore[assignment]
    try:
        with pytest.raises(StepInterrupted), stop.opened(StepInterrupted):
            saver.submit(draft(run, 3))
    finally:
        signal.signal(signal.SIGTERM, before)
    assert saver._idle.wait(20), "it was handed over, or never begun"
    assert [event["step"] for event in written(run, "checkpoint")] == [3]


def test_rows_that_cannot_be_written_for_good_are_said_and_the_checkpoint_is_whole(
    run: RunDirectory, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(journal, "sync", broken)
    saver = Saver(run, journal, Retention(keep=1))
    saver.submit(draft(run, 3))
    saver.wait()
    assert [event["step"] for event in written(run, "checkpoint")] == [3]
    (warning,) = written(run, "warning")
    assert warning["code"] == "rows_not_synced" and os.strerror(errno.EIO) in warning["message"]


def test_rows_that_waited_for_room_are_written_before_they_are_synced(
    run: RunDirectory, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(JsonLinesWriter, "_put", lambda self, data: False)
        journal.metrics({"step": 1, "time": 1.0})
        with pytest.raises(OSError, match="No space left"):
            journal.sync()
    assert run.metrics.read_bytes() == b""
    journal.sync()
    assert json.loads(run.metrics.read_text())["step"] == 1


def test_no_two_threads_write_rows_at_once(run: RunDirectory, journal: Journal) -> None:
    """What waits for room is written by the saver too."""
    writing = threading.Thread(target=journal.metrics, args=({"step": 1, "time": 1.0},))
    with journal._mutex:
        writing.start()
        writing.join(0.2)
        assert run.metrics.read_bytes() == b""
    writing.join()
    assert json.loads(run.metrics.read_text())["step"] == 1


def test_what_a_save_leaves_behind_is_said_and_breaks_nothing(
    run: RunDirectory, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(folder: Path) -> None:
        raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))

    monkeypatch.setattr(checkpoints, "remove", busy)
    saver = Saver(run, journal, Retention(keep=1))
    saver.submit(draft(run, 3))
    saver.wait()
    assert [event["step"] for event in written(run, "checkpoint")] == [3]
    (warning,) = written(run, "warning")
    assert (warning["code"], ".unfinished-3" in warning["message"]) == ("retention", True)


# --- the best ------------------------------------------------------------------------------------------


def test_a_new_best_is_saved_as_far_as_the_time_pays_for_it() -> None:
    now = 0.0
    saves = BestSaves(clock=lambda: now)
    saves.begin(best=2.0)
    now = 1000.0
    assert not saves.is_worth(1.5), "what a save costs is not known yet"
    saves.written(None, 20.0)
    assert saves.is_worth(1.5)
    assert not any(saves.is_worth(loss) for loss in (2.0, 2.5, math.nan, math.inf))
    for _ in range(2):
        saves.ask()
        saves.written(1.9, 20.0)
    assert not saves.is_worth(1.5), "40 s of 1000 are spent, and another 20 would be more than a twentieth"
    now = 1300.0
    assert saves.is_worth(1.5) and not saves.is_worth(1.9), "another checkpoint is as good"


# --- room ----------------------------------------------------------------------------------------------


class Room:
    """A disk whose free bytes a test changes while the guard looks."""

    def __init__(self, *free: int, inodes: int | None = None) -> None:
        self.free, self.inodes, self.looks = list(free), inodes, 0
        self.on_look: Callable[[], None] = lambda: None

    def __call__(self, path: Path) -> Disk:
        self.looks += 1
        self.on_look()
        free = self.free.pop(0) if len(self.free) > 1 else self.free[0]
        return Disk(free, 10 << 30, self.inodes)


@pytest.fixture
def guard(run: RunDirectory, journal: Journal) -> Callable[..., DiskGuard]:
    def make(room: Room, removed: list[str] | None = None, stop: StopFlag | None = None) -> DiskGuard:
        return DiskGuard(
            run.path,
            journal,
            Requests(run),
            StopFlag() if stop is None else stop,
            lambda: removed or [],
            room,
        )

    return make


NEED = Need(bytes=1 << 30, files=10)
PLENTY, ENOUGH, TOO_LITTLE = 5 << 30, (1 << 30) + (100 << 20), 1 << 30


def test_room_for_two_is_nothing_to_speak_of(guard: Any, run: RunDirectory) -> None:
    assert guard(Room(PLENTY)).make_room(7, NEED)
    assert written(run, "warning") == []


def test_room_for_one_is_a_warning_once_and_what_need_not_be_kept_goes(guard: Any, run: RunDirectory) -> None:
    watch = guard(Room(ENOUGH), removed=["checkpoint-3"])
    assert watch.make_room(7, NEED) and watch.make_room(14, NEED)
    (warning,) = written(run, "warning")
    assert (warning["code"], warning["step"]) == ("disk", 7)
    assert warning["evidence"]["free_bytes"] == ENOUGH
    assert warning["evidence"]["needed_bytes"] == (1 << 30) + (64 << 20)
    assert warning["evidence"]["removed"] == ["checkpoint-3"]


def test_without_room_it_waits_at_the_edge_and_goes_on_by_itself(guard: Any, run: RunDirectory) -> None:
    assert guard(Room(TOO_LITTLE, TOO_LITTLE, TOO_LITTLE, PLENTY)).make_room(7, NEED)
    phases = [(phase["phase"], phase["detail"]) for phase in written(run, "phase")]
    assert phases == [("paused", "disk"), ("saving", None)], "while it is written nothing is paused"


def test_without_inodes_it_waits_too(guard: Any, run: RunDirectory) -> None:
    room = Room(PLENTY, inodes=20)
    room.on_look = lambda: setattr(room, "inodes", 10_000 if room.looks > 3 else 20)
    assert guard(room).make_room(7, NEED)
    assert [phase["phase"] for phase in written(run, "phase")] == ["paused", "saving"]


def test_where_nobody_may_wait_it_says_that_there_is_no_room(guard: Any, run: RunDirectory) -> None:
    assert not guard(Room(TOO_LITTLE)).make_room(7, NEED, may_wait=False)
    assert written(run, "phase") == []
    (warning,) = written(run, "warning")
    assert warning["message"].startswith("There is no room for a checkpoint. ")
    assert warning["evidence"]["is_waiting"] is False


def test_an_older_one_that_cannot_be_removed_ends_no_run(run: RunDirectory, journal: Journal) -> None:
    def busy() -> list[str]:
        raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))

    watch = DiskGuard(run.path, journal, Requests(run), StopFlag(), busy, Room(ENOUGH))
    assert watch.make_room(7, NEED)
    assert [row["code"] for row in written(run, "warning")] == ["retention", "disk"]


def test_told_to_go_on_it_goes_on_without(guard: Any, run: RunDirectory) -> None:
    put_request(run, RequestRecord(request="continue", time=0, by="ann"))
    assert not guard(Room(TOO_LITTLE)).make_room(7, NEED)
    (event,) = written(run, "request")
    assert (event["request"], event["step"], event["by"]) == ("continue", 7, "ann")


@pytest.mark.parametrize("how", ["request", "signal"])
def test_a_stop_ends_the_wait(guard: Any, run: RunDirectory, how: str) -> None:
    stop = StopFlag()
    room = Room(TOO_LITTLE)
    if how == "request":
        put_request(run, RequestRecord(request="stop", time=0, by="ann"))
    else:
        room.on_look = lambda: stop.request("SIGTERM") if room.looks > 3 else None
    assert not guard(room, stop=stop).make_room(7, NEED)
    assert stop.reason == ("ann" if how == "request" else "SIGTERM")


def test_a_disk_that_has_room_by_its_own_account_and_takes_nothing_ends_the_run(guard: Any) -> None:
    watch, error = guard(Room(PLENTY)), OSError(errno.ENOSPC, "No space left on device")
    for _ in range(2):
        watch.ran_out(7, NEED, error)
    with pytest.raises(OSError, match="No space"):
        watch.ran_out(7, NEED, error)


@pytest.mark.parametrize(
    ("error", "is_full"),
    [
        (OSError(errno.ENOSPC, "x"), True),
        (OSError(errno.EDQUOT, "x"), True),
        (RuntimeError("[enforce fail at inline_container.cc:664] . unexpected pos 64 vs 0"), False),
        (RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)"), True),
        (OSError(errno.EIO, "x"), False),
    ],
)
def test_a_full_disk_is_known_whatever_the_library_calls_it(
    error: Exception, is_full: bool, tmp_path: Path
) -> None:
    assert is_no_room(error, tmp_path) is is_full
    wrapped = ValueError("outer")
    wrapped.__cause__ = error
    assert is_no_room(wrapped, tmp_path) is is_full
    assert list(tmp_path.iterdir()) == []


def test_under_pressure_the_newest_and_the_best_stay(run: RunDirectory, journal: Journal) -> None:
    for step, loss in ((2, 0.1), (4, 0.5), (6, 0.4), (8, None)):
        save(run, step, loss)
    assert Saver(run, journal, Retention(keep=4)).retire() == ["checkpoint-4", "checkpoint-6"]
    assert [step for step, _ in run.list_checkpoints()] == [8, 2]
