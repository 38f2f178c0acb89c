"""The guide's texts: a card for each method and objective, and nothing that the sources had wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import get_args

import pytest
from guide_asking import LLAMA_8B, shape

from tui_ft.cli.guide_text import rule_lines
from tui_ft.guide import alternatives, compare
from tui_ft.guide.cards import CARDS, card
from tui_ft.guide.goals import GOALS
from tui_ft.guide.rules import RULES
from tui_ft.guide.scenarios import SCENARIOS
from tui_ft.guide.starting import HINTS
from tui_ft.guide.switching import METHODS
from tui_ft.spec import declarations
from tui_ft.spec.learning import MethodKind, ObjectiveKind, Variant
from tui_ft.spec.run_spec import ModelSection, RunSpec


def texts() -> Iterator[str]:
    """All that the guide says by itself: not the words of others that it quotes in the scenarios."""
    for one in CARDS.values():
        yield from (one.title, one.what, *one.pros, *one.cons, one.use_when, one.how_we_run_it)
    for rule in RULES:
        yield from (rule.outcome, rule.reason, rule.more, rule.instead)
    yield from (goal.meaning for goal in GOALS)
    for scenario in SCENARIOS:
        yield from (scenario.answer, scenario.correction)
    for hint in HINTS:
        yield from (hint.usual, hint.does, hint.change)
    yield from alternatives.WHEN.values()
    yield from compare.BEST_USE.values()


ALL = "\n".join(text for text in texts() if text)


def sentences(word: str) -> list[str]:
    """The sentences in which `word` occurs."""
    found = re.split(r"(?<=[.:;])\s|\n", ALL)
    return [sentence for sentence in found if re.search(word, sentence)]


@pytest.mark.parametrize(
    "key", [*get_args(MethodKind), *get_args(ObjectiveKind), *get_args(Variant), *METHODS, "qat", "replay"]
)
def test_every_method_and_objective_has_a_card(key: str) -> None:
    one = card(key)
    assert one.key == key
    assert all((one.title, one.what, one.pros, one.cons, one.use_when, one.how_we_run_it))


def test_hints_speak_of_fields_that_exist() -> None:
    for hint in HINTS:
        assert declarations.find(hint.field) is not None, hint.field


@pytest.mark.parametrize(
    "wrong",
    [
        r"q_proj", r"v_proj",  # all linear layers, not these two
        r"8\s*[×x] (the )?model", r"\b56 GB", r"10[–-]50", r"10 to 50",  # what full needs, what LoRA saves
        r"evaluation_strategy", r"warmup_ratio", r"transformers\.adapters", r"logging_dir", r"cuda\.amp",
        r"quantize_dynamic", r"labels\s*=\s*input_ids",
        r"GPT-[34]\b", r"\bBERT\b", r"\bT5\b", r"DistilBERT",
        r"ref_model", r"convert\.py", r"\bTGI\b", r"text-generation-launcher",
        r"fp16=True", r"AutoGPTQ", r"AutoAWQ",
        r"fp4",  # no cure for bad quantisation
    ],
)  # fmt: skip
def test_nothing_of_what_the_sources_had_wrong_is_said(wrong: str) -> None:
    assert not re.search(wrong, ALL)


def test_no_delay_only_once_merged() -> None:
    found = [text for text in sentences(r"[Nn]o delay") if "merged" not in text]
    assert not found
    assert "Unmerged" in " ".join(card("lora").cons)


def test_ppo_is_named_only_as_gone() -> None:
    found = sentences(r"\bPPO\b")
    assert found
    assert all("no longer" in text or "stood" in text for text in found)


def test_the_base_of_qlora_is_frozen_and_computed_with_in_16_bit() -> None:
    text = card("qlora").what
    assert "frozen" in text
    assert "16 bit" in text


def test_a_soft_prompt_is_learnt_and_unreadable_and_not_the_fastest() -> None:
    text = f"{card('prompt').what} {' '.join(card('prompt').cons)} {card('prompt').how_we_run_it}"
    assert "Learnt vectors" in text
    assert "cannot be read" in text
    assert "nothing to do with writing instructions" in text
    assert compare.SPEED["prompt"] != "fastest"
    assert "not words" in card("prefix").what


def test_dpo_is_cheaper_than_rlhf_and_needs_no_second_model() -> None:
    text = f"{' '.join(card('dpo').pros)} {' '.join(card('dpo').cons)} {card('dpo').how_we_run_it}"
    assert "cheaper than RLHF" in text
    assert "Two sequences" in text
    assert "no second copy" in text


def test_an_8_bit_optimizer_saves_memory_not_time() -> None:
    hint = next(hint for hint in HINTS if hint.field == "training.optimizer")
    assert "not slowness" in hint.change


def test_qat_is_no_quantising_afterwards_and_distillation_no_empty_student() -> None:
    assert "not this" in card("qat").how_we_run_it
    assert "no distillation" in card("distill").how_we_run_it


def test_padding_is_not_learnt() -> None:
    assert "never the padding" in card("sft").how_we_run_it


def test_full_is_16_bytes_a_weight_before_activations() -> None:
    text = " ".join(card("full").cons)
    assert "16 bytes a weight" in text
    assert "before activations" in text


def test_the_table_of_rules_fits_80_columns() -> None:
    assert all(len(line) <= 80 for line in rule_lines(RULES, SCENARIOS))


def test_shares_are_those_of_the_model() -> None:
    spec = RunSpec(model=ModelSection(id=LLAMA_8B))
    rows = {row.method: row for row in compare.compare(shape(LLAMA_8B), spec, free_bytes=None)}
    percent = {method: 100 * row.trainable_share for method, row in rows.items()}
    assert percent["full"] == 100
    assert percent["lora"] == percent["qlora"] == pytest.approx(0.52, abs=0.01)
    assert percent["last_layers"] == pytest.approx(5.4, abs=0.1)
    assert percent["prefix"] == pytest.approx(0.016, abs=0.001)
    assert percent["prompt"] == pytest.approx(0.001, abs=0.0002)
