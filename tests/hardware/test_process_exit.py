"""How processes ended that are nobody's child here."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tui_ft.hardware import process_exit, processes
from tui_ft.hardware.process_exit import ExitWatch, ProcessExit

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="exits are told by Linux")

ENDS = "import sys; sys.stdin.read(1); sys.exit({})"


def kernel() -> tuple[int, int]:
    major, minor = os.uname().release.split(".")[:2]
    return int(major), int("".join(letter for letter in minor if letter.isdigit()) or 0)


told_by_kernel = pytest.mark.skipif(
    sys.platform == "linux" and kernel() < (6, 15), reason="the exit of a stranger needs Linux 6.15"
)


@contextmanager
def strangers_child(code: str) -> Iterator[tuple[subprocess.Popen[bytes], ExitWatch]]:
    """A grandchild that ends when its input is closed and that its own parent reaps; and a watch on it."""
    parent = (
        "import subprocess, sys\n"
        f"child = subprocess.Popen([sys.executable, '-S', '-c', {code!r}])\n"
        "print(child.pid, flush=True)\nchild.wait()\nprint('reaped', flush=True)\n"
    )
    command = [sys.executable, "-S", "-c", parent]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        watch = ExitWatch(pid, processes.start_time(pid) or 0)
        yield process, watch
        watch.close()
        process.kill()


def reaped(process: subprocess.Popen[bytes]) -> None:
    assert process.stdout is not None and process.stdin is not None
    process.stdin.close()
    assert process.stdout.readline() == b"reaped\n"


@told_by_kernel
@pytest.mark.parametrize("code", [0, 3])
def test_the_exit_code_of_a_stranger(code: int) -> None:
    with strangers_child(ENDS.format(code)) as (process, watch):
        assert watch.poll() is None, "it lives"
        reaped(process)
        assert watch.poll() == ProcessExit(code=code)
        assert watch.poll() == ProcessExit(code=code), "asked again, the same answer"


@told_by_kernel
def test_the_signal_that_killed_a_stranger() -> None:
    with strangers_child(ENDS.format(0)) as (process, watch):
        os.kill(watch.pid, signal.SIGKILL)
        reaped(process)
        assert watch.poll() == ProcessExit(signal=signal.SIGKILL)


def test_a_zombie_tells_before_it_is_reaped() -> None:
    with subprocess.Popen([sys.executable, "-S", "-c", ENDS.format(7)], stdin=subprocess.PIPE) as child:
        watch = ExitWatch(child.pid, processes.start_time(child.pid) or 0)
        assert watch.poll() is None
        assert child.stdin is not None
        child.stdin.close()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert watch.poll() == ProcessExit(code=7)


def test_an_older_kernel_says_only_that_it_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(25, "Inappropriate ioctl for device")

    monkeypatch.setattr(process_exit.fcntl, "ioctl", refuse)
    with strangers_child(ENDS.format(0)) as (process, watch):
        reaped(process)
        assert watch.poll() == ProcessExit()


def test_one_that_was_gone_before_is_gone() -> None:
    with subprocess.Popen([sys.executable, "-S", "-c", ""]) as child:
        started = processes.start_time(child.pid) or 0
        child.wait()
    assert ExitWatch(child.pid, started).poll() == ProcessExit()
    here = os.getpid()
    assert ExitWatch(here, (processes.start_time(here) or 0) + 1).poll() == ProcessExit(), "a reused pid"


def test_a_watch_holds_no_descriptor_after_the_end() -> None:
    before = len(os.listdir("/proc/self/fd"))
    with subprocess.Popen(["sleep", "100"]) as child:
        watch = ExitWatch(child.pid, processes.start_time(child.pid) or 0)
        child.kill()
        child.wait()
        deadline = time.monotonic() + 10
        while watch.poll() is None:
            assert time.monotonic() < deadline
    assert len(os.listdir("/proc/self/fd")) == before
