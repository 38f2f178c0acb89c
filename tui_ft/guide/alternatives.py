"""What else could be done: the other methods, the smaller models, the larger GPU."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tui_ft.guide.case import Case
from tui_ft.guide.question import Alternative, Plan
from tui_ft.guide.rule import METHOD_NAMES, OBJECTIVE_NAMES
from tui_ft.spec.support import support
from tui_ft.vram import catalogue
from tui_ft.vram.gpu_classes import CLASSES
from tui_ft.vram.verdict import judge
from tui_ft.vram.workload import BF16_CAPABILITY

WHEN: Mapping[str, str] = {
    "full": "Whole-model change: from 100,000 rows on, a new language or field; large files.",
    "lora": "The default: small files, no delay once merged.",
    "qlora": "Leaves room for longer rows or a larger batch; slower than LoRA.",
    "last_layers": "Cheap steps without new modules; early layers cannot adapt.",
    "prompt": "A quick trial with few examples; weak on small models.",
}
"""The methods that are worth a line, and when each is the better one."""


def alternatives(case: Case, chosen: Plan) -> Iterator[Alternative]:
    """Other methods for the same model; where nothing fits, first other models and GPUs."""
    if chosen.verdict in ("does_not_fit", "tight"):
        yield from _elsewhere(case, chosen)
    for method, when in WHEN.items():
        if method == chosen.method:
            continue
        plan = case.best(method) or case.plan(method)
        if plan is not None:
            yield as_alternative(plan, when)


def as_alternative(plan: Plan, text: str, model: str = "") -> Alternative:
    """`plan` as an alternative; `model` where it is another one."""
    name = METHOD_NAMES[plan.method]
    objective = "" if plan.objective == "sft" else f" with {OBJECTIVE_NAMES[plan.objective]}"
    return Alternative(
        title=f"{model}, {name}{objective}" if model else f"{name}{objective}",
        text=text,
        needed_bytes=plan.needed_bytes,
        verdict=plan.verdict,
        plan=plan,
        is_runnable=plan.method != "qat" and support(plan.spec).state == "runs",
    )


def _elsewhere(case: Case, chosen: Plan) -> Iterator[Alternative]:
    for shape in catalogue.siblings(case.question.shape):
        entry = catalogue.lookup(shape.name)
        plan = case.for_model(shape, entry.hub_id) if entry and entry.hub_id else None
        if plan is not None:
            yield as_alternative(plan, "The largest of the series that fits.", shape.name)
            break
    is_bf16 = case.question.capability is None or case.question.capability >= BF16_CAPABILITY
    for kind in CLASSES:
        if kind.capability < BF16_CAPABILITY and is_bf16:
            continue  # it would have to compute in fp16: another run
        if judge(chosen.estimate, kind.free_bytes) == "fits":
            yield Alternative(
                title=f"A larger GPU: {kind.name}",
                text="The cheapest kind that holds it.",
                needed_bytes=chosen.needed_bytes,
                verdict="fits",
            )
            break
