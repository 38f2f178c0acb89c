"""What git says of a folder: the commit that is checked out, and whether its files differ from it."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import NamedTuple

PATIENCE_S = 2.0
"""A launch waits no longer for it: in a huge repository on a network disk git takes minutes."""
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_QUIET = (
    "--no-optional-locks", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null",
    "-c", "core.untrackedCache=false",
)  # fmt: skip
"""Nothing that the repository names is run, and nothing is written into it."""


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
    changed = _git(
        folder, "status", "--porcelain", "--untracked-files=no", "--ignore-submodules=all", "--no-renames"
    )
    return GitState(commit, None if changed is None else bool(changed.strip()))


def _is_in_repository(folder: Path) -> bool:
    """Asked before a process is started: most folders are in none."""
    try:
        return any((place / ".git").exists() for place in (folder, *folder.parents))
    except OSError:
        return False


def _git(folder: Path, *arguments: str) -> str | None:
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    environment.pop("GIT_DIR", None)
    try:
        done = subprocess.run(
            ["git", *_QUIET, "-C", str(folder), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE_S,
            env=environment,
            check=False,
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None
