"""What happened to all runs while this person was away, in one line; it loads next to nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tui_ft.watch.eta import duration_label
from tui_ft.watch.seen import Seen

if TYPE_CHECKING:
    from tui_ft.runs.listing import RunSummary

HOME_AWAY_S = 300.0
"""Who was away for less has seen it."""
_OVER = ("finished", "stopped", "failed", "lost")


def home_line(runs: Sequence[RunSummary], seen: Seen | None, now: float) -> str:
    """`Since you left (3h05m): 2 finished, 1 failed`; "" when nobody was away, or nothing ended.

    What this person stopped is no news to them, whether here or by a command somewhere else.
    `now` is when this person came back: what comes later happens before their eyes.
    """
    if seen is None or now - seen.at < HOME_AWAY_S:
        return ""
    ended = [
        run for run in runs
        if run.status in _OVER and seen.at < (run.updated_at or 0.0) <= now and not _is_own_stop(run)
    ]  # fmt: skip
    counts = {status: sum(run.status == status for run in ended) for status in _OVER}
    begun = sum(
        run.status not in _OVER and run.status != "queued" and seen.at < (run.started_at or 0.0) <= now
        for run in runs
    )
    parts = [f"{count} {status}" for status, count in counts.items() if count]
    parts += [f"{begun} begun"] if begun else []
    return f"Since you left ({duration_label(now - seen.at)} ago): {', '.join(parts)}" if parts else ""


def _is_own_stop(run: RunSummary) -> bool:
    from tui_ft.runs.requests import user_name

    return run.status == "stopped" and run.stopped_by.partition(" (")[0] == user_name()
