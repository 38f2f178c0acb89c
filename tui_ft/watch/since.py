"""What happened to a run since this person last looked: steps, the best evaluation, what was done, money."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tui_ft.health.finding import Finding
from tui_ft.runs.health_rows import FoundRow
from tui_ft.watch.eta import clock_label, duration_label
from tui_ft.watch.log import clean_line
from tui_ft.watch.reading import Reading
from tui_ft.watch.seen import Seen, last_look
from tui_ft.watch.series import Series
from tui_ft.watch.sources.health import worst_first

AWAY_S = 120.0
"""Who was away for less has seen it."""
MOST_LINES = 6
_LONGEST = 200

Entry = tuple[str, str]
"""A line, and its kind: "", "good", "warn" or "bad"."""


@dataclass(frozen=True, kw_only=True)
class Since:
    """What happened between `left_at` and `now`, unix seconds. None is "not known"; `money` is "" then.

    `steps` is how many were added, `best` the lowest evaluation loss in that time with its step, `is_record`
    whether it is the lowest of the whole run. `findings` are what was found meanwhile, `warnings` what the
    trainer said, `deeds` what was done with nobody there; their text is safe to show.
    """

    left_at: float
    now: float
    was: str
    status: str
    step: int | None
    total_steps: int | None
    steps: int | None
    best: tuple[float, int] | None = None
    is_record: bool = False
    saved: tuple[int, float] | None = None
    findings: tuple[Finding, ...] = ()
    warnings: tuple[str, ...] = ()
    deeds: tuple[str, ...] = ()
    attempts: int = 0
    money: str = ""

    @property
    def away_s(self) -> float:
        """How long nobody looked."""
        return max(self.now - self.left_at, 0.0)

    @property
    def is_news(self) -> bool:
        """Whether anything happened at all."""
        return bool(
            self.steps or self.was != self.status or self.findings or self.warnings or self.deeds
            or self.attempts
        )  # fmt: skip


def since(reading: Reading, seen: Seen, now: float, money: str = "") -> Since:
    """Say what happened to the run of `reading` since the look `seen`; `money` is what that time cost."""
    best = _best(reading.series.get("eval_loss"), seen.step)
    whole = reading.series.get("eval_loss")
    low = (whole.extent() if whole is not None else None) or (None, None)
    kept = [one for one in reading.checkpoints if one.time > seen.at]
    newest = max(kept, key=lambda one: one.time, default=None)
    return Since(
        left_at=seen.at,
        now=now,
        was=seen.status,
        status=reading.status,
        step=reading.step,
        total_steps=reading.total_steps,
        steps=_steps(reading, seen),
        best=best,
        is_record=best is not None and low[0] is not None and best[0] <= low[0],
        saved=(newest.step, newest.time) if newest is not None else None,
        findings=_found(reading, seen.at),
        warnings=tuple(clean_line(one.message) for one in reading.warnings if one.time > seen.at),
        deeds=tuple(deed.message for deed in reading.deeds if deed.time > seen.at),
        attempts=max(reading.attempt - seen.attempt, 0),
        money=money,
    )


def _steps(reading: Reading, seen: Seen) -> int | None:
    """How far it came since; of a run that was begun again meanwhile from where that began."""
    if reading.step is None:
        return None
    since = seen.step or 0
    if reading.attempt > seen.attempt and reading.restart_steps:
        # the row behind the checkpoint that it went back to is a restart of its own in the rows
        last = max(reading.restart_steps)
        since = min(since, int(last - 1 if last - 1 in reading.restart_steps else last))
    return max(reading.step - since, 0)


def _best(series: Series | None, from_step: int | None) -> tuple[float, int] | None:
    """The lowest finite value after `from_step`, and where."""
    if series is None or not len(series):
        return None
    start = 0 if from_step is None else series.index(float(from_step) + 1)
    low: tuple[float, int] | None = None
    for at in range(start, len(series)):
        value = series.values[at]
        if math.isfinite(value) and (low is None or value < low[0]):
            low = (value, int(series.steps[at]))
    return low


def _found(reading: Reading, after: float) -> tuple[Finding, ...]:
    """The newest word of each code that was found since."""
    newest: dict[str, Finding] = {}
    for row in reading.health_rows:
        if isinstance(row, FoundRow) and row.time > after and row.finding.code not in reading.silenced:
            newest[row.finding.code] = row.finding
    return tuple(newest.values())


# --- as lines ----------------------------------------------------------------------------------------


def since_lines(told: Since) -> list[Entry]:
    """The lines of the panel, most wanted first, at most `MOST_LINES`."""
    lines = [*_progress(told), *_troubles(told), *_doings(told)]
    if len(lines) > MOST_LINES:
        more = len(lines) - MOST_LINES + 1
        lines = [*lines[: MOST_LINES - 1], (f"and {more} more things: h shows them", "")]
    return [(_brief(text), kind) for text, kind in lines]


def heading(told: Since) -> str:
    """Since when."""
    return f"Since you looked at {clock_label(told.left_at, told.now)} ({duration_label(told.away_s)} ago)"


def _progress(told: Since) -> Iterator[Entry]:
    parts = []
    if told.was and told.was != told.status:
        parts.append(f"{told.was} → {told.status}")
    if told.steps is not None and told.step is not None:
        of = f" of {told.total_steps:,}" if told.total_steps else ""
        parts.append(f"{told.steps:,} steps, now at {told.step:,}{of}" if told.steps else "no step was added")
    if told.attempts:
        parts.append("begun again once" if told.attempts == 1 else f"begun again {told.attempts} times")
    if told.money:
        parts.append(f"{told.money} spent")
    bad = told.status in ("failed", "lost")
    yield (
        " · ".join(parts) or "nothing happened",
        "bad" if bad else "good" if told.status == "finished" else "",
    )
    if told.best is not None:
        record = ", the best so far" if told.is_record else ""
        yield f"best eval loss {told.best[0]:.4g} at step {told.best[1]:,}{record}", ""
    if told.saved is not None:
        yield f"checkpoint of step {told.saved[0]:,} saved {clock_label(told.saved[1], told.now)}", ""


def _troubles(told: Since) -> Iterator[Entry]:
    for finding in worst_first(told.findings):
        yield f"{finding.level}: {finding.message}", "bad" if finding.level == "error" else "warn"
    known = {finding.message for finding in told.findings}
    for message in dict.fromkeys(told.warnings):
        if message not in known:
            yield f"warning: {message}", "warn"


def _doings(told: Since) -> Iterator[Entry]:
    for deed in told.deeds:
        yield f"done meanwhile: {deed}", ""


def _brief(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1].rstrip() + "…"


def since_last_look(reading: Reading, now: float) -> Since | None:
    """What happened to a run since this person's last look at it; None without one. It reads small files."""
    from tui_ft.watch.since_money import money_of

    seen = last_look(reading.path)
    return since(reading, seen, now, money_of(reading, seen, now)) if seen is not None else None


def as_json(told: Since) -> dict[str, Any]:
    """As `watch --json` prints it."""
    return {
        "left_at": told.left_at,
        "away_s": told.away_s,
        "was": told.was,
        "steps": told.steps,
        "best_eval_loss": told.best[0] if told.best else None,
        "best_eval_step": told.best[1] if told.best else None,
        "checkpoint_step": told.saved[0] if told.saved else None,
        "findings": [finding.code for finding in told.findings],
        "warnings": len(told.warnings),
        "deeds": list(told.deeds),
        "restarts": told.attempts,
        "money": told.money or None,
    }


# --- home --------------------------------------------------------------------------------------------
