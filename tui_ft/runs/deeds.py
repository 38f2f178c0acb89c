"""What was done after a run's end, written where all else that happened to it stands."""

from __future__ import annotations

import time
from collections.abc import Callable

from tui_ft.errors import TuiFtError
from tui_ft.health.finding import Code, Finding
from tui_ft.runs import lock as locks
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.ending import printable
from tui_ft.runs.health_rows import ClearedRow, Deed, DeedRow, FoundRow, HealthRow
from tui_ft.runs.records import JsonLinesWriter
from tui_ft.runs.saying import say
from tui_ft.runs.state import StateFile, read_state

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
    say(f"tui-ft: {message}")
    _write(run, DeedRow(time=time.time(), deed=deed, message=message, is_done=is_done, code=code))


def write_finding(run: RunDirectory, finding: Finding, attempt: int) -> None:
    """Open a finding of what follows the end, in health.jsonl and for lists; as `write_deed` does it."""
    row = FoundRow(time=finding.time, finding=finding, attempt=attempt)
    _write(run, row, lambda findings: {**findings, finding.code: finding.level})


def clear_finding(run: RunDirectory, code: Code, message: str) -> None:
    """Close what `write_finding` opened; nothing is written where it is not open."""
    try:
        if code not in read_state(run).findings:
            return
    except TuiFtError:
        return
    row = ClearedRow(time=time.time(), code=code, message=message)
    _write(run, row, lambda findings: {one: level for one, level in findings.items() if one != code})


def _write(
    run: RunDirectory, row: HealthRow, change: Callable[[dict[str, str]], dict[str, str]] | None = None
) -> None:
    try:
        lock = locks.acquire(run, patience_s=_PATIENCE_S)
    except (TuiFtError, OSError):  # a network disk may refuse the lock itself
        return
    try:
        _append(run, row)
        if change is not None:
            file = StateFile(run, read_state(run))
            file.update(findings=change(file.record.findings))
            if not file.is_written:  # an open finding holds the hooks of other runs back
                file.write_in_place()
    except TuiFtError as error:
        say(f"tui-ft: {printable(str(error))}")
    finally:
        lock.close()


def _append(run: RunDirectory, row: HealthRow) -> None:
    try:
        writer = JsonLinesWriter(run.health)
        writer.write(row)
        writer.close()
    except OSError as error:
        say(f"tui-ft: {run.health.name} could not be written: {error.strerror}.")
