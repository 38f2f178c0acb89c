"""How an attempt was launched, kept beside its spec: the command without its secrets, by whom, from where."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tui_ft import __version__
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.git_state import git_state
from tui_ft.runs.records import LaunchRecord
from tui_ft.runs.regular_file import open_regular
from tui_ft.runs.requests import user_name

if TYPE_CHECKING:
    from tui_ft.runs.failure_rate import Life

MASK = "***"
_LONGEST_ARGUMENT = 2000
_MOST_ARGUMENTS = 200
_LARGEST_BYTES = 1 << 20
_SECRET_NAME = re.compile(
    r"(?i)(?P<name>[\w.-]*(?:token(?!s|iz)|secret|password|passwd|api[_-]?key|credential|webhook)[\w.-]*)"
    r"(?P<between>\s*[=:]\s*)(?P<value>\S.*)"
)
_SECRET_VALUE = re.compile(
    r"\b(?:hf_|sk-|gh[opsu]_|github_pat_|glpat-|xox[abpr]-|AKIA|nvapi-|r8_|gsk_|dop_v1_|rpa_)[A-Za-z0-9_-]{8,}"
)
"""By their makers' own signs."""
_SECRET_PLACE = re.compile(
    r"(?P<place>\bhttps?://(?:"
    r"hooks\.slack\.com/|(?:\w+\.)?discord(?:app)?\.com/api/(?:v\d+/)?webhooks/|api\.telegram\.org/(?:file/)?bot|"
    r"[\w.-]*webhook\.office\.com/|ntfy\.sh/|maker\.ifttt\.com/|hc-ping\.com/|chat\.googleapis\.com/))[^\s\"']+"
)
"""Addresses that are a secret in themselves: who knows one can write there."""
_BEARER = re.compile(r"(?i)\b(?P<kind>\bbearer|\bauthorization:\s*\w+)\s+[\w.~+/=-]{8,}")
_IN_ADDRESS = re.compile(r"(?P<scheme>\b[a-z][a-z0-9+.-]*://)[^/\s@]+@")
_QUERY = re.compile(r"(?P<scheme>\bhttps?://[^\s?#]+)[?#]\S+")


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
        is_secret = argument.startswith("--") and bool(_SECRET_NAME.fullmatch(f"{argument}=x"))
    return ["tui-ft" if name in ("", "-c", "__main__.py") else name, *hidden]


def masked(text: str) -> str:
    """`text` without what looks like a token, a password, or an address that carries one."""
    text = _SECRET_NAME.sub(lambda found: f"{found['name']}{found['between']}{MASK}", text)
    text = _SECRET_VALUE.sub(MASK, text)
    text = _SECRET_PLACE.sub(lambda found: f"{found['place']}{MASK}", text)
    text = _BEARER.sub(lambda found: f"{found['kind']} {MASK}", text)
    text = _IN_ADDRESS.sub(lambda found: f"{found['scheme']}{MASK}@", text)
    return _QUERY.sub(lambda found: f"{found['scheme']}?{MASK}", text)


def _folder() -> str:
    try:
        return str(Path.cwd())
    except OSError:
        return ""  # the folder that we stand in is gone
