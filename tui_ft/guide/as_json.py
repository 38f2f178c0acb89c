"""A recommendation as the JSON that scripts rely on."""

from __future__ import annotations

from typing import Any

from tui_ft.guide.question import Alternative, Plan, Question, Reason, Recommendation
from tui_ft.guide.starting import hyperparameters
from tui_ft.spec.errors import printable
from tui_ft.vram.as_json import estimate_json

SCHEMA = 1


def recommendation_json(question: Question, answer: Recommendation) -> dict[str, Any]:
    """The answer under the names of the contract; bytes, None is not known.

    Every number of bytes in a reason stands in its `numbers`, by the name of the plan in `plans` that
    needs it; `overrides` make that plan's spec of the default one, and `estimate` is its whole estimate.
    """
    stops = " ".join(reason.text for reason in answer.gate.reasons)
    return {
        "schema": SCHEMA,
        "model": printable(question.shape.name),
        "rows": question.rows,
        "goals": sorted(question.goals),
        "gate": answer.gate.verdict,
        "gate_reason": stops or None,
        "gate_reasons": [_reason(reason) for reason in answer.gate.reasons],
        "warnings": [_reason(reason) for reason in answer.gate.warnings],
        "method": answer.method,
        "objective": answer.objective,
        "verdict": answer.verdict,
        "needed_bytes": answer.plan.needed_bytes,
        "free_bytes": question.free_bytes,
        "gpus": answer.plan.gpus,
        "reasons": [_reason(reason) for reason in answer.reasons],
        "hyperparameters": hyperparameters(answer.plan.spec, answer.method),
        "overrides": list(answer.plan.overrides),
        "estimate": estimate_json(answer.plan.estimate),
        "runnable": answer.is_runnable,
        "why_not": answer.why_not or None,
        "next_best": None if answer.next_best is None else _alternative(answer.next_best),
        "alternatives": [_alternative(other) for other in answer.alternatives],
        "plans": {name: _plan(plan) for name, plan in answer.plans.items()},
    }


def _reason(reason: Reason) -> dict[str, Any]:
    return {
        "rule": reason.rule,
        "text": reason.text,
        "more": reason.more,
        "source": reason.source,
        "numbers": dict(reason.numbers),
    }


def _alternative(other: Alternative) -> dict[str, Any]:
    plan = other.plan
    return {
        "title": printable(other.title),
        "text": other.text,
        "method": plan.method if plan else None,
        "objective": plan.objective if plan else None,
        "model": printable(plan.spec.model.id or "") if plan else None,
        "needed_bytes": other.needed_bytes,
        "verdict": other.verdict,
        "runnable": other.is_runnable,
        "overrides": list(plan.overrides) if plan else [],
    }


def _plan(plan: Plan) -> dict[str, Any]:
    return {
        "method": plan.method,
        "objective": plan.objective,
        "overrides": list(plan.overrides),
        "gpus": plan.gpus,
        "verdict": plan.verdict,
        "needed_bytes": plan.needed_bytes,
        "estimate": estimate_json(plan.estimate),
    }
