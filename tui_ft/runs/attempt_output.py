"""Which part of output.log is of the newest attempt: all attempts of a run print into one file."""

from __future__ import annotations

import re
from collections.abc import Sequence

_OPENING = re.compile(r"^tui-ft: attempt \d+ begins$")


def opening_line(attempt: int) -> str:
    """What stands before all that a later attempt prints; "" for the first, which has nothing before it."""
    return f"tui-ft: attempt {attempt} begins\n" if attempt > 1 else ""


def of_newest_attempt(lines: Sequence[str]) -> Sequence[str]:
    """The lines behind the last opening; all of them where there is none."""
    for at in range(len(lines) - 1, -1, -1):
        if _OPENING.fullmatch(lines[at].rstrip()):
            return lines[at + 1 :]
    return lines
