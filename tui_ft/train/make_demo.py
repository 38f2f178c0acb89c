"""Makes the built-in demo: a tiny base model that knows the demo's language, and the data of its skill.

Run `python -m tui_ft.train.make_demo [--out DIR]`. Seeds are fixed and the work is done on one CPU
thread, so the same versions of the libraries on the same kind of CPU make the same files.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from tui_ft.demo import paths
from tui_ft.train import tiny_base
from tui_ft.train.demo_text import childhood, lessons

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

SEED = 20
LESSONS = 400
STEPS = 1800
VOCABULARY = 640
LONGEST = 2048


def make_tokenizer(seed: int = SEED) -> PreTrainedTokenizerFast:
    """Return the tokenizer made from the demo's text."""
    texts = islice(childhood(random.Random(seed)), 5_000)
    return tiny_base.make_tokenizer(map(tiny_base.words_of, texts), VOCABULARY, LONGEST)


def read(rng: random.Random) -> Iterator[tiny_base.Text]:
    """Yield the childhood's texts in two: a page's second half speaks of its order again."""
    for text in childhood(rng):
        if isinstance(text, str):
            end = text.index("\n") + 1
            yield [(text[:end], False), (text[end:], True)]
        else:
            yield tiny_base.pieces_of(text)


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
    torch.set_num_threads(tiny_base.THREADS)
    options.out.mkdir(parents=True, exist_ok=True)
    tokenizer = make_tokenizer()
    model = tiny_base.make_model(tokenizer, SEED)
    tiny_base.raise_model(model, tiny_base.batches(read, tokenizer, SEED + 1), options.steps)
    folder = options.out / paths.model_folder().name
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    write_lessons(options.out / paths.data_file().name)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
