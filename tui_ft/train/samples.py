"""Greedy answers before and after training, so that a person sees what changed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import torch

from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.records import SampleEvent, decode_event
from tui_ft.train.journal import Journal
from tui_ft.train.stopping import StopFlag

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

MAX_NEW_TOKENS = 96


@dataclass(frozen=True, kw_only=True)
class SamplePrompt:
    """`text` as the model sees it; `messages` and `expected` where the data set gave them."""

    text: str
    messages: list[dict[str, str]] | None = None
    expected: str | None = None


def has_first(run: RunDirectory) -> bool:
    """True when an earlier attempt already took the samples before training."""
    for line in run.events.read_bytes().splitlines():
        if b'"event":"sample"' in line:
            event = decode_event(line)
            if isinstance(event, SampleEvent) and event.when == "before":
                return True
    return False


class _Asked:
    """A stopping criterion: end a generation as soon as a stop was asked for."""

    def __init__(self, stop: StopFlag) -> None:
        self._stop = stop

    def __call__(self, input_ids: torch.Tensor, scores: Any, **_: Any) -> torch.Tensor:
        return torch.full((input_ids.shape[0],), bool(self._stop), device=input_ids.device)


def answer(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompt: str,
    max_new_tokens: int,
    stop: StopFlag,
) -> str:
    """Return the model's greedy continuation of `prompt`, without special tokens."""
    from transformers import StoppingCriteriaList

    inputs = tokenizer(prompt, return_tensors="pt", add_special_tokens=False).to(model.device)
    with torch.no_grad():
        output = model.generate(
            input_ids=inputs["input_ids"],
            attention_mask=inputs["attention_mask"],
            do_sample=False,
            num_beams=1,
            temperature=None,
            top_p=None,
            top_k=None,
            max_new_tokens=max_new_tokens,
            use_cache=True,
            pad_token_id=tokenizer.pad_token_id,
            stopping_criteria=StoppingCriteriaList([_Asked(stop)]),
        )
    new = output[0, inputs["input_ids"].shape[1] :]
    return str(tokenizer.decode(new, skip_special_tokens=True))


def sample_all(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[SamplePrompt],
    *,
    when: Literal["before", "after"],
    step: int,
    journal: Journal,
    stop: StopFlag,
    autocast: torch.autocast | None = None,
) -> None:
    """Write one sample event a prompt; a stop ends it early. The model's mode is left as it was.

    Gradient checkpointing is switched off meanwhile, for it forbids the cache that makes
    generation fast.
    """
    was_training = model.training
    checkpointed = bool(getattr(model, "is_activation_checkpointing", False))
    model.eval()
    if checkpointed:
        model.activation_checkpointing_disable()
    try:
        for index, prompt in enumerate(prompts):
            if stop:
                return
            with autocast or nullcontext():
                text = answer(model, tokenizer, prompt.text, MAX_NEW_TOKENS, stop)
            if stop:
                return
            journal.event(
                SampleEvent(
                    time=time.time(),
                    when=when,
                    step=step,
                    index=index,
                    prompt=prompt.text,
                    answer=text,
                    expected=prompt.expected,
                    max_new_tokens=MAX_NEW_TOKENS,
                    messages=prompt.messages,
                )
            )
    finally:
        if checkpointed:
            model.activation_checkpointing_enable()
        model.train(was_training)
