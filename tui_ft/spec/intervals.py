"""How often a run is evaluated, where its spec is silent, too. How often it is saved is learnt as it goes."""

from __future__ import annotations

import math

from tui_ft.spec.run_spec import RunSpec

EVALUATIONS_PER_EPOCH = 4
"""Where the spec is silent: every quarter epoch (domain facts, section d)."""


def steps_between_evaluations(spec: RunSpec, steps_per_epoch: int) -> int:
    """Return after how many optimizer steps the held-out rows are read again."""
    evaluation = spec.evaluation
    if evaluation.every_steps is not None:
        return evaluation.every_steps
    epochs = evaluation.every_epochs or 1 / EVALUATIONS_PER_EPOCH
    return max(1, math.ceil(epochs * steps_per_epoch))
