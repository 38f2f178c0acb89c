"""Processes told apart by pid and start time."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tui_ft.hardware import processes

SLEEP = "import sys, time; print('ready', flush=True); time.sleep(60)"


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", SLEEP, "a b", ")"], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        yield child
        child.kill()


def test_alive_dead_and_reused(sleeper: subprocess.Popen[bytes]) -> None:
    started = processes.start_time(sleeper.pid)
    assert started is not None
    assert processes.is_alive(sleeper.pid, started)
    assert not processes.is_alive(sleeper.pid, started + 1), "another process with a reused pid"
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert processes.start_time(sleeper.pid) is None, "a zombie runs no more"
    sleeper.wait()
    assert processes.start_time(sleeper.pid) is None


def test_a_name_with_brackets_and_blanks_does_not_shift_the_fields(tmp_path: Path) -> None:
    odd = tmp_path / ") S 1 (x"
    odd.symlink_to(shutil.which("sleep") or "/bin/sleep")
    with subprocess.Popen([str(odd), "60"]) as child, subprocess.Popen(["sleep", "60"]) as plain:
        started, near = processes.start_time(child.pid), processes.start_time(plain.pid)
        child.kill()
        plain.kill()
    assert started is not None and near is not None
    assert near - 100 < started <= near


def test_found_by_the_end_of_its_command_line(sleeper: subprocess.Popen[bytes]) -> None:
    assert processes.find_by_arguments(["a b", ")"]) == [sleeper.pid]
    assert processes.find_by_arguments(["a", "b", ")"]) == []
    assert processes.command_line(sleeper.pid)[-2:] == ["a b", ")"]


def test_the_tree_and_its_memory() -> None:
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SLEEP!r}])"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, start_new_session=True
    ) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        (child,) = processes.descendants(parent.pid)
        assert child in processes.descendants(os.getpid())
        one = processes.resident_bytes([parent.pid])
        both = processes.resident_bytes([parent.pid, child, 2**22 + 1])
        assert one is not None and both is not None and both > one > 1 << 20
        os.killpg(parent.pid, 9)
    assert processes.resident_bytes([parent.pid]) is None
