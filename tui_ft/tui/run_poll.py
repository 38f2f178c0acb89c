"""The list of runs read again and again: what has ended is not opened twice."""

from __future__ import annotations

import os
from pathlib import Path

from tui_ft.runs.adopting import adopt_if_orphan
from tui_ft.runs.directory import RunDirectory, list_directories
from tui_ft.runs.listing import RunSummary, summarize
from tui_ft.runs.records import ENDED
from tui_ft.runs.truth import UNSUPERVISED

ADOPT_AGAIN_S = 60.0
"""A run that could not be adopted is tried again after this."""

_Stamp = tuple[int, int, int]


class RunPoll:
    """Reads the runs of one runs root; a poll of a thousand ended ones is a thousand `stat`s."""

    def __init__(self, runs_root: Path) -> None:
        self.runs_root = runs_root
        self._ended: dict[str, tuple[_Stamp, RunSummary]] = {}
        self._tried: dict[str, float] = {}

    def read(self, now: float) -> list[RunSummary]:
        """Return all runs, newest first, and give those that lost their supervisor a new one."""
        runs = [self._summary(run, now) for run in list_directories(self.runs_root)]
        for run in runs:
            if run.reason == UNSUPERVISED or run.status == "lost":
                self._adopt(run, now)
        return sorted(runs, key=lambda run: run.started_at or 0.0, reverse=True)

    def _adopt(self, run: RunSummary, now: float) -> None:
        if now - self._tried.get(run.id, -ADOPT_AGAIN_S) >= ADOPT_AGAIN_S:
            self._tried[run.id] = now
            adopt_if_orphan(RunDirectory(Path(run.path)))

    def _summary(self, run: RunDirectory, now: float) -> RunSummary:
        stamp = _stamp(run)
        known = self._ended.get(run.id)
        if known is not None and known[0] == stamp:
            return known[1]
        summary = summarize(run, now)
        if stamp is not None and summary.status in ENDED:
            self._ended[run.id] = (stamp, summary)
        return summary


def _stamp(run: RunDirectory) -> _Stamp | None:
    """What changes whenever the state is replaced."""
    try:
        status = os.stat(f"{run.path}/{run.state.name}")  # noqa: PTH116 - asked a thousand times a poll
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size
