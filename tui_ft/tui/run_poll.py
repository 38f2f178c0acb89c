"""The list of runs read again and again: what has ended is not opened twice."""

from __future__ import annotations

import os
import time
from pathlib import Path

from tui_ft.runs.adopting import adopt_if_orphan
from tui_ft.runs.directory import RunDirectory, list_ids
from tui_ft.runs.labels import Label, LabelBook
from tui_ft.runs.listing import RunSummary, labelled, summarize
from tui_ft.runs.records import ENDED
from tui_ft.runs.truth import UNSUPERVISED

ADOPT_AGAIN_S = 60.0
"""A run that could not be adopted is tried again after this."""
LOOKS = 1500
"""So many ended runs are looked at in one poll, the newest always among them; the others in turn."""
ALWAYS = 500
FOLLOWED_S = 7 * 86_400.0
"""What follows an end stays at it no longer."""
SETTLED_NS = 2 * 10**9

_STATE = RunDirectory(Path()).state.name
_Stamp = tuple[int, int, int]


class RunPoll:
    """Reads the runs of one runs root; a poll of a thousand ended ones is a thousand `stat`s."""

    def __init__(self, runs_root: Path) -> None:
        self.runs_root = runs_root
        self.labels = LabelBook(runs_root)
        self._ended: dict[str, tuple[_Stamp, RunSummary]] = {}
        self._labelled: dict[str, tuple[RunSummary, Label, RunSummary]] = {}
        self._tried: dict[str, float] = {}
        self._ids: tuple[int, list[str]] | None = None
        self._turn = 0
        self._adopted: list[str] = []

    def take_adopted(self) -> list[str]:
        """The runs that were given a supervisor since this was asked last."""
        adopted, self._adopted = self._adopted, []
        return adopted

    def read(self, now: float) -> list[RunSummary]:
        """Return all runs, newest first, and give those that lost their supervisor a new one."""
        labels = self.labels.read()
        runs = []
        for run in self._summaries(self._list_ids(), now):
            if run.reason == UNSUPERVISED or run.status == "lost":
                self._adopt(run, now)
            label = labels.get(run.id)
            runs.append(run if label is None else self._with_label(run, label))
        return sorted(runs, key=lambda run: run.started_at or 0.0, reverse=True)

    def _list_ids(self) -> list[str]:
        """The ids of the runs; they are read again only when one came or went."""
        changed = _changed(self.runs_root)
        if changed is not None and self._ids is not None and self._ids[0] == changed:
            return self._ids[1]
        found = list_ids(self.runs_root)
        # a folder that changed just now may change again within the same tick of the file system's clock
        is_settled = changed is not None and time.time_ns() - changed > SETTLED_NS
        self._ids = (changed, found) if changed is not None and is_settled else None
        return found

    def _summaries(self, run_ids: list[str], now: float) -> list[RunSummary]:
        root = str(self.runs_root.resolve())
        rest = max(0, len(run_ids) - LOOKS)
        start = ALWAYS + (self._turn % max(1, len(run_ids) - ALWAYS))
        self._turn = self._turn + LOOKS - ALWAYS if rest else 0
        runs = []
        for place, run_id in enumerate(run_ids):
            is_due = not rest or place < ALWAYS or _is_between(place, start, LOOKS - ALWAYS, len(run_ids))
            known = self._ended.get(run_id)
            runs.append(self._summary(root, run_id, now) if known is None or is_due else known[1])
        return runs

    def _adopt(self, run: RunSummary, now: float) -> None:
        if now - self._tried.get(run.id, -ADOPT_AGAIN_S) >= ADOPT_AGAIN_S:
            self._tried[run.id] = now
            if adopt_if_orphan(RunDirectory(Path(run.path))):
                self._adopted.append(run.id)

    def _with_label(self, run: RunSummary, label: Label) -> RunSummary:
        """The same object for the same run and label: whoever keeps it sees that nothing changed."""
        known = self._labelled.get(run.id)
        if known is None or known[0] is not run or known[1] != label:
            known = self._labelled[run.id] = (run, label, labelled(run, {run.id: label}))
        return known[2]

    def _summary(self, root: str, run_id: str, now: float) -> RunSummary:
        stamp = _stamp(f"{root}/{run_id}/{_STATE}")
        known = self._ended.get(run_id)
        if known is not None and known[0] == stamp:
            return known[1]
        summary = summarize(RunDirectory(Path(root, run_id)), now)
        if stamp is not None and summary.status in ENDED:
            self._ended[run_id] = (stamp, summary)
            if now - stamp[1] / 1e9 < FOLLOWED_S:
                adopt_if_orphan(RunDirectory(Path(root, run_id)))  # what follows its end may be cut off
        return summary


def _is_between(place: int, start: int, count: int, total: int) -> bool:
    """True for `count` places from `start` on, going round at the end to where the newest stop."""
    round_trip = total - ALWAYS
    return (place - start) % round_trip < count


def _changed(folder: Path) -> int | None:
    try:
        return folder.stat().st_mtime_ns
    except OSError:
        return None


def _stamp(state: str) -> _Stamp | None:
    """What changes whenever the state is replaced."""
    try:
        status = os.stat(state)  # noqa: PTH116 - asked a thousand times a poll
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size
