"""A disk without room: nothing of ours ends a run because of it, and `stop` still works."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tui_ft.errors import TuiFtError
from tui_ft.runs import control, launch, preflight
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.queueing import advancing, queue
from tui_ft.runs.records import HardwareRow, JsonLinesWriter, StateRecord
from tui_ft.runs.state import StateFile, read_state

FAKE = [sys.executable, str(Path(__file__).with_name("fake_trainer.py")), "forever"]

ADVANCE = """
import os, pathlib, sys
from tui_ft.runs.queueing.advancing import advance
os._exit(0 if advance(pathlib.Path(sys.argv[1])) == "disk" else 1)
"""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=512k", "none", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("only root can mount a small disk")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Write until there is no room left for a single block."""
    filler = folder / "filler"
    with open(filler, "wb", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while file.write(b"\0" * size):
                    pass
            except OSError as error:
                assert error.errno == errno.ENOSPC
    return filler


@pytest.mark.parametrize(
    ("now", "status", "cause"), [(False, "failed", "disk_full"), (True, "stopped", "stopped")]
)
def test_a_full_disk_ends_neither_supervisor_nor_run_and_stop_still_works(
    bench, small_disk: Path, monkeypatch: pytest.MonkeyPatch, now: bool, status: str, cause: str
) -> None:
    monkeypatch.setattr(preflight, "_LEAST_FREE_BYTES", 0)
    bench.root = small_disk / "runs"
    run = bench.start("forever")
    filler = fill(small_disk)
    supervisor, trainer = bench.process(run, "supervisor"), bench.process(run, "trainer")
    with pytest.raises(TuiFtError, match="No space left"):
        control.request(run, "save", by="test")
    assert bench.lives(supervisor) and bench.lives(trainer)
    assert control.request(run, "stop", by="test", now=now) == "stopping"
    bench.wait_for(run, status, seconds=10)
    state = read_state(run)
    assert state.exit.cause == cause, (
        "a trainer that cannot save its checkpoint has not been stopped, but failed"
    )
    assert state.stop_requested_by == "a signal"
    bench.wait_until(lambda: not bench.lives(supervisor), "the supervisor's end")
    filler.unlink()


def test_rows_wait_for_room_and_what_is_lost_is_counted() -> None:
    writer = JsonLinesWriter(Path("/dev/full"))
    for step in range(3):
        writer.write(HardwareRow(time=float(step)))
    assert writer.dropped == 0
    writer.close()
    assert writer.dropped == 3


def test_start_on_a_full_disk_is_refused_and_leaves_nothing(bench, small_disk: Path) -> None:
    with pytest.raises(TuiFtError, match="is full"):
        launch.start(bench.spec, small_disk / "runs", trainer=FAKE)
    assert not (small_disk / "runs").exists()


def test_start_that_runs_out_of_room_on_the_way_leaves_nothing(
    bench, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preflight, "_LEAST_FREE_BYTES", 0)
    (small_disk / "runs").mkdir()
    fill(small_disk)
    with pytest.raises(TuiFtError, match="No space left"):
        launch.start(bench.spec, small_disk / "runs", trainer=FAKE)
    assert list((small_disk / "runs").iterdir()) == []


def test_the_last_state_is_written_in_place_when_there_is_no_room_for_a_second_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = RunDirectory(tmp_path)
    file = StateFile(run, StateRecord(status="starting", model="a name that makes the old content longer"))
    file.is_written = False
    assert file.write()

    def no_room(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("tui_ft.runs.state.write_atomically", no_room)
    file.update(status="failed", model="")
    assert not file.write()
    assert read_state(run).status == "starting"
    assert file.write_in_place()
    assert read_state(run).status == "failed"


def test_the_queue_waits_for_a_disk_that_has_no_room_for_itself_either(
    bench, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process that was to wait for room ended, for it could not write down that it does."""
    with monkeypatch.context() as patch:
        patch.setattr(preflight, "_LEAST_FREE_BYTES", 0)
        run = queue.add(bench.spec, small_disk / "runs")
    filler = fill(small_disk)
    with open("/dev/full", "wb") as log:  # as queue.log on that disk
        once = subprocess.run(
            [sys.executable, "-c", ADVANCE, str(small_disk / "runs")], stdout=log, check=False
        )
    assert once.returncode == 0
    assert read_state(run).status == "queued"
    filler.unlink()
    assert advancing.advance(small_disk / "runs") == "disk"  # room for a word, none for a run
    [entry] = queue.current(small_disk / "runs").entries
    assert (entry.state, entry.waits_for) == ("waiting", "disk")
