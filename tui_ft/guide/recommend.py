"""The recommendation: the rules asked in their order, each with its reason in the model's own numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tui_ft.errors import TuiFtError
from tui_ft.guide.alternatives import alternatives, as_alternative
from tui_ft.guide.case import Case, pricing
from tui_ft.guide.question import Alternative, Gate, Plan, Question, Reason, Recommendation
from tui_ft.guide.rule import METHOD_NAMES, Decides, Rule
from tui_ft.guide.rules import RULES
from tui_ft.guide.starting import scaled_learning_rate, start_values
from tui_ft.spec import overrides
from tui_ft.spec.support import support
from tui_ft.vram.situation import Pricing

_GOALS_OF_OBJECTIVES = frozenset({"preference", "thumbs", "rl", "distil", "quick-trial", "deploy-int4"})
"""Goals that ask for something that a version may not have; without them it is plain SFT."""


def recommend(
    question: Question, *, rules: Sequence[Rule] = RULES, price: Pricing | None = None
) -> Recommendation:
    """Answer `question`. Raises `TuiFtError` where no number can be given for any method."""
    price = price or pricing(question)
    base = Case(question, (), price)
    objective = _first(rules, "objective", base)
    wish = f"objective.kind={objective.objective if objective else 'sft'}"
    first = Case(question, (wish,), price)
    settings = [rule for rule in rules if rule.decides == "settings" and rule.holds(first)]
    start = _starts(question, settings)
    case = Case(question, (wish, *start), price)
    deciding, plan = _decide(rules, case)
    final = _finished(question, plan, (deciding, *([objective] if objective else []), *settings))
    reasons = [deciding.because(case, plan)]
    reasons += [rule.because(case, plan) for rule in ([objective] if objective else []) + settings]
    runnable, why_not = startable(final)
    blame = deciding if deciding.instead and not _can_method(final) else objective
    return Recommendation(
        plan=final,
        base_spec=case.base_spec(),
        gate=_gate(rules, case),
        reasons=tuple(_distinct(reasons)),
        alternatives=tuple(alternatives(case, final)),
        plans=case.plans | {"recommended": final},
        is_runnable=runnable,
        why_not=why_not,
        next_best=None if runnable else _next_best(question, blame, rules, price),
    )


def startable(plan: Plan) -> tuple[bool, str]:
    """Whether this version can start `plan`, else the reason as a clause."""
    if plan.method == "qat":
        return False, "quantisation-aware training is not built in yet"
    found = support(plan.spec)
    return found.state == "runs", found.reason


def _first(rules: Sequence[Rule], decides: Decides, case: Case) -> Rule | None:
    return next((rule for rule in rules if rule.decides == decides and rule.holds(case)), None)


def _decide(rules: Sequence[Rule], case: Case) -> tuple[Rule, Plan]:
    """The first rule on the method that holds and has a plan. Raises `TuiFtError` when there is none."""
    for rule in rules:
        if rule.decides == "method" and rule.plan is not None and rule.holds(case):
            plan = rule.plan(case)
            if plan is not None:
                return rule, plan
    raise case.problem or TuiFtError(f"No method can be advised for {case.question.shape.name}.")


def _finished(question: Question, plan: Plan, rules: Sequence[Rule]) -> Plan:
    """The plan with the start values that move no memory: passes over the data, learning rate."""
    changes = plan.overrides + start_values(question, plan.objective)
    changes += _starts(question, [rule for rule in rules if rule.decides != "settings"])
    changes = _each_once(changes)
    spec = overrides.apply(question.spec, changes)
    factor = 1.0
    for rule in rules:
        factor *= rule.learning_rate_factor
    changes = _each_once(changes + scaled_learning_rate(spec, factor))
    return replace(plan, spec=overrides.apply(question.spec, changes), overrides=changes)


def _starts(question: Question, rules: Sequence[Rule]) -> tuple[str, ...]:
    """The start values of `rules`; a spec that evaluates every so many steps goes on doing so."""
    starts = (change for rule in rules for change in rule.start)
    if question.spec.evaluation.every_steps is None:
        return tuple(starts)
    return tuple(change for change in starts if not change.startswith("evaluation.every_epochs="))


def _gate(rules: Sequence[Rule], case: Case) -> Gate:
    def told(decides: Decides) -> tuple[Reason, ...]:
        held = [rule for rule in rules if rule.decides == decides and rule.holds(case)]
        return tuple(rule.because(case) for rule in held)

    stops = told("stop")
    return Gate(verdict="stop" if stops else "go", reasons=stops, warnings=told("warning"))


def _can_method(plan: Plan) -> bool:
    """Whether the method would start with plain SFT: then it is the objective that is missing."""
    if plan.method == "qat":
        return False
    return startable(replace(plan, spec=overrides.apply(plan.spec, ["objective.kind=sft"])))[0]


def _next_best(
    question: Question, blame: Rule | None, rules: Sequence[Rule], price: Pricing
) -> Alternative | None:
    """What this version can start of what is left: plain SFT on one GPU, by the same rules."""
    plain = replace(
        question,
        goals=(question.goals - _GOALS_OF_OBJECTIVES) | {"sft"},
        further_free_bytes=(),
        rows=_enough(question),
    )
    if plain == question:
        return None
    found = recommend(plain, rules=rules, price=price)
    text = blame.instead if blame and blame.instead else f"{METHOD_NAMES[found.method]} with SFT."
    if found.is_runnable and found.verdict != "does_not_fit":
        return as_alternative(found.plan, text)
    others = (other for other in found.alternatives if other.is_runnable and other.plan is not None)
    return next((replace(other, text=text) for other in others if other.verdict == "fits"), None)


def _enough(question: Question) -> int | None:
    """So few rows that only a trial is advised are asked about as if they were enough."""
    return None if question.rows is None else max(question.rows, 100)


def _each_once(changes: Sequence[str]) -> tuple[str, ...]:
    """Of several overrides of one field the last."""
    return tuple({change.partition("=")[0]: change for change in changes}.values())


def _distinct(reasons: Sequence[Reason]) -> list[Reason]:
    """Each sentence once."""
    return list({reason.text: reason for reason in reasons}.values())
