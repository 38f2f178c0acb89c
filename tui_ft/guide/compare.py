"""All methods side by side, in this model's own numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tui_ft.errors import TuiFtError
from tui_ft.guide.case import pricing
from tui_ft.guide.question import Question, Recommendation
from tui_ft.guide.switching import METHODS, switch
from tui_ft.spec import overrides
from tui_ft.spec.display import method_label
from tui_ft.spec.run_spec import RunSpec
from tui_ft.spec.support import support
from tui_ft.vram.bounds import check_bounds
from tui_ft.vram.estimate import estimate as closed_form
from tui_ft.vram.resident import resident
from tui_ft.vram.result import Estimate
from tui_ft.vram.shape import ModelShape
from tui_ft.vram.situation import Pricing
from tui_ft.vram.verdict import Verdict, judge
from tui_ft.vram.workload import from_spec

SPEED: Mapping[str, str] = {
    "full": "slow",
    "last_layers": "fastest",
    "lora": "fast",
    "qlora": "medium",
    "adalora": "medium",
    "adapter": "fast",
    "prefix": "fast",
    "prompt": "fast",
    "p_tuning": "fast",
    "ia3": "fast",
}
"""Time of a step against LoRA in 16 bit. Full also computes a gradient for each weight (6 instead of 4
operations); the backward pass of the last layers stops early; QLoRA unpacks each weight anew. A soft prompt
is not the fastest: the backward pass goes through the whole model, and it needs more steps."""

SLOWER_VARIANT = "medium"
"""DoRA computes the norm of each adapted weight in every step."""

BEST_USE: Mapping[str, str] = {
    "full": "much data, a new language or field",
    "last_layers": "small shifts of a task, cheap steps",
    "lora": "the default",
    "qlora": "a large model on one GPU",
    "adalora": "research; a fixed number of parameters",
    "adapter": "several tasks on one base",
    "prefix": "generation from few examples",
    "prompt": "a quick trial",
    "p_tuning": "classification, extraction",
    "ia3": "few-shot tasks, next to no storage",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodRow:
    """One method on this model and this GPU. `overrides` make its spec of the given one.

    Where no number can be given, `estimate` is None, `problem` says why, and the sizes are 0.
    `checkpoint_bytes` is a checkpoint that can be resumed, `result_bytes` what is left in the end.
    """

    method: str
    label: str
    overrides: tuple[str, ...]
    spec: RunSpec
    estimate: Estimate | None
    verdict: Verdict
    trainable_share: float
    checkpoint_bytes: int
    result_bytes: int
    speed: str
    best_use: str
    runnable: bool
    why_not: str
    problem: str = ""


def compare(
    shape: ModelShape,
    spec: RunSpec,
    *,
    free_bytes: int | None,
    total_bytes: int | None = None,
    capability: tuple[int, int] | None = None,
    longest_row: int | None = None,
    price: Pricing = closed_form,
) -> tuple[MethodRow, ...]:
    """Every method in a fixed order, each by its own defaults, the spec's own method as it stands.

    `total_bytes` bounds what can ever be free: a method that needs more never fits on this GPU.
    """
    free = free_bytes if total_bytes is None or free_bytes is None else min(free_bytes, total_bytes)
    return tuple(_row(shape, spec, method, free, capability, longest_row, price) for method in METHODS)


def compare_for(question: Question, answer: Recommendation) -> tuple[MethodRow, ...]:
    """The same on the question's GPU, the recommended method with the settings that are recommended."""
    rows = compare(
        question.shape,
        answer.base_spec,
        free_bytes=question.free_bytes,
        total_bytes=question.total_bytes,
        capability=question.capability,
        longest_row=question.longest_row,
        price=pricing(question),
    )
    plan = answer.plan
    own: dict[str, Any] = {
        "estimate": plan.estimate,
        "verdict": plan.verdict,
        "spec": plan.spec,
        "overrides": plan.overrides,
    }
    return tuple(replace(row, **own) if row.method == plan.method else row for row in rows)


def _row(
    shape: ModelShape,
    spec: RunSpec,
    method: str,
    free: int | None,
    capability: tuple[int, int] | None,
    longest_row: int | None,
    price: Pricing,
) -> MethodRow:
    changes = switch(spec, shape, method)
    estimate, problem, sizes = None, "", (0, 0)
    try:
        changed = overrides.apply(spec, changes)
        workload = from_spec(changed, capability=capability, longest_row=longest_row)
        check_bounds(shape, workload)
        estimate = price(shape, workload)
        sizes = sizes_on_disk(shape, changed, longest_row)
    except TuiFtError as error:
        changed, problem = spec, str(error)
    known = support(changed)
    return MethodRow(
        method=method,
        label=method_label(changed) if not problem else method,
        overrides=changes,
        spec=changed,
        estimate=estimate,
        verdict=judge(estimate, free) if estimate else "unknown",
        trainable_share=estimate.trainable_parameters / shape.parameters if estimate else 0.0,
        checkpoint_bytes=sizes[0],
        result_bytes=sizes[1],
        speed=SLOWER_VARIANT if changed.method.variant == "dora" and method == "lora" else SPEED[method],
        best_use=BEST_USE[method],
        runnable=not problem and known.state == "runs",
        why_not=problem or known.reason,
        problem=problem,
    )


def sizes_on_disk(shape: ModelShape, spec: RunSpec, longest_row: int | None = None) -> tuple[int, int]:
    """Bytes on disk of a checkpoint, and of the result.

    A checkpoint holds them as they are trained, beside the optimizer's states; a whole model that was
    trained in float32 ends in 16 bit. Both are those of one GPU that holds everything.
    """
    one = overrides.apply(spec, ("hardware.gpus=auto", "hardware.strategy=single"))
    workload = from_spec(one, longest_row=longest_row)
    held = resident(shape, workload)
    if workload.method in ("full", "last_layers"):
        return held.weights + held.optimizer, 2 * shape.parameters
    return held.adapter + held.optimizer, held.adapter
