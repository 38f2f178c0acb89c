"""A resumed run goes on with the rows that it began with, or not at all."""

from __future__ import annotations

import json
import os

from tui_ft.data.report import DataReport
from tui_ft.errors import TuiFtError
from tui_ft.runs.directory import RunDirectory

_LARGEST_REPORT = 64 << 20


def require(run: RunDirectory, attempt: int, report: DataReport) -> None:
    """Raise `TuiFtError` when an earlier attempt than `attempt` read other rows than `report` tells of.

    With other rows the steps that are made already would not be those of the rows that come now: some would
    be seen twice and others never, and no loss would say so.
    """
    before = _content_hash(run, attempt - 1)
    if before is not None and before != report.content_hash:
        names = ", ".join(source.name for source in (*report.sources, *report.eval_sources))
        raise TuiFtError(
            f"The rows of {names} have changed since {run.id} began: it cannot go on with them.",
            f"Put the old rows back, or begin anew with the new ones: `tui-ft restart {run.id}`.",
        )


def _content_hash(run: RunDirectory, attempt: int) -> str | None:
    """What the newest attempt up to `attempt` that came so far wrote of its rows; None: none did."""
    for number in range(attempt, 0, -1):
        try:
            descriptor = os.open(run.attempt(number).data, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            with open(descriptor, "rb") as file:
                found = json.loads(file.read(_LARGEST_REPORT)).get("content_hash")
        except (OSError, ValueError, AttributeError, RecursionError):
            continue
        if isinstance(found, str):
            return found
    return None
