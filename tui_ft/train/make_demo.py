"""Makes the built-in demo: a tiny base model that knows the demo's language, and the data of its skill.

Run `python -m tui_ft.train.make_demo [--out DIR]`. Seeds are fixed and the work is done on one CPU
thread, so the same versions of the libraries on the same kind of CPU make the same files.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from tui_ft.demo import paths
from tui_ft.train.demo_text import childhood, lessons

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

SEED = 20
LESSONS = 400
STEPS = 1800
BATCH = 64
WHOLE_TEXTS = 0.25
PEAK_LEARNING_RATE = 3e-3
THREADS = 1

_PAD, _END = "<|pad|>", "<|end|>"
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


def make_tokenizer(seed: int = SEED) -> PreTrainedTokenizerFast:
    """Return a byte-level BPE tokenizer made from the demo's text: it can spell any other text, too."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=640,
        special_tokens=[_PAD, _END, *(f"<|{role}|>" for role in _ROLES)],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    texts = islice(childhood(random.Random(seed)), 5_000)
    tokenizer.train_from_iterator(
        (t if isinstance(t, str) else "\n".join(m["content"] for m in t) for t in texts), trainer
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=_END,
        pad_token=_PAD,
        additional_special_tokens=[f"<|{role}|>" for role in _ROLES],
        chat_template=CHAT_TEMPLATE,
        model_max_length=2048,
        padding_side="right",
        clean_up_tokenization_spaces=False,
    )


def make_model(tokenizer: PreTrainedTokenizerFast, seed: int = SEED) -> LlamaForCausalLM:
    """Return the untrained model: 0.65 million parameters."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=128,
        intermediate_size=320,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=2048,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        dtype="float32",
    )
    return LlamaForCausalLM(config)


def batches(tokenizer: PreTrainedTokenizerFast, seed: int) -> Iterator[dict[str, torch.Tensor]]:
    """Yield batches of texts, each with its end token and padded to the longest.

    A text a row, never several: what a chat is about is then the only thing in sight, which makes
    a model of this size learn to look for it within minutes. For the same reason most texts count
    only from where they speak of their order for the second time: the first time is chance.
    """
    rng = random.Random(seed)
    texts = childhood(rng)
    while True:
        rows = [_tokens(next(texts), tokenizer, whole=rng.random() < WHOLE_TEXTS) for _ in range(BATCH)]
        width = max(len(ids) for ids, _ in rows)
        ids = torch.full((BATCH, width), tokenizer.pad_token_id)
        labels = torch.full((BATCH, width), -100)
        for row, (tokens, start) in enumerate(rows):
            ids[row, : len(tokens)] = torch.tensor(tokens)
            labels[row, start : len(tokens)] = torch.tensor(tokens[start:])
        yield {"input_ids": ids, "labels": labels}


def _tokens(
    text: list[dict[str, str]] | str, tokenizer: PreTrainedTokenizerFast, *, whole: bool
) -> tuple[list[int], int]:
    """Return a text's tokens and the place from which on they are learnt."""
    if isinstance(text, str):
        first, second = text[: text.index("\n") + 1], text[text.index("\n") + 1 :] + _END
    else:
        asked, answered = (message["content"] for message in text)
        first, second = f"<|user|>{asked}{_END}<|assistant|>", f"{answered}{_END}"
    told, again = tokenizer([first, second], add_special_tokens=False)["input_ids"]
    return told + again, 0 if whole else len(told)


def raise_model(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, steps: int) -> float:
    """Pretrain `model` for `steps` steps; return the last loss."""
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=PEAK_LEARNING_RATE, betas=(0.9, 0.98), weight_decay=0.05
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=PEAK_LEARNING_RATE, total_steps=steps, pct_start=0.1
    )
    model.train()
    began = time.monotonic()
    loss = torch.tensor(0.0)
    for step, batch in enumerate(islice(batches(tokenizer, SEED + 1), steps), 1):
        loss = model(**batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad(set_to_none=True)
        if step % 100 == 0:
            print(f"step {step:5d}  loss {loss.item():.3f}  {time.monotonic() - began:.0f} s")  # noqa: T201
    return float(loss.detach())


def write_lessons(path: Path, count: int = LESSONS, seed: int = SEED) -> None:
    """Write the data set: one chat a line."""
    rows = lessons(random.Random(seed + 2), count)
    path.write_text("".join(json.dumps({"messages": chat}) + "\n" for chat in rows), encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    """Make both and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tui_ft.train.make_demo", description=__doc__)
    parser.add_argument("--out", type=Path, default=paths.model_folder().parent, help="folder to write to")
    parser.add_argument("--steps", type=int, default=STEPS, help="pretraining steps (default %(default)s)")
    options = parser.parse_args(arguments)
    torch.set_num_threads(THREADS)
    options.out.mkdir(parents=True, exist_ok=True)
    tokenizer = make_tokenizer()
    model = make_model(tokenizer)
    raise_model(model, tokenizer, options.steps)
    folder = options.out / paths.model_folder().name
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    write_lessons(options.out / paths.data_file().name)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
