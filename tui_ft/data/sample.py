"""Held-out examples as the model is asked them, for its answers before and after training."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tui_ft.data.convert import Example
from tui_ft.data.encode import ChatTokenizer, render_prompt
from tui_ft.data.pool import Candidate


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A held-out example as the model is asked it; `messages` is None where the data is plain text."""

    prompt: str
    messages: list[dict[str, str]] | None
    expected: str
    source: str
    row: int


def sample_of(found: Candidate, tokenizer: ChatTokenizer) -> Sample:
    """Return what the model is asked of a held-out example: everything before its last answer."""
    example = found.example
    prompt, completion = example.prompt, example.completion
    if isinstance(prompt, str) or isinstance(completion, str):
        return _text_sample(found, str(prompt), str(completion))
    turns = [*prompt, *completion]
    answer = max((i for i, turn in enumerate(turns) if turn["role"] == "assistant"), default=len(turns) - 1)
    asked = Example(prompt=turns[:answer], completion=turns[answer : answer + 1])
    return Sample(
        prompt=render_prompt(asked, tokenizer) if answer else "",
        messages=turns[:answer],
        expected=turns[answer]["content"],
        source=found.source,
        row=found.row,
    )


def _text_sample(found: Candidate, prompt: str, completion: str) -> Sample:
    if not prompt:  # plain text: its first words are the question, the rest the answer
        words = re.findall(r"\s*\S+", completion)
        prompt = "".join(words[: max(1, min(12, len(words) // 2))])
        completion = completion[len(prompt) :]
    return Sample(prompt=prompt, messages=None, expected=completion, source=found.source, row=found.row)
