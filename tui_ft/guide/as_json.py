"""A recommendation as the JSON that scripts rely on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tui_ft.guide.compare import MethodRow
from tui_ft.guide.question import Alternative, Plan, Question, Reason, Recommendation
from tui_ft.guide.starting import hyperparameters
from tui_ft.spec.errors import printable
from tui_ft.vram.as_json import estimate_json

SCHEMA = 1


def recommendation_json(
    question: Question, answer: Recommendation, rows: Sequence[MethodRow]
) -> dict[str, Any]:
    """The answer under the names of the contract; bytes, None is not known.

    Every number of bytes in a reason stands in its `numbers`, by the name of the plan in `plans` that
    needs it; a plan's `overrides` make its spec of the default one, and `estimate` is its whole estimate.
    `rows` compare all methods.
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
        "total_bytes": question.total_bytes,
        "gpus": answer.plan.gpus,
        "notes": [printable(note) for note in question.notes],
        "reasons": [_reason(reason) for reason in answer.reasons],
        "hyperparameters": hyperparameters(answer.plan.spec, answer.method),
        "overrides": list(answer.plan.overrides),
        "estimate": estimate_json(answer.plan.estimate),
        "runnable": answer.is_runnable,
        "why_not": answer.why_not or None,
        "next_best": None if answer.next_best is None else _alternative(answer.next_best),
        "alternatives": [_alternative(other) for other in answer.alternatives],
        "methods": [_row(row) for row in rows],
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


def _row(row: MethodRow) -> dict[str, Any]:
    return {
        "method": row.method,
        "label": row.label,
        "needed_bytes": row.estimate.needed_bytes if row.estimate else None,
        "verdict": row.verdict,
        "trainable_share": row.trainable_share if row.estimate else None,
        "checkpoint_bytes": row.checkpoint_bytes if row.estimate else None,
        "result_bytes": row.result_bytes if row.estimate else None,
        "speed": row.speed,
        "best_use": row.best_use,
        "runnable": row.runnable,
        "why_not": row.why_not or None,
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
