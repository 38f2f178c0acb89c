"""Asks the guide in tests: models of the catalogue, memory in GiB, estimates made once."""

from __future__ import annotations

from functools import cache

from tui_ft.guide.goals import parse_goals
from tui_ft.guide.question import Question, Recommendation
from tui_ft.guide.recommend import recommend
from tui_ft.spec import overrides
from tui_ft.spec.run_spec import ModelSection, RunSpec
from tui_ft.vram.bounds import check_bounds
from tui_ft.vram.estimate import estimate
from tui_ft.vram.find_model import find_shape
from tui_ft.vram.result import Estimate
from tui_ft.vram.shape import ModelShape
from tui_ft.vram.workload import Workload, from_spec

GIB = 2**30
LLAMA_8B = "Llama-3.1-8B"
LLAMA_70B = "Llama-3.3-70B"
SMALL = "Qwen2.5-0.5B"
EXPERTS = "Qwen3-30B-A3B"

GOALS_ASKED = (
    "sft",
    "preference",
    "rl",
    "distil",
    "continue",
    "deploy-int4",
    "quick-trial",
    "keep-skills",
    "complex",
)

_SHAPES: dict[str, ModelShape] = {}


def shape(model: str) -> ModelShape:
    if model not in _SHAPES:
        _SHAPES[model] = find_shape(model)
    return _SHAPES[model]


def question(
    goal: str = "sft",
    rows: int | None = 5000,
    free_gib: float | None = 24,
    model: str = LLAMA_8B,
    **more: object,
) -> Question:
    free = None if free_gib is None else int(free_gib * GIB)
    spec = more.pop("spec", None) or RunSpec(model=ModelSection(id=model))
    return Question(
        shape=shape(model),
        spec=spec,
        goals=parse_goals(goal),
        rows=rows,
        free_bytes=free,
        **more,  # type: ignore[arg-type]
    )


def advice(*arguments: object, **more: object) -> Recommendation:
    return recommend(question(*arguments, **more), price=price)  # type: ignore[arg-type]


def price(model: ModelShape, workload: Workload) -> Estimate:
    """The closed form, each case once."""
    _SHAPES.setdefault(model.name, model)
    return _priced(model.name, workload)


@cache
def _priced(model: str, workload: Workload) -> Estimate:
    return estimate(_SHAPES[model], workload)


def shared_price(model: ModelShape, workload: Workload) -> Estimate:
    """As if sharding split everything evenly: for rules, not for numbers."""
    from dataclasses import replace

    if workload.strategy != "fsdp":
        return price(model, workload)
    whole = price(model, replace(workload, gpus=1, strategy="single"))
    part = whole.needed_bytes // workload.gpus
    return replace(whole, needed_bytes=part, low_bytes=part, high_bytes=part)


def needed_gib(model: str, *changes: str) -> float:
    """What a run with these overrides needs, in GiB."""
    spec = overrides.apply(RunSpec(model=ModelSection(id=model)), changes)
    workload = from_spec(spec)
    check_bounds(shape(model), workload)
    return price(shape(model), workload).needed_bytes / GIB


def rules_of(answer: Recommendation) -> list[str]:
    """The ids of all rules that had a say."""
    told = (*answer.gate.reasons, *answer.gate.warnings, *answer.reasons)
    return [reason.rule for reason in told]
