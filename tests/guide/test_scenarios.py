"""Every row of the sources' decision tables: the guide gives its answer, or the documented correction."""

from __future__ import annotations

from typing import Any

import pytest
from guide_asking import LLAMA_8B, LLAMA_70B, SMALL, advice, needed_gib, rules_of

from tui_ft.guide.rules import RULES
from tui_ft.guide.scenarios import SCENARIOS, Scenario

ASKED: dict[str, dict[str, Any]] = {
    "prompt": {"goal": "prompt-untried", "gate": "stop"},
    "rag": {"goal": "facts", "gate": "stop"},
    "behaviour": {"goal": "format", "objective": "sft"},
    "language": {"goal": "new-language", "model": SMALL, "method": "full"},
    "too-few": {"rows": 99, "gate": "stop", "method": "prompt"},
    "few": {"rows": 100},
    "diverse": {"goal": "diverse"},
    "pairs": {"goal": "preference", "objective": "dpo", "method": "lora"},
    "thumbs": {"goal": "thumbs", "objective": "kto", "method": "lora"},
    "reward": {"goal": "reward", "objective": "grpo", "method": "lora"},
    "much-data": {"rows": 100_000, "model": SMALL, "method": "full"},
    "limited": {"free_gib": 12, "method": "qlora"},
    "large-model": {"free_gib": 48, "model": LLAMA_70B, "method": "qlora"},
    "several-tasks": {"goal": "several-tasks", "method": "lora"},
    "interpretability": {"goal": "interpretability", "method": "lora"},
    "latency": {"goal": "low-latency", "objective": "distill"},
    "continual": {"goal": "continual", "method": "lora"},
    "complex": {"goal": "complex", "method": "lora"},
    "simple": {"goal": "simple", "rows": 200, "method": "prompt"},
    "scarce": {"free_gib": 12, "method": "qlora"},
    "constrained": {"goal": "deploy-int4", "free_gib": 200, "method": "qat"},
}


@pytest.mark.parametrize("row", SCENARIOS, ids=[row.id for row in SCENARIOS])
def test_the_row_is_answered(row: Scenario) -> None:
    asked = dict(ASKED[row.id])
    wanted = {key: asked.pop(key) for key in ("method", "objective", "gate") if key in asked}
    answer = advice(**{"free_gib": 24, **asked})
    found = {"method": answer.method, "objective": answer.objective, "gate": answer.gate.verdict}
    assert {key: found[key] for key in wanted} == wanted
    assert set(row.rules) & set(rules_of(answer))
    if "gate" not in wanted:
        assert answer.gate.verdict == "go"


def test_every_rule_that_a_row_names_exists() -> None:
    known = {rule.id for rule in RULES}
    for row in SCENARIOS:
        assert set(row.rules) <= known


def test_much_data_alone_is_not_full() -> None:
    assert advice("sft", 100_000, 24, LLAMA_8B).method == "lora"


def test_a_large_model_is_lora_where_lora_fits() -> None:
    assert advice("sft", 5000, needed_gib(LLAMA_70B) * 1.03, LLAMA_70B).method == "lora"


def test_other_words_of_the_sources_mean_the_same() -> None:
    for words in ("tone", "terms", "short-prompts", "accuracy", "new behaviour", "style"):
        answer = advice(words, 5000, 24)
        assert (answer.gate.verdict, answer.objective, answer.method) == ("go", "sft", "lora")
    for words in ("prototype", "prompt-works", "Prompt_Untried"):
        assert advice(words, 5000, 24).gate.verdict == "stop"


def test_the_gate_says_what_to_do_instead() -> None:
    assert "RAG" in advice("facts", 5000, 24).gate.reasons[0].text
    assert "Prompt first" in advice("prototype", 5000, 24).gate.reasons[0].text
    assert "prompt" in advice("sft", 20, 24).gate.reasons[0].text
