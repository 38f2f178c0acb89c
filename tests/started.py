"""Processes that a test starts, waits for by what they do, and surely ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


@contextmanager
def started(
    command: list[str], folder: Path, log: Path | None = None, **variables: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Start `command` in `folder` as a process group, its output in `log`; the group ends with it."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1", **variables}
    with open(log or os.devnull, "wb") as output:
        child = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=output,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    try:
        yield child
    finally:
        end_group(child)


def end_group(child: subprocess.Popen[bytes]) -> None:
    """Kill what is left of the child's own process group, and reap the child."""
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def python(code: str, *arguments: str) -> list[str]:
    """The command that runs `code`; what it prints is not what a test waits for."""
    return [sys.executable, "-c", code, *arguments]


def until(ask: Callable[[], T | None], what: str, limit_s: float = 30.0) -> T:
    """Return the first answer of `ask` that is true; fails saying `what` was waited for."""
    end = time.monotonic() + limit_s
    while not (answer := ask()):
        assert time.monotonic() < end, f"waited {limit_s:.0f} s in vain for {what}"
        time.sleep(0.02)
    return answer
