"""The gate: whether to fine-tune at all. Its rules, in the order in which they are told."""

from __future__ import annotations

from tui_ft.guide.case import Case
from tui_ft.guide.question import LEAST_ROWS
from tui_ft.guide.rule import Rule


def _rows_below(case: Case, limit: int) -> bool:
    rows = case.question.rows
    return rows is not None and rows < limit


GATE: tuple[Rule, ...] = (
    Rule(
        id="G1",
        decides="stop",
        condition='facts that change often, citations needed, "teach it our facts"',
        outcome="retrieval (RAG), not fine-tuning",
        holds=lambda case: case.question.wants("facts"),
        reason="Retrieval (RAG) brings facts and can cite them; fine-tuning teaches how to answer.",
        more="Facts that were trained in cannot be updated, deleted or cited, and are recalled unreliably. "
        "Fine-tune beside retrieval only for the form of the answers.",
        source="student notes: when to use what",
    ),
    Rule(
        id="G2",
        decides="stop",
        condition="few-shot or system prompt not tried; quick prototype; it works with a prompt",
        outcome="prompt first",
        holds=lambda case: case.question.wants("prompt-untried", "prompt-works", "prototype"),
        reason="Prompt first: a system prompt with a few examples costs an hour and may be enough.",
        more="It also gives the yardstick that a fine-tuned model has to beat. Come back when the prompt "
        "is too long, too dear, or not obeyed.",
        source="student notes: when to use what",
    ),
    Rule(
        id="G3",
        decides="stop",
        condition="fewer than 100 examples",
        outcome="stop: few-shot, or prompt tuning as a trial",
        holds=lambda case: _rows_below(case, LEAST_ROWS),
        reason="{rows} examples are too few: below 100 put the best of them into the prompt.",
        more="Prompt tuning is the one method to try on so few; anything larger learns them by heart. "
        "A thousand good rows are worth more than ten thousand careless ones.",
        source="student notes: data sizes",
    ),
    Rule(
        id="G5",
        decides="warning",
        condition="very diverse requirements in one model",
        outcome="a warning: split into tasks, one adapter each",
        holds=lambda case: case.question.wants("diverse"),
        reason="Very different demands in one run get in each other's way: train one adapter for each.",
        source="student notes; comprehensive guide §8.1",
    ),
)
"""The rest of the gate are goals that go through: they stand among the rules."""
