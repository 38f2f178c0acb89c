"""What a living process says of itself: how it was called, where it works, and whose it is."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass

from tui_ft.hardware.processes import command_line
from tui_ft.watch.processes.secrets import mask_arguments

LONGEST = 4_000
"""Characters of a command line that are kept."""


@dataclass(frozen=True, kw_only=True)
class ProcessFacts:
    """A process as /proc tells it now; "" where that may not be read. Secrets of the command are masked."""

    pid: int
    command: str = ""
    folder: str = ""
    user: str = ""


def facts_of(pid: int) -> ProcessFacts:
    """Return what is known of `pid`; nothing when it is gone."""
    return ProcessFacts(
        pid=pid,
        command=shlex.join(mask_arguments(command_line(pid)))[:LONGEST],
        folder=_folder(pid),
        user=_user(pid),
    )


def _folder(pid: int) -> str:
    try:
        return os.readlink(f"/proc/{pid}/cwd")  # noqa: PTH115 - not a path of ours
    except OSError:
        return ""


def _user(pid: int) -> str:
    import pwd

    try:
        number = os.stat(f"/proc/{pid}").st_uid  # noqa: PTH116 - not a path of ours
        return pwd.getpwuid(number).pw_name
    except OSError:
        return ""
    except KeyError:  # a container that does not know the user
        return str(number)
