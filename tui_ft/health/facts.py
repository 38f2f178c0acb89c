"""What detectors know of the run that they look at, before its first row."""

from __future__ import annotations

import msgspec

from tui_ft.spec.resolve import resolve
from tui_ft.spec.run_spec import RunSpec

_BY_LOSS_ALONE = frozenset({"sft", "distill", ""})
"""Objectives whose loss says how well it learns. That of the others is a margin or an advantage: it may be
negative, begins at ln 2 or at zero, and is judged by rewards."""


class RunFacts(msgspec.Struct, kw_only=True, frozen=True):
    """`spec` is the resolved one, None for a run of others. `compute` is the dtype of the arithmetic, empty
    where not known; `has_bf16` whether the GPU has that; `first_step` where the attempt began.
    """

    spec: RunSpec | None = None
    objective: str = ""
    compute: str = ""
    has_bf16: bool | None = None
    is_gpu: bool = False
    cores: int = 1
    max_grad_norm: float = 1.0
    warmup_steps: int = 0
    total_steps: int | None = None
    first_step: int = 0
    attempt: int = 1
    run_id: str = ""

    @property
    def is_judged_by_loss(self) -> bool:
        return self.objective in _BY_LOSS_ALONE


def facts_of(
    spec: RunSpec,
    *,
    run_id: str = "",
    attempt: int = 1,
    is_gpu: bool = False,
    compute: str = "",
    has_bf16: bool | None = None,
    cores: int = 1,
    total_steps: int | None = None,
) -> RunFacts:
    """Return the facts of a run of ours. Raises nothing: `spec` was checked when it was read."""
    whole = resolve(spec)
    return RunFacts(
        spec=whole,
        objective=whole.objective.kind,
        compute=compute,
        has_bf16=has_bf16,
        is_gpu=is_gpu,
        cores=cores,
        max_grad_norm=whole.training.max_grad_norm,
        warmup_steps=warmup_steps(whole.training.warmup, total_steps),
        total_steps=total_steps,
        attempt=attempt,
        run_id=run_id,
    )


def warmup_steps(warmup: float, total_steps: int | None) -> int:
    """Below 1 a share of the steps, from 1 on steps; 0 while the share is of an unknown number."""
    if warmup >= 1:
        return int(warmup)
    return int(warmup * total_steps) if total_steps else 0
