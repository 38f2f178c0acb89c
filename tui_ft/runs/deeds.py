"""What was done after a run's end, written where all else that happened to it stands."""

from __future__ import annotations

import sys
import time

from tui_ft.errors import TuiFtError
from tui_ft.health.finding import Code
from tui_ft.runs import lock as locks
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.ending import printable
from tui_ft.runs.health_rows import Deed, DeedRow
from tui_ft.runs.records import JsonLinesWriter

_PATIENCE_S = 10.0
"""The supervisor lets go of the lock a moment after it has written the end."""


def write_deed(
    run: RunDirectory, deed: Deed, message: str, *, is_done: bool = True, code: Code | None = None
) -> None:
    """Append the deed to health.jsonl, holding the run's lock meanwhile; and say it in output.log.

    When the run goes on again and its supervisor has the lock, output.log alone has it. Never raises for
    what the disk refuses.
    """
    message = printable(message)
    sys.stderr.write(f"tui-ft: {message}\n")
    sys.stderr.flush()
    row = DeedRow(time=time.time(), deed=deed, message=message, is_done=is_done, code=code)
    try:
        lock = locks.acquire(run, patience_s=_PATIENCE_S)
    except TuiFtError:
        return
    try:
        writer = JsonLinesWriter(run.health)
        writer.write(row)
        writer.close()
    except OSError as error:
        sys.stderr.write(f"tui-ft: {run.health.name} could not be written: {error.strerror}.\n")
    finally:
        lock.close()
