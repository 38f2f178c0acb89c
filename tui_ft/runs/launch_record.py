"""How an attempt was launched, kept beside its spec: the command without its secrets, by whom, from where."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tui_ft import __version__
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.git_state import git_state
from tui_ft.runs.masking import MASK, is_secret_option, masked
from tui_ft.runs.records import LaunchRecord
from tui_ft.runs.regular_file import open_regular
from tui_ft.runs.requests import user_name

if TYPE_CHECKING:
    from tui_ft.runs.failure_rate import Life

_LONGEST_ARGUMENT = 2000
_MOST_ARGUMENTS = 200
_LARGEST_BYTES = 1 << 20


def make(
    run: RunDirectory,
    life: Life,
    from_step: int | None = None,
    fix: str | None = None,
    changes: Sequence[str] = (),
    asked: LaunchRecord | None = None,
    before: tuple[float, int] = (0.0, 0),
) -> LaunchRecord:
    """What is to be written of a launch that this process makes; `asked` is the record of whoever queued it,
    whose command, folder and name count; `before` are hours run and failures of the attempts before.
    """
    return LaunchRecord(
        time=time.time(),
        run=str(run.path),
        command=command() if asked is None else asked.command,
        folder=_folder() if asked is None else asked.folder,
        user=user_name() if asked is None else asked.user,
        version=__version__,
        from_step=from_step,
        fix=fix,
        changes=[masked(change) for change in changes],
        hours_between_failures=life.hours,
        failures_basis=life.basis,
        hours_run=before[0],
        failures=before[1],
    )


def with_commit(record: LaunchRecord) -> LaunchRecord:
    """`record` with the commit of the folder in which it was launched, where that is under git."""
    found = git_state(Path(record.folder)) if record.folder else None
    if found is None:
        return record
    return msgspec.structs.replace(record, commit=found.commit, is_dirty=found.is_dirty)


def read(run: RunDirectory, attempt: int) -> LaunchRecord | None:
    """How `attempt` was launched; None where that was not written or cannot be read."""
    try:
        descriptor = open_regular(run.attempt(attempt).launch)
        with open(descriptor, "rb") as file:
            return msgspec.json.decode(file.read(_LARGEST_BYTES), type=LaunchRecord)
    except (OSError, ValueError, RecursionError):
        return None


def command() -> list[str]:
    """The command line of this process as it may be kept: bounded, and without secrets."""
    name = Path(sys.argv[0]).name if sys.argv else ""
    arguments = sys.argv[1:]
    hidden, is_secret = [], False
    for argument in arguments[:_MOST_ARGUMENTS]:
        hidden.append(MASK if is_secret else masked(argument[:_LONGEST_ARGUMENT]))
        is_secret = is_secret_option(argument)
    return ["tui-ft" if name in ("", "-c", "__main__.py") else name, *hidden]


def _folder() -> str:
    try:
        return str(Path.cwd())
    except OSError:
        return ""  # the folder that we stand in is gone
