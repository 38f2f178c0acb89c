"""Running a command of the user's settings: its words as they stand, no shell, not for ever."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, NamedTuple

LONGEST_S = 6 * 3600.0
"""An upload may take hours; what takes longer hangs."""


class Outcome(NamedTuple):
    """How a command ended; `problem` is empty when all went well. It never holds the command itself."""

    code: int | None
    problem: str


def run_command(
    command: str,
    environment: Mapping[str, str],
    *,
    text: str = "",
    output: IO[bytes] | None = None,
    longest_s: float = LONGEST_S,
) -> Outcome:
    """Run `command` in the home folder with `environment` beside ours and `text` on its standard input.

    What it prints goes to `output`, else nowhere. After `longest_s` seconds its whole process group is
    killed. Never raises.
    """
    told = text.encode(errors="backslashreplace")
    try:
        words = shlex.split(command)
        process = subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=output or subprocess.DEVNULL,
            stderr=output or subprocess.DEVNULL,
            cwd=_home(),
            env={**os.environ, **{name: _sound(value) for name, value in environment.items()}},
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        why = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else "no such command"
        return Outcome(None, f"it cannot be started: {why}")
    try:
        process.communicate(told, timeout=longest_s)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return Outcome(None, f"it did not end within {longest_s:.0f} s and was killed")
    if process.returncode:
        how = f"signal {-process.returncode}" if process.returncode < 0 else f"code {process.returncode}"
        return Outcome(process.returncode, f"it ended with {how}")
    return Outcome(0, "")


def _sound(value: str) -> str:
    """Names of others' files may hold what no environment takes."""
    return value.encode(errors="backslashreplace").decode().replace("\0", "")


def _home() -> Path:
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 - Path.home() raises where there is none
    return home if home.is_dir() else Path("/")
