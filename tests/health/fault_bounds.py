"""Within what a detector has to speak: what its thresholds promise, counted from where the fault began."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tui_ft.health.finding import Finding
from tui_ft.health.learning import _BASE_ROWS
from tui_ft.health.thresholds import Thresholds
from tui_ft.runs.guarding.sight import _HOLDERS_EVERY_S
from tui_ft.runs.supervision import POLL_S

LIMITS = Thresholds()
TOLD_S = 3 * POLL_S
"""From what can be seen to the word in health.jsonl: the poll that reads it, the one that looks at the
machine, and one that a busy box is late by."""
EXIT_S = 12.0
"""From a fatal error to the end of the trainer's process: it saves, and then its interpreter has libraries to
tear down (measured: 2 s on a quiet box, up to 9 s at a load of seven on two cores)."""

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Story:
    """What a run left behind, and its finding. `provoked` is the moment that the fault itself noted."""

    finding: Finding
    metrics: Sequence[Row]
    events: Sequence[Row]
    hardware: Sequence[Row]
    provoked: Row | None

    def evaluations(self, name: str) -> list[tuple[int, float]]:
        """Step and loss of each evaluation up to the finding."""
        last = self.finding.step or 0
        return [(row["step"], row[name]) for row in self.metrics if name in row and row["step"] <= last]


Begin = Callable[[Story], float]


@dataclass(frozen=True)
class Bound:
    """At most `most` steps, or seconds, after `begin`; `promise` says by which thresholds."""

    most: float
    unit: Literal["steps", "s"]
    begin: Begin
    promise: str


# --- where a fault began ---------------------------------------------------------------------------------


def at_the_start(story: Story) -> float:
    return 0.0


def as_provoked(story: Story) -> float:
    """The last step before the fault, noted by who did it."""
    return float(_provoked(story)["step"])


def when_provoked(story: Story) -> float:
    return float(_provoked(story)["time"])


def _provoked(story: Story) -> Row:
    if story.provoked is None:
        raise ValueError("the fault was never provoked")
    return story.provoked


def before_the_rise(story: Story) -> float:
    """The last step whose loss was not far above the lowest until then."""
    least, last = float("inf"), 0
    for row in story.metrics:
        loss = row.get("loss")
        if not isinstance(loss, float) or row["step"] > (story.finding.step or 0):
            continue
        if loss <= LIMITS.divergence_ratio * least:
            last = row["step"]
        least = min(least, loss)
    return float(last)


def at_the_low(story: Story) -> float:
    return float(str(story.finding.evidence["lowest_at_step"]))


def last_good_held_out(story: Story) -> float:
    losses = story.evaluations("eval_loss")
    limit = min(loss for _, loss in losses) * (1 + LIMITS.overfitting_rise)
    return float(max(step for step, loss in losses if loss < limit))


def last_good_probe(story: Story) -> float:
    losses = story.evaluations("probe_loss")
    limit = losses[0][1] * (1 + LIMITS.forgetting_rise)
    return float(max(step for step, loss in losses if loss < limit))


def at_the_resume(story: Story) -> float:
    return float([row for row in story.events if row["event"] == "attempt"][-1]["step"])


def at_the_first_look(story: Story) -> float:
    return float(story.hardware[0]["time"])


def at_the_first_save(story: Story) -> float:
    return float(next(row for row in story.events if row["event"] == "checkpoint")["time"])


# --- what is promised ------------------------------------------------------------------------------------


def within_steps(most: float, begin: Begin, promise: str) -> Bound:
    return Bound(most, "steps", begin, promise)


def within_s(most: float, begin: Begin, promise: str) -> Bound:
    return Bound(most, "s", begin, promise)


def at_the_end() -> Bound:
    return told(EXIT_S, "the trainer's process has ended")


def told(seconds: float, promise: str, begin: Begin = when_provoked) -> Bound:
    """After so many seconds of it, and what it takes to be told."""
    return within_s(seconds + TOLD_S, begin, promise)


NOT_LEARNING = within_steps(
    _BASE_ROWS + LIMITS.learning_rows + LIMITS.learning_flat_rows, at_the_start,
    "first rows + learning_rows + learning_flat_rows",
)  # fmt: skip
LEAKED = told(_HOLDERS_EVERY_S, "holders are looked for once a minute")


def starved(step_s: float) -> Bound:
    """The first step is left out; then so many rows and seconds of steps that take `step_s` or more."""
    rows = max(LIMITS.starvation_rows, -(-LIMITS.starvation_s // step_s))
    return within_steps(1 + rows, at_the_start, "the first step + starvation_rows and _s")


def slow_saves(every_s: float) -> Bound:
    """It speaks at a save only: `every_s` is the longest from one to the next."""
    return told(LIMITS.saves_s + every_s, "saves_s + the next save", at_the_first_save)


def evaluations(count: float, every: int, begin: Begin, promise: str) -> Bound:
    return within_steps(count * every, begin, promise)
