"""Starting what is done beside a run, detached: the word to people, and all that follows its end."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import tomllib
from contextlib import suppress
from pathlib import Path

from tui_ft.errors import TuiFtError
from tui_ft.runs.after import owed
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.own_environment import own_environment
from tui_ft.runs.small_file import read_small
from tui_ft.runs.state import read_state

_AGAIN_S = 1800.0
"""The same word is not said more often: what comes and goes would ring all night."""
_MOST_AN_HOUR = 6
_told: dict[str, float] = {}


def tell(run: RunDirectory, code: str) -> bool:
    """Have the finding `code` of `run` told to whom the run's spec names; False when nobody is to be told.

    Returns at once and never raises; the same code is told again after half an hour only.
    """
    now = time.monotonic()
    if now - _told.get(code, -_AGAIN_S) < _AGAIN_S or not names_to_tell(run):
        return False
    if sum(now - at < 3600 for at in _told.values()) >= _MOST_AN_HOUR:
        return False
    _told[code] = now
    return start_aftermath(run, "--tell", code)


def owe(run: RunDirectory, attempt: int) -> bool:
    """Write down, before the end, that something is to follow it, where its spec asks for anything.

    False where that has to be tried again.
    """
    after = after_of(run, attempt)
    return not _asks(after) or owed.owe(run, attempt, copy=bool(after.get("copy_to")))


def follow_up(run: RunDirectory, attempt: int, *, is_late: bool = False) -> bool:
    """Start what follows the end of an attempt, where its spec asks for anything; True when it does.

    `is_late`: not its supervisor saw the end, but somebody who looks at the runs found that this is owed.
    """
    if not _asks(after_of(run, attempt)):
        return False
    return start_aftermath(run, "--attempt", str(attempt), is_late=is_late)


def has_plan(run: RunDirectory) -> bool:
    """True when the newest attempt's spec asks for something to follow its end."""
    try:
        return _asks(after_of(run, read_state(run).attempt))
    except TuiFtError:
        return False


def names_to_tell(run: RunDirectory) -> list[str]:
    """The targets that the spec of the newest attempt names; none where it cannot be read."""
    try:
        found = after_of(run, read_state(run).attempt).get("notify")
    except TuiFtError:
        return []
    return [name for name in found if isinstance(name, str)] if isinstance(found, list) else []


def _asks(after: dict[str, object]) -> bool:
    return any(after.get(name) for name in ("notify", "copy_to", "hook"))


def after_of(run: RunDirectory, attempt: int) -> dict[str, object]:
    """[after] of an attempt's spec as it stands there; empty where it cannot be read."""
    try:
        found = tomllib.loads(read_small(run.attempt(attempt).spec).decode()).get("after")
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def start_aftermath(run: RunDirectory, *arguments: str, is_late: bool = False) -> bool:
    """Start the process that outlives us. What it says goes into output.log. False when it cannot start."""
    module = ["-m", "tui_ft.runs.after.aftermath", *(["--late"] if is_late else [])]
    command = [sys.executable, *module, str(run.path), *arguments, "--detach"]
    try:
        output = os.open(run.output, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        output = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    try:
        with suppress(subprocess.TimeoutExpired):
            subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=Path("/"),  # it must not hold a disk that somebody wants to unmount
                env=own_environment(),
                start_new_session=True,
                close_fds=True,
            ).wait(timeout=10.0)  # it forks and leaves at once
    except OSError:
        return False
    finally:
        os.close(output)
    return True
