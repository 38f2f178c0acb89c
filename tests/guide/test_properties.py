"""What holds of every answer: no step back with more memory, true numbers, rules that all matter."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

import pytest
from guide_asking import (
    EXPERTS,
    GIB,
    GOALS_ASKED,
    LLAMA_8B,
    LLAMA_70B,
    SMALL,
    needed_gib,
    price,
    question,
    rules_of,
    shared_price,
)

from tui_ft.errors import TuiFtError
from tui_ft.guide.question import Question, Recommendation
from tui_ft.guide.recommend import recommend
from tui_ft.guide.rule import Rule
from tui_ft.guide.rules import RULES
from tui_ft.spec import overrides
from tui_ft.spec.support import support
from tui_ft.vram.holders import gib_text
from tui_ft.vram.workload import from_spec

JUST = 1.03
TIGHT = needed_gib(LLAMA_8B)


def every_question() -> Iterator[Question]:
    for model in (SMALL, LLAMA_8B, EXPERTS):
        for goal in (*GOALS_ASKED, "facts", "diverse,interpretability", "many-tasks"):
            for free in (None, 3, 12, TIGHT, 48, 200):
                for rows in (50, 200_000):
                    yield question(goal, rows, free, model, capability=(7, 5) if free == TIGHT else None)


@cache
def answers() -> list[tuple[Question, Recommendation]]:
    return [(asked, recommend(asked, price=price)) for asked in every_question()]


def test_every_number_in_a_reason_is_that_of_an_estimate() -> None:
    seen = set()
    for asked, answer in answers():
        for reason in (*answer.reasons, *answer.gate.reasons, *answer.gate.warnings):
            told = re.findall(r"[\d.]+ GiB", f"{reason.text} {reason.more}")
            assert set(told) == {gib_text(size) for size in reason.numbers.values()}
            for name, size in reason.numbers.items():
                seen.add(name)
                if name == "free":
                    assert size == asked.free_bytes
                else:
                    assert size == answer.plans[name].needed_bytes
    assert {"free", "lora", "qlora", "full", "lora, reduced", "qlora, one row"} <= seen


def test_every_plan_is_what_its_overrides_make_of_the_spec() -> None:
    for asked, answer in answers():
        for plan in answer.plans.values():
            spec = overrides.apply(asked.spec, plan.overrides)
            assert spec == plan.spec
            workload = from_spec(spec, capability=asked.capability)
            assert price(asked.shape, workload).needed_bytes == plan.needed_bytes


def test_the_recommended_plan_needs_what_was_weighed() -> None:
    """The start values that come last (passes, learning rate) move no memory."""
    for _, answer in answers():
        others = [plan for name, plan in answer.plans.items() if name != "recommended"]
        assert any(plan.needed_bytes == answer.plan.needed_bytes for plan in others)


def test_what_cannot_be_started_says_so_and_names_something_that_can() -> None:
    for _, answer in answers():
        can = answer.method != "qat" and support(answer.plan.spec).state == "runs"
        assert answer.is_runnable == can
        if can:
            assert answer.next_best is None
            continue
        assert answer.why_not
        if answer.next_best is not None:
            assert answer.next_best.plan is not None
            assert answer.next_best.is_runnable
            assert support(answer.next_best.plan.spec).state == "runs"
            assert answer.next_best.verdict != "does_not_fit"
        else:
            assert answer.verdict in ("does_not_fit", "tight") or answer.method == "prompt"


def test_the_first_reason_decided_the_method_and_is_one_line() -> None:
    for _, answer in answers():
        first = answer.reasons[0]
        assert any(rule.id == first.rule and rule.decides == "method" for rule in RULES)
        for reason in answer.reasons:
            assert len(reason.text) <= 100, reason.text
            assert "–" not in reason.text.replace("QLoRA –", ""), reason.text


def test_effective_batches_stay() -> None:
    for _, answer in answers():
        training = answer.plan.spec.training
        assert training.batch_size * training.gradient_accumulation == 16


def test_what_is_recommended_fits_if_anything_does() -> None:
    for asked, answer in answers():
        if answer.verdict == "does_not_fit":
            assert answer.reasons[0].rule == "R9"
            assert all(plan.verdict != "fits" for plan in answer.plans.values()), asked


def outcome(answer: Recommendation) -> object:
    """What a rule can change."""
    return answer.plan.spec, answer.method, answer.gate.verdict, rules_of(answer)


def without(rule: Rule) -> list[Rule]:
    return [other for other in RULES if other is not rule]


def deciding_question(rule: Rule) -> Question:
    """An input for which this row of the table makes the difference."""
    lora = needed_gib(LLAMA_8B)
    given: dict[tuple[str, str], Question] = {
        ("G1", "stop"): question("facts"),
        ("G2", "stop"): question("prompt-untried"),
        ("G3", "stop"): question("sft", 99),
        ("G5", "warning"): question("diverse"),
        ("R1", "DPO + LoRA"): question("preference"),
        ("R1", "KTO + LoRA"): question("thumbs"),
        ("R2", "objective"): question("rl"),
        ("R3", "objective"): question("distil"),
        ("G7", "objective"): question("continue"),
        ("G6", "objective"): question("sft"),
        ("G4", "the same guard without dropout"): question("sft", 500, 200, EXPERTS),
        ("G4", "settings"): question("sft", 500),
        ("R4", "settings"): question("continue", None, 24),
        ("R10", "settings"): question("many-tasks"),
        ("R12", "settings"): question("keep-skills"),
        ("R13", "settings"): question("sft", 5000, 24, capability=(7, 0)),
        ("R14", "settings"): question("deploy-int4"),
        ("C1", "settings"): question("complex", 5000, 80),
        ("C2", "warning"): question("interpretability"),
        ("R11", "method"): question("quick-trial", 300),
        ("R14", "method"): question("deploy-int4", 5000, 200),
        ("R3", "method"): question("distil", 5000, 24, SMALL),
        ("R4", "at least 100 000 rows, and full fits"): question("sft", 100_000, 24, SMALL),
        ("R4", "continued pre-training, and full fits"): question("continue", 5000, 24, SMALL),
        ("R5", "LoRA in 16 bit fits"): question("sft", 5000, lora * JUST),
        ("R5", "the free memory is not known"): question("sft", 5000, None),
        ("R6", "method"): question("sft", 5000, lora),
        ("R7", "method"): question("sft", 5000, 12),
        ("R8", "method"): question("sft", 5000, 24, LLAMA_70B, further_free_bytes=(24 * GIB,) * 7),
        ("R9", "method"): question("sft", 5000, 3),
    }
    keys = ((rule.id, rule.outcome), (rule.id, rule.condition), (rule.id, rule.decides))
    return next(given[key] for key in keys if key in given)


@pytest.mark.parametrize("rule", RULES, ids=[f"{rule.id}-{rule.outcome[:20]}" for rule in RULES])
def test_each_rule_has_an_input_that_it_alone_decides(rule: Rule) -> None:
    asked = deciding_question(rule)
    with_it = recommend(asked, price=shared_price)
    assert rule.id in rules_of(with_it)
    try:
        assert outcome(recommend(asked, rules=without(rule), price=shared_price)) != outcome(with_it)
    except TuiFtError:
        assert rule.id in ("R9", "R5")  # the last resort, without which there is no answer


def test_the_numbered_rules_are_all_there() -> None:
    assert {f"R{number}" for number in range(1, 15)} <= {rule.id for rule in RULES}
    for rule in RULES:
        assert rule.source
        assert rule.condition
        assert rule.outcome
