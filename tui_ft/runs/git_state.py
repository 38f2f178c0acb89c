"""What git says of a folder: the commit that is checked out, and whether its files differ from it."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

PATIENCE_S = 2.0
"""A launch waits no longer for it: in a huge repository on a network disk git takes minutes."""
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_QUIET = (
    "--no-optional-locks", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null",
    "-c", "core.untrackedCache=false", "-c", "protocol.allow=never",
)  # fmt: skip
"""No hook, no monitor and no transport that the repository names is run, and nothing is written into it."""
_KEPT = frozenset({"GIT_CEILING_DIRECTORIES", "GIT_DISCOVERY_ACROSS_FILESYSTEM"})
_CONFIG = "GIT_CONFIG_"
_FILTER = "filter."
_NO_FILTER = {"clean": "", "smudge": "", "process": "", "required": "false"}


class GitState(NamedTuple):
    """`is_dirty`: tracked files differ from the commit; None where git did not answer in time."""

    commit: str
    is_dirty: bool | None = None


def git_state(folder: Path) -> GitState | None:
    """The state of the repository that `folder` is in; None where there is none, or no git. Never raises.

    No remote and no name of a person is asked for.
    """
    if not _is_in_repository(folder):
        return None
    commit = (_git(folder, "rev-parse", "--verify", "--quiet", "HEAD") or "").strip()
    if not _COMMIT.fullmatch(commit):
        return None
    names = _git(folder, "config", "--null", "--name-only", "--list")
    if names is None:
        return GitState(commit)
    changed = _git(
        folder, "status", "--porcelain", "--untracked-files=no", "--ignore-submodules=all", "--no-renames",
        settings=_without_filters(names.split("\0")),
    )  # fmt: skip
    return GitState(commit, None if changed is None else bool(changed.strip()))


def _without_filters(names: list[str]) -> list[tuple[str, str]]:
    """Settings that take every filter its commands: `git status` runs them on files whose times have changed.

    Files that such a filter changes on their way (git-lfs) may then count as changed once they were touched.
    """
    drivers = {name[len(_FILTER) :].rpartition(".")[0] for name in names if name.startswith(_FILTER)}
    return [
        (f"{_FILTER}{driver}.{key}", value) for driver in sorted(drivers) for key, value in _NO_FILTER.items()
    ]


def _is_in_repository(folder: Path) -> bool:
    """Asked before a process is started: most folders are in none."""
    try:
        return any((place / ".git").exists() for place in (folder, *folder.parents))
    except OSError:
        return False


def _environment(settings: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Ours without what points git to another repository, with `settings` after those of the user.

    By variables: as an argument a name with an equals sign would be another one.
    """
    found = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or name in _KEPT or name.startswith(_CONFIG)
    }
    found.pop(f"{_CONFIG}PARAMETERS", None)
    known = found.get(f"{_CONFIG}COUNT", "")
    first = int(known) if known.isdecimal() and known.isascii() else 0
    for place, (name, value) in enumerate(settings, first):
        found[f"{_CONFIG}KEY_{place}"], found[f"{_CONFIG}VALUE_{place}"] = name, value
    found[f"{_CONFIG}COUNT"] = str(first + len(settings))
    return found | {"GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1", "LC_ALL": "C"}


def _git(folder: Path, *arguments: str, settings: Sequence[tuple[str, str]] = ()) -> str | None:
    try:
        done = subprocess.run(
            ["git", *_QUIET, "-C", str(folder), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE_S,
            env=_environment(settings),
            check=False,
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None
