"""What a process does, on real ones: stopped by a signal, at work, or gone."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

from tui_ft.hardware.process_activity import is_stopped, processor_seconds

SECONDS = 15.0


def wait_until(is_so: object) -> bool:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if is_so():  # type: ignore[operator]
            return True
        time.sleep(0.01)
    return False


def test_a_process_that_a_signal_stopped_and_let_go() -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as child:
        assert not is_stopped(child.pid)
        child.send_signal(signal.SIGSTOP)
        assert wait_until(lambda: is_stopped(child.pid))
        child.send_signal(signal.SIGCONT)
        assert wait_until(lambda: not is_stopped(child.pid))
        child.kill()
    assert not is_stopped(child.pid)


def test_work_is_told_from_waiting() -> None:
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as busy:
        assert wait_until(lambda: processor_seconds([busy.pid]).get(busy.pid, 0.0) > 0.2)
        busy.kill()
    assert processor_seconds([busy.pid]) == {}
