"""What to do about a training whose output only a terminal gets."""

from __future__ import annotations

import re

from tui_ft.hardware import processes

_TERMINAL = re.compile(r"/dev/(?:pts/\d+|tty\w*|console)(?: \(deleted\))?$")
ADVICE = (
    "Its output goes to a terminal, which nobody else can read: start it with `2>&1 | tee train.log` or with "
    "report_to; else its first checkpoint tells."
)


def advice_for(pid: int) -> str:
    """Return a sentence on what to do, "" where standard output of `pid` is no terminal or is not known."""
    output = (file.target for file in processes.open_files(pid) if file.number == 1)
    return ADVICE if _TERMINAL.match(next(output, "")) else ""
