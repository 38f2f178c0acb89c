"""What a foreign run is doing: a decision from evidence, never a field that somebody wrote."""

from __future__ import annotations

from dataclasses import dataclass

from tui_ft.runs.records import Status
from tui_ft.watch.eta import clock_label, duration_label

FRESH_S = 120.0
FRESH_GAPS = 5.0
"""A run is fresh while its last word is younger than 120 s, or than five of its usual gaps (run-formats)."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What is known of a run that is not ours.

    `finished` and `failed` say which mark was found, "" when none was: a mark is void once training rows
    follow it; `killed` says so of its process. `writer_lives` is None while nobody knows who writes.
    `written_at` is the newest sign of life in unix seconds, `usual_gap_s` the median time between two
    points. `is_snapshot`: the file is written now and then only, like a checkpoint's state, and is no proof
    of a run that goes on. `is_let_go`: no process at all holds the files open that a writer never closes.
    `is_gone`: its process is gone, nobody saw how, and it may well have come to its end.
    """

    finished: str = ""
    failed: str = ""
    stopped: str = ""
    killed: str = ""
    writer_lives: bool | None = None
    written_at: float | None = None
    usual_gap_s: float | None = None
    is_snapshot: bool = False
    is_let_go: bool = False
    is_gone: bool = False


def decide(evidence: Evidence, now: float) -> tuple[Status, str]:
    """Return the status and the reason for it.

    A missing mark of the end is no proof of a running run: `running` needs a writer that lives, or a fresh
    word; a writer that is known to be gone without a mark makes the run `lost`.
    """
    if evidence.failed:
        return "failed", evidence.failed
    if evidence.stopped:
        return "stopped", evidence.stopped
    if evidence.finished:
        return "finished", evidence.finished
    if evidence.writer_lives is False:
        return "lost", evidence.killed or "Its process is gone and left no mark of an end."
    age = None if evidence.written_at is None else abs(now - evidence.written_at)
    limit = max(FRESH_S, FRESH_GAPS * (evidence.usual_gap_s or 0.0))
    if evidence.writer_lives:
        if age is None or age <= limit:
            return "running", "Step and curves are as of its last checkpoint." if evidence.is_snapshot else ""
        usual = f" (usual: {duration_label(evidence.usual_gap_s)})" if evidence.usual_gap_s else ""
        return "quiet", f"Nothing new for {duration_label(age)}{usual}; its process lives."
    if evidence.is_gone:
        return "unknown", "Its process is gone; nothing it left tells whether it came to its end."
    if evidence.written_at is None or age is None:
        return "unknown", "Nothing says whether it still runs."
    if age <= limit and evidence.is_let_go:
        return "unknown", f"Last written {duration_label(age)} ago; no process here holds it open any more."
    if age <= limit and not evidence.is_snapshot:
        return "running", "Its files are fresh; which process writes them is not known."
    return "unknown", f"Last written {clock_label(evidence.written_at, now)}; no mark of an end."
