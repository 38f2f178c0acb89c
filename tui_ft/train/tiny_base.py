"""Raising a tiny base model on one CPU thread: its tokenizer, its shape, and how it reads.

Seeds are fixed, so the same versions of the libraries on the same kind of CPU make the same files.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

BATCH = 64
WHOLE_TEXTS = 0.25
PEAK_LEARNING_RATE = 3e-3
THREADS = 1

END = "<|end|>"
_PAD = "<|pad|>"
_ROLES = ("system", "user", "assistant", "tool")

CHAT_TEMPLATE = (
    "{%- for message in messages -%}"
    "{%- if message['role'] not in ['system', 'user', 'assistant', 'tool'] -%}"
    "{{- raise_exception('unknown role: ' + message['role']) -}}"
    "{%- endif -%}"
    "{{- '<|' + message['role'] + '|>' -}}"
    "{%- if message['role'] == 'assistant' -%}"
    "{%- generation -%}{{- message['content'] + '<|end|>' -}}{%- endgeneration -%}"
    "{%- else -%}"
    "{{- message['content'] + '<|end|>' -}}"
    "{%- endif -%}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|assistant|>' -}}{%- endif -%}"
)

Chat = list[dict[str, str]]
Text = list[tuple[str, bool]]
"""A text in pieces: those with True can be known from what stands before them."""


def make_tokenizer(texts: Iterable[str], vocabulary: int, longest: int) -> PreTrainedTokenizerFast:
    """Return a byte-level BPE tokenizer made from `texts`: it can spell any other text, too.

    It has at most `vocabulary` tokens; its model sees at most `longest` of them at once.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[_PAD, END, *(f"<|{role}|>" for role in _ROLES)],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=END,
        pad_token=_PAD,
        additional_special_tokens=[f"<|{role}|>" for role in _ROLES],
        chat_template=CHAT_TEMPLATE,
        model_max_length=longest,
        padding_side="right",
        clean_up_tokenization_spaces=False,
    )


def make_model(tokenizer: PreTrainedTokenizerFast, seed: int) -> LlamaForCausalLM:
    """Return an untrained model of 0.65 million parameters or so: it depends on the vocabulary."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=128,
        intermediate_size=320,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=tokenizer.model_max_length,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        dtype="float32",
    )
    return LlamaForCausalLM(config)


def chat(asked: str, answered: str) -> Chat:
    """A chat of one question and one answer."""
    return [{"role": "user", "content": asked}, {"role": "assistant", "content": answered}]


def words_of(text: Chat | str) -> str:
    """A text's own words, without the template's marks: for the tokenizer."""
    return text if isinstance(text, str) else "\n".join(message["content"] for message in text)


def pieces_of(said: Chat) -> Text:
    """A chat with the template's marks; what the assistant says can be known from what was asked."""
    pieces: Text = []
    for number in range(0, len(said), 2):
        asked, answered = (message["content"] for message in said[number : number + 2])
        is_last = number + 2 == len(said)
        pieces += [(f"<|user|>{asked}{END}<|assistant|>", False), (answered + END * (not is_last), True)]
    return pieces


def batches(
    read: Callable[[random.Random], Iterator[Text]],
    tokenizer: PreTrainedTokenizerFast,
    seed: int,
    whole_texts: float = WHOLE_TEXTS,
) -> Iterator[dict[str, torch.Tensor]]:
    """Yield batches of texts, each with its end token and padded to the longest.

    A text a row, never several: what a text is about is then the only thing in sight, which makes
    a model of this size learn to look for it within minutes. For the same reason only a share of
    `whole_texts` counts as a whole, the others where they can be known: the rest is chance.
    """
    rng = random.Random(seed)
    texts = read(rng)
    while True:
        rows = [_row(next(texts), tokenizer, whole=rng.random() < whole_texts) for _ in range(BATCH)]
        width = max(len(ids) for ids, _ in rows)
        ids = torch.full((BATCH, width), tokenizer.pad_token_id)
        labels = torch.full((BATCH, width), -100)
        for row, (tokens, learnt) in enumerate(rows):
            ids[row, : len(tokens)] = torch.tensor(tokens)
            labels[row, : len(tokens)] = torch.tensor(learnt)
        yield {"input_ids": ids, "labels": labels}


def _row(text: Text, tokenizer: PreTrainedTokenizerFast, *, whole: bool) -> tuple[list[int], list[int]]:
    """Return a text's tokens with the end token, and those of them that count; -100 for the others."""
    *pieces, last = (piece for piece, _ in text)
    tokens: list[int] = []
    labels: list[int] = []
    made = tokenizer([*pieces, last + END], add_special_tokens=False)["input_ids"]
    for ids, (_, is_known) in zip(made, text, strict=True):
        tokens += ids
        labels += ids if whole or is_known else [-100] * len(ids)
    return tokens, labels


def raise_model(model: LlamaForCausalLM, made: Iterable[dict[str, torch.Tensor]], steps: int) -> float:
    """Pretrain `model` on the first `steps` batches of `made`; return the last loss."""
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=PEAK_LEARNING_RATE, betas=(0.9, 0.98), weight_decay=0.05
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=PEAK_LEARNING_RATE, total_steps=steps, pct_start=0.1
    )
    model.train()
    began = time.monotonic()
    loss = torch.tensor(0.0)
    for step, batch in enumerate(islice(made, steps), 1):
        loss = model(**batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad(set_to_none=True)
        if step % 100 == 0:
            print(f"step {step:5d}  loss {loss.item():.3f}  {time.monotonic() - began:.0f} s")  # noqa: T201
    return float(loss.detach())
