"""The names that columns go by in data sets, and what each format needs of them: one table each."""

from __future__ import annotations

from collections.abc import Mapping

from tui_ft.data.spelling import TAGS

ALIASES: Mapping[str, tuple[str, ...]] = {
    "messages": ("messages", "conversations", "conversation", "chat", "dialogue", "dialog", "data"),
    "instruction": ("instruction", "instructions"),
    "input": ("input", "context"),
    "output": ("output", "response", "completion", "answer", "target", "generation"),
    "prompt": (
        "prompt", "query", "question", "input", "problem", "user", "human", "source", "message_1",
        "dialogue", "article", "document", "text", "content", "q", "goal", "inputs", "context",
    ),
    "completion": (
        "completion", "response", "solution", "answer", "output", "assistant", "gpt", "reply", "target",
        "message_2", "answers", "summary", "highlights", "canonical_solution", "code",
        "generation", "a", "targets", "best_answer",
    ),
    "text": ("text", "content", "document"),
    "system": ("system", "system_prompt"),
    "history": ("history",),
    "tools": ("tools", "functions"),
    "chosen": (
        "chosen", "chosen_messages", "chosen_response", "accepted", "preferred",
        "preferred_output", "response_j", "response",
    ),
    "rejected": (
        "rejected", "rejected_messages", "rejected_response", "dispreferred", "non_preferred_output",
        "response_k",
    ),
    "label": ("label", "kto_tag"),
}  # fmt: skip
"""Our name of a column → the names it has in data sets, the most telling first."""

ASKING = ("instruction", "prompt", "query", "question", "input", "problem", "user", "human")
"""Names that ask for something, so that a data set without answers is one of prompts."""

ROLES = (*ALIASES, *TAGS)
"""All that `data.columns` may name."""

NEEDS: Mapping[str, tuple[str, ...]] = {
    "alpaca": ("instruction", "output"),
    "sharegpt": ("messages",),
    "messages": ("messages",),
    "prompt_completion": ("prompt", "completion"),
    "text": ("text",),
    "preference": ("chosen", "rejected"),
    "kto": ("completion", "label"),
    "prompt_only": ("prompt",),
}
MAY_HAVE: Mapping[str, tuple[str, ...]] = {
    "alpaca": ("input", "system", "history", "tools"),
    "sharegpt": ("system", "tools"),
    "messages": ("system", "tools"),
    "prompt_completion": ("input", "system", "history", "tools"),
    "text": (),
    "preference": ("prompt", "input", "system", "history", "tools"),
    "kto": ("prompt", "input", "system", "history", "tools"),
    "prompt_only": ("input", "system", "history", "tools"),
}

PAIRS = (
    ("chosen", "rejected"), ("chosen_messages", "rejected_messages"),
    ("chosen_response", "rejected_response"),
    ("accepted", "rejected"), ("preferred", "dispreferred"),
    ("preferred_output", "non_preferred_output"), ("response_j", "response_k"),
    ("response", "rejected_response"),
)  # fmt: skip
"""The names of a wanted and an unwanted answer that make a preference pair."""
