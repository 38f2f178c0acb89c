"""As the free memory grows, the guide never takes a step back."""

from __future__ import annotations

import math

import pytest
from guide_asking import (
    EXPERTS,
    GIB,
    GOALS_ASKED,
    LLAMA_8B,
    LLAMA_70B,
    SMALL,
    advice,
    price,
    question,
    shared_price,
)

from tui_ft.guide.question import Recommendation
from tui_ft.guide.recommend import recommend

FRUGAL_FIRST = ("qlora", "prompt", "lora", "qat", "full")
MODELS = (SMALL, "Llama-3.2-3B", LLAMA_8B, "Qwen2.5-32B", LLAMA_70B, EXPERTS, "gpt2", "demo")


def ladder(model: str, goal: str, rows: int | None) -> list[Recommendation]:
    """The answers from 0 to 200 GiB of free memory, on both sides of each point where one can change."""
    seen = [recommend(question(goal, rows, gib, model), price=price) for gib in (0, 5, 10, 20, 40, 80, 160)]
    needs = {plan.estimate for answer in seen for plan in answer.plans.values()}
    points = {size for one in needs for size in (one.low_bytes, math.ceil(one.needed_bytes / 0.98))}
    frees = sorted({size + by for size in points if size < 200 * GIB for by in (-2, 2)} | {0, 200 * GIB})
    return [recommend(question(goal, rows, free / GIB, model), price=price) for free in frees]


@pytest.mark.parametrize("rows", [50, 300, 5000, 200_000])
@pytest.mark.parametrize("model", MODELS)
def test_more_free_memory_never_moves_to_a_more_frugal_method(model: str, rows: int) -> None:
    ranks = [FRUGAL_FIRST.index(answer.method) for answer in ladder(model, "sft", rows)]
    assert ranks == sorted(ranks)


@pytest.mark.parametrize("goal", GOALS_ASKED)
@pytest.mark.parametrize("model", [SMALL, LLAMA_8B])
def test_nor_for_another_goal(model: str, goal: str) -> None:
    ranks = [FRUGAL_FIRST.index(answer.method) for answer in ladder(model, goal, 300)]
    assert ranks == sorted(ranks)


def test_nor_in_steps_of_one_gib() -> None:
    answers = [advice("sft", 200_000, gib, LLAMA_8B) for gib in range(201)]
    ranks = [FRUGAL_FIRST.index(answer.method) for answer in answers]
    assert ranks == sorted(ranks)
    assert {answer.method for answer in answers} == {"qlora", "lora", "full"}


@pytest.mark.parametrize("gpus", [2, 8])
def test_nor_with_more_gpus(gpus: int) -> None:
    for model in (LLAMA_8B, LLAMA_70B):
        ranks = []
        for gib in range(201):
            asked = question("sft", 5000, gib, model, further_free_bytes=(gib * GIB,) * (gpus - 1))
            ranks.append(FRUGAL_FIRST.index(recommend(asked, price=shared_price).method))
        assert ranks == sorted(ranks)


@pytest.mark.parametrize("model", [SMALL, LLAMA_8B, EXPERTS])
def test_more_free_memory_never_makes_the_verdict_worse(model: str) -> None:
    order = ("does_not_fit", "tight", "fits")
    answers = ladder(model, "sft", 5000)
    ranks = [order.index(answer.verdict) for answer in answers]
    assert ranks == sorted(ranks)
    for answer in answers:
        if answer.verdict != "fits":
            fitting = {plan.method for plan in answer.plans.values() if plan.verdict == "fits"}
            assert fitting <= {"prompt", "last_layers"}  # told as alternatives: they learn too little
