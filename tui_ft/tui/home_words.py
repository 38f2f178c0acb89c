"""What the home screen says of its list and of the chosen run."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tui_ft.runs.arranging import Arrangement
    from tui_ft.runs.listing import RunSummary
    from tui_ft.tui.widgets.run_list import RunList

NO_SUPERVISOR = "its supervisor is gone; it trains on, but nothing guards it until it is given a new one"


def adopted_words(run_ids: list[str]) -> str:
    """What is said when runs that had lost their supervisor were seen to."""
    return f"{', '.join(run_ids)}: unsupervised, its supervisor was gone; that was seen to now."


def view_words(runs: RunList, wanted: Arrangement) -> str:
    """How the list is shown, where it is not the ordinary way; empty when it is."""
    from tui_ft.runs.arranging import ORDERS

    parts = []
    if wanted.filter.strip():
        parts.append(f"{runs.shown:,} of {len(runs.runs):,}")
    if wanted.order != "live":
        parts.append(ORDERS[wanted.order])
    if wanted.grouping:
        parts.append(f"grouped by {wanted.grouping}")
    if wanted.with_archived:
        parts.append("with the archive")
    marked = len(runs.marked_runs())
    if marked:
        parts.append(f"{marked} marked")
    return " · ".join(parts)


def detail_of(run: RunSummary) -> str:
    """What the line under the lists says of a run: its state and why, its tags, its note."""
    from tui_ft.runs.truth import UNSUPERVISED

    said = run.reason or f"{run.id} is {run.status}"
    if run.reason == UNSUPERVISED:
        said = f"{run.id} is unsupervised: {NO_SUPERVISOR}"
    if run.status == "queued":
        said = f"{run.id} waits in the queue: Q says for what"
    sick = [f"{level}: {code}" for code, level in run.findings.items() if level != "note"]
    said = f"{said.rstrip('.')} · {', '.join(sick)}" if sick else said
    tags = " ".join(f"#{tag}" for tag in run.tags)
    written = [part for part in (tags, run.note) if part]
    return " · ".join([said.rstrip("."), *written]) if written else said
