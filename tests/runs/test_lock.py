"""The lock of a run directory, with and without flock."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tui_ft.errors import TuiFtError
from tui_ft.runs import lock as locks
from tui_ft.runs.directory import RunDirectory


def test_one_holder_at_a_time_and_the_refusal_names_it(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    held = locks.acquire(run)
    with pytest.raises(TuiFtError) as caught:
        locks.acquire(run, patience_s=0.05)
    assert f"process {os.getpid()} on {os.uname().nodename}" in caught.value.message
    assert caught.value.exit_code == 1
    assert locks.is_locked(run.lock)
    held.close()
    assert not locks.is_locked(run.lock)
    locks.acquire(run, patience_s=0.0).close()


def test_a_child_that_inherits_it_holds_it_until_it_dies(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    held = locks.acquire(run)
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from tui_ft.runs import lock\n"
        "from tui_ft.runs.directory import RunDirectory\n"
        "mine = lock.inherited(RunDirectory(Path(sys.argv[1])), int(sys.argv[2]))\n"
        "print('held', flush=True); sys.stdin.read()\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path), str(held.fileno())],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=[held.fileno()],
        env={**os.environ, "PYTHONPATH": str(Path(locks.__file__).parents[2])},
    )  # fmt: skip
    assert child.stdin is not None and child.stdout is not None
    with child, child.stdin, child.stdout:
        assert child.stdout.readline() == b"held\n"
        held.close()
        assert locks.is_locked(run.lock)
        assert f'"pid":{child.pid}' in run.lock.read_text()
        child.kill()
    locks.acquire(run).close()


def test_a_descriptor_of_something_else_is_no_lock(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    run.lock.touch()
    with open(tmp_path / "other", "w") as other, pytest.raises(TuiFtError, match="is not the lock"):
        locks.inherited(run, other.fileno())


def test_a_link_in_place_of_the_lock_is_refused(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    (tmp_path / "precious").write_text("keep me")
    run.lock.symlink_to(tmp_path / "precious")
    with pytest.raises(TuiFtError, match="cannot be written"):
        locks.acquire(run)
    assert (tmp_path / "precious").read_text() == "keep me"


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK])
def test_without_flock_the_owner_written_inside_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def no_flock(descriptor: int, how: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", no_flock)
    run = RunDirectory(tmp_path)
    locks.acquire(run, patience_s=0.0).close()
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    with sleeper:
        owner = run.lock.read_text().replace(f'"pid":{os.getpid()}', f'"pid":{sleeper.pid}')
        started = locks.processes.start_time(sleeper.pid)
        mine = locks.processes.start_time(os.getpid())
        run.lock.write_text(owner.replace(f'"start_time":{mine}', f'"start_time":{started}'))
        with pytest.raises(TuiFtError, match="is held by"):
            locks.acquire(run, patience_s=0.0)
        sleeper.kill()
    locks.acquire(run, patience_s=0.0).close()
    elsewhere = run.lock.read_text().replace(f'"host":"{os.uname().nodename}"', '"host":"elsewhere"')
    run.lock.write_text(
        elsewhere.replace(f'"pid":{os.getpid()}', f'"pid":{os.getppid()}')
    )  # a number of ours, but there
    with pytest.raises(TuiFtError, match="on elsewhere"):
        locks.acquire(run, patience_s=0.0)
