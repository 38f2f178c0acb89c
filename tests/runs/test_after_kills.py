"""What follows an end follows, whatever the disk says and whoever is killed on the way."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ended_run import an_ended_run, deeds, rewrite, with_result
from post_server import Server
from settings_written import write_settings

from tui_ft.hardware import processes
from tui_ft.runs import adopting
from tui_ft.runs.after import machine_use, owed, telling
from tui_ft.runs.directory import RunDirectory, list_directories
from tui_ft.runs.state import read_state
from tui_ft.spec import overrides


@pytest.fixture
def inbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Where the target `phone` of the settings is told."""
    server = Server()
    url = f"http://127.0.0.1:{server.port}/secret-path"
    write_settings(tmp_path, monkeypatch, f'[notify.phone]\nkind = "webhook"\nurl = "{url}"\n')
    yield server
    server.close()


def followers(run: RunDirectory) -> list[int]:
    return processes.find_by_arguments([str(run.path), "--attempt", "1", "--detach"])


@pytest.fixture(autouse=True)
def nothing_stays(tmp_path: Path) -> Iterator[None]:
    yield
    for run in list_directories(tmp_path / "runs"):
        for pid in followers(run):
            os.kill(pid, signal.SIGKILL)


def is_gone(run: RunDirectory) -> bool:
    return not followers(run)


def aftermath(run: Path, *arguments: str, errors: str = "/dev/null") -> int:
    """The process that follows an end, to its own end."""
    command = [sys.executable, "-m", "tui_ft.runs.after.aftermath", str(run), *arguments]
    with open(errors, "wb") as output:
        return subprocess.run(command, stdout=output, stderr=output, timeout=60, check=False).returncode


def test_a_full_disk_does_not_end_what_follows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its standard error is output.log, which takes not a line more."""
    hook = f'command = "touch {tmp_path / "ran"}"\nat_once = true\n'
    write_settings(tmp_path, monkeypatch, f"[hooks.mark]\n{hook}")
    after = f'hook = "mark"\ncopy_to = "{tmp_path / "copies"}"\n'
    run = with_result(an_ended_run(tmp_path / "runs", time.time(), after))
    aftermath(run.path, "--attempt", "1", errors="/dev/full")
    assert (tmp_path / "copies" / run.id).is_dir() and (tmp_path / "ran").exists()
    assert [row.deed for row in deeds(run)] == ["copy", "hook", "hook"]


# --- kills ------------------------------------------------------------------------------------------------


def test_what_is_owed_is_written_down_before_the_end(bench: Any, tmp_path: Path) -> None:
    plain = bench.start()
    bench.spec = overrides.apply(bench.spec, [f"after.copy_to={tmp_path / 'copies'}"])
    run = bench.start()
    assert owed.is_owed(run, 1) and not plain.attempt(1).after.exists()
    assert owed.owe(run, 1, copy=False) and owed.is_copy_owed(run, 1), "a new supervisor leaves it as it is"


def test_a_kill_between_the_end_and_what_follows_it(bench: Any, tmp_path: Path) -> None:
    """The supervisor was killed, or no process could be started: the next command sees to it, once."""
    run = with_result(an_ended_run(bench.root, time.time(), f'copy_to = "{tmp_path / "copies"}"\n'))
    telling.owe(run, 1)
    assert adopting.adopt_orphans(bench.root) == [], "a supervisor needs it none"
    bench.wait_until((tmp_path / "copies" / run.id).is_dir, "the copy")
    bench.wait_until(lambda: is_gone(run), "the end of it")
    assert not owed.is_owed(run, 1)
    adopting.adopt_orphans(bench.root)
    assert is_gone(run) and [row.deed for row in deeds(run)] == ["copy"]
    assert not (tmp_path / "copies" / run.id / "attempts" / "1" / "after.json").exists()


def test_a_kill_of_who_watches_the_machine(bench: Any, inbox: Server) -> None:
    """Days of watching begin again, and nobody is told of the end twice."""
    bench.spec = overrides.apply(bench.spec, ['after.notify=["phone"]'])
    run = bench.start("steps=3", until="finished")
    bench.wait_until(lambda: [row.deed for row in deeds(run)] == ["notify"], "the deed")
    for _ in range(3):
        [pid] = followers(run)
        adopting.adopt_orphans(bench.root)
        time.sleep(0.3)
        assert followers(run) == [pid], "one is enough"
        os.kill(pid, signal.SIGKILL)
        bench.wait_until(lambda: owed.is_owed(run, 1), "its end")
        adopting.adopt_orphans(bench.root)
        bench.wait_until(lambda: not owed.is_owed(run, 1), "the next")
    assert len(inbox.posts) == 1


def test_what_was_done_before_a_kill_is_not_done_again(
    bench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = tmp_path / "ran"
    hook = f"command = 'sh -c \"echo x >> {ran}\"'\nat_once = true\n"
    write_settings(tmp_path, monkeypatch, f"[hooks.mark]\n{hook}[notify.me]\nkind = 'bell'\n")
    after = f'notify = ["me"]\nhook = "mark"\ncopy_to = "{tmp_path / "copies"}"\n'
    run = with_result(an_ended_run(bench.root, time.time(), after))
    telling.owe(run, 1)
    for _ in range(2):
        adopting.adopt_orphans(bench.root)
        bench.wait_until(lambda: followers(run) and not owed.is_owed(run, 1), "it")
        bench.wait_until(lambda: len(deeds(run)) == 4, "the hook")
        time.sleep(0.5)
        os.kill(followers(run)[0], signal.SIGKILL)
        bench.wait_until(lambda: owed.is_owed(run, 1), "its end")
    assert ran.read_text() == "x\n"
    assert [row.deed for row in deeds(run)] == ["notify", "copy", "hook", "hook"]


@pytest.mark.parametrize("change", [{"boot_id": "another"}, {"attempt": 2}, {"status": "lost"}])
def test_elsewhere_and_of_what_goes_on_nothing_is_begun(bench: Any, change: dict[str, Any]) -> None:
    run = an_ended_run(bench.root, time.time(), 'notify = ["phone"]\n', **change)
    telling.owe(run, 1)
    adopting.adopt_orphans(bench.root)
    time.sleep(0.3)
    assert is_gone(run) and owed.is_owed(run, 1)


def test_to_a_copy_of_the_directory_nothing_is_owed(bench: Any, tmp_path: Path) -> None:
    run = an_ended_run(bench.root, time.time(), 'notify = ["phone"]\n')
    telling.owe(run, 1)
    copied = RunDirectory(tmp_path / "other" / run.id)
    shutil.copytree(run.path, copied.path)
    assert owed.is_owed(run, 1) and not owed.is_owed(copied, 1)


def test_what_is_killed_each_time_is_given_up_and_said(tmp_path: Path) -> None:
    run = an_ended_run(tmp_path / "runs", time.time(), 'copy_to = "/x"\n')
    telling.owe(run, 1)
    for _ in range(owed.MOST_STARTS):
        hold = owed.take(run, 1)
        assert hold is not None and owed.take(run, 1) is None, "one at a time"
        hold.close()
    assert aftermath(run.path, "--attempt", "1") == 0
    assert not owed.is_owed(run, 1) and read_state(run).findings == {"copy": "error"}
    assert "cut off 5 times" in deeds(run)[-1].message
    other = an_ended_run(tmp_path / "runs", time.time())
    assert machine_use.uncopied([tmp_path / "runs"], other) is not None


def test_a_list_of_runs_opens_no_file_for_what_is_done(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    run = an_ended_run(bench.root, time.time(), 'notify = ["phone"]\n')
    telling.owe(run, 1)
    hold = owed.take(run, 1)
    assert hold is not None
    hold.settle()
    hold.close()
    monkeypatch.setattr(owed, "read_small", lambda *_: pytest.fail("it was opened"))
    adopting.adopt_orphans(bench.root)
    rewrite(run, attempt=2)
    adopting.adopt_orphans(bench.root)
