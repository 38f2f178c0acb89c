"""How often a run is evaluated and saved, where its spec is silent, too."""

from __future__ import annotations

import math

from tui_ft.spec.run_spec import RunSpec

EVALUATIONS_PER_EPOCH = 4
"""Where the spec is silent: every quarter epoch (domain facts, section d)."""

SAVE_MINUTES = 10.0
"""Where the spec is silent: with a 30 s save and a failure every 3 h the optimum is 13 min (Young/Daly)."""


def steps_between_evaluations(spec: RunSpec, steps_per_epoch: int) -> int:
    """Return after how many optimizer steps the held-out rows are read again."""
    evaluation = spec.evaluation
    if evaluation.every_steps is not None:
        return evaluation.every_steps
    epochs = evaluation.every_epochs or 1 / EVALUATIONS_PER_EPOCH
    return max(1, math.ceil(epochs * steps_per_epoch))


def minutes_between_saves(spec: RunSpec) -> float | None:
    """Return the time between checkpoints; None where they are saved by steps."""
    checkpoints = spec.checkpoints
    if checkpoints.every_minutes is None and checkpoints.every_steps is None:
        return SAVE_MINUTES
    return checkpoints.every_minutes
