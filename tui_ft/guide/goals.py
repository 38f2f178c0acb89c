"""The words by which the user says what is wanted and what is known, and what each of them means."""

from __future__ import annotations

from typing import NamedTuple

from tui_ft.errors import TuiFtError
from tui_ft.spec.errors import nearest, shown


class Goal(NamedTuple):
    """One word of `--goal`; `also` are other words for it."""

    word: str
    meaning: str
    also: tuple[str, ...] = ()


AIMS: tuple[Goal, ...] = (
    Goal(
        "sft",
        "imitate answers: format, tone, terms, a task",
        ("format", "tone", "style", "terms", "behaviour", "new-behaviour", "accuracy", "task",
         "short-prompts", "instruction", "chat", "code", "classification", "extraction", "translation",
         "summarisation", "question-answering", "domain-language", "consistency", "privacy"),
    ),
    Goal(
        "preference",
        "prefer one answer over another, from pairs",
        ("dpo", "orpo", "pairs", "preferences", "alignment"),
    ),
    Goal("thumbs", "the same from single answers marked good or bad", ("kto", "unpaired", "thumbs-up-down")),
    Goal("rl", "a program or a model can score answers", ("grpo", "rloo", "rlhf", "ppo", "reward")),
    Goal(
        "distil",
        "a small or fast model that does what a large one does",
        ("distill", "distillation", "small-model", "low-latency", "latency", "tiny", "edge", "mobile"),
    ),
    Goal(
        "continue",
        "go on pre-training on raw text of a language or a field",
        ("continued-pretraining", "continued-pre-training", "pretraining", "raw-text", "new-language",
         "new-domain"),
    ),
)  # fmt: skip
"""What the model is to learn; without one, sft."""

CIRCUMSTANCES: tuple[Goal, ...] = (
    Goal(
        "deploy-int4",
        "served in int4 or int8, and quantised afterwards too poor",
        ("deploy-int8", "int4", "int8", "qat"),
    ),
    Goal("many-tasks", "several tasks on one base model", ("multi-task", "several-tasks")),
    Goal(
        "keep-skills",
        "what the model can do now must stay",
        ("continual", "continual-learning", "replay", "forgetting"),
    ),
    Goal("quick-trial", "a first look, few examples, next to no budget", ("trial", "simple", "tiny-budget")),
    Goal("complex", "a hard task: reasoning, long answers", ("complex-task",)),
    Goal("diverse", "very different requirements in one model", ("very-diverse",)),
    Goal("interpretability", "people must see why the model answers so", ("transparent",)),
)
"""What else is known about the wish."""

OBJECTIONS: tuple[Goal, ...] = (
    Goal(
        "facts",
        "teach it facts, above all ones that change",
        ("facts-change", "facts-change-often", "changing-facts", "citations", "rag", "knowledge"),
    ),
    Goal(
        "prompt-untried",
        "a system prompt with examples was not tried",
        ("untried", "prompt-not-tried", "few-shot-untried"),
    ),
    Goal("prompt-works", "the task already works with a prompt", ("works-with-prompt",)),
    Goal("prototype", "a quick prototype", ("quick-prototype",)),
)
"""What speaks against fine-tuning."""

GOALS: tuple[Goal, ...] = AIMS + CIRCUMSTANCES + OBJECTIONS

_WORDS = {name: goal.word for goal in GOALS for name in (goal.word, *goal.also)}


def parse_goals(text: str) -> frozenset[str]:
    """Return the goals named in `text`, words with commas between them; other words for one are understood.

    Raises `TuiFtError` for a word that means nothing here.
    """
    found = set()
    for part in text.split(","):
        word = "-".join(part.lower().replace("_", " ").split())
        if not word:
            continue
        if word not in _WORDS:
            meant = nearest(word, _WORDS)
            hint = f"Did you mean {meant}?" if meant else f"One of {', '.join(goal.word for goal in GOALS)}."
            raise TuiFtError(f"{shown(part.strip())} is no goal that the guide knows.", hint)
        found.add(_WORDS[word])
    if not found:
        raise TuiFtError("No goal is named.", f"One of {', '.join(goal.word for goal in AIMS)}.")
    return frozenset(found)
