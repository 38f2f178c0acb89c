"""The detectors over the curves of runs that are not ours: the same ones, shown only."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping

from tui_ft.health.detector import Cleared
from tui_ft.health.facts import RunFacts
from tui_ft.health.finding import Finding
from tui_ft.health.thresholds import Thresholds
from tui_ft.health.watcher import OF_SERIES, Watcher
from tui_ft.watch.reading import Reading
from tui_ft.watch.series import Series
from tui_ft.watch.sources.health import clean_finding, worst_first

MOST_ROWS = 20_000
"""Of a longer history the last so many rows are judged: that takes about a fifth of a second."""

_STEP_NAMES = ("loss", "grad_norm", "learning_rate", "step_s", "data_wait_s")
_EVALUATION_NAMES = ("eval_loss", "probe_loss")
_OF_REWARDS = (
    "reward", "rewards", "kl", "completion", "completions", "logps", "advantage", "advantages", "odds_ratio",
    "policy", "value_loss",
)  # fmt: skip
"""Series of preferences and of reinforcement: the loss of such a run is not to be judged."""
_WORDS = re.compile(r"[a-z0-9]+")


def findings_of(reading: Reading, limits: Thresholds | None = None) -> tuple[Finding, ...]:
    """Return what is not well at the end of a run of others, worst first; for one of ours what it knows.

    Empty while its history is still being read. Costs a fifth of a second at most, so not in a loop that
    draws.
    """
    if reading.source == "tui_ft":
        return reading.findings
    if not reading.is_complete or not reading.series:
        return ()
    open_now: dict[str, Finding] = {}
    for said in all_said(reading, limits):
        if isinstance(said, Cleared):
            open_now.pop(said.code, None)
        else:
            open_now[said.code] = said
    return worst_first(clean_finding(finding) for finding in open_now.values())


def all_said(reading: Reading, limits: Thresholds | None = None) -> Iterator[Finding | Cleared]:
    """Every word of the detectors on the rows of a run of others, in their order, also what is over."""
    watcher = Watcher(_facts_of(reading), limits, OF_SERIES)
    for at, row in _rows(reading):
        yield from watcher.row(row, at)


def _facts_of(reading: Reading) -> RunFacts:
    settings = reading.settings
    is_half = any(settings.get(name) is True for name in ("fp16", "args/fp16"))
    by_reward = any(_is_of_rewards(name) for name in reading.series)
    clip = settings.get("max_grad_norm")
    return RunFacts(
        objective="rewards" if by_reward else "",
        compute="float16" if is_half else "",
        max_grad_norm=float(clip) if isinstance(clip, (int, float)) and not isinstance(clip, bool) else 1.0,
        total_steps=reading.total_steps,
    )


def _is_of_rewards(name: str) -> bool:
    """By whole words of the name: `tackle_rate` has no `kl` in it."""
    words = f"_{'_'.join(_WORDS.findall(name.lower()))}_"
    return any(f"_{mark}_" in words for mark in _OF_REWARDS)


def _rows(reading: Reading) -> Iterator[tuple[float, Mapping[str, object]]]:
    """The rows as they were written, put together again from the curves, in the order of steps."""
    rows: dict[tuple[float, bool], dict[str, object]] = {}
    for names, is_evaluation in ((_STEP_NAMES, False), (_EVALUATION_NAMES, True)):
        for name in names:
            series = reading.series.get(name)
            if series is not None:
                for step, value in _last_points(series):
                    rows.setdefault((step, is_evaluation), {"step": step})[name] = value
    moments = dict(_last_points(reading.times))
    for (step, _), row in sorted(rows.items()):
        at = moments.get(step, 0.0)
        if at:
            row["time"] = at
        yield at if math.isfinite(at) else 0.0, row


def _last_points(series: Series) -> Iterator[tuple[float, float]]:
    count = len(series)
    start = max(count - MOST_ROWS, 0)
    yield from zip(series.steps[start:count], series.values[start:count], strict=True)
