"""Makes the guided tour: a tiny base model that can read a handbook, and the handbook with its questions.

Run `python -m tui_ft.train.make_tour [--out DIR] [--no-model]`. Seeds are fixed and the work is done on
one CPU thread, so the same versions of the libraries on the same kind of CPU make the same files.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from tui_ft.demo.tour import files
from tui_ft.train import tiny_base
from tui_ft.train.tour_text import COMPANY, Page, childhood, company_pages, school

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

SEED = 1
STEPS = (750, 500)
WHOLE_TEXTS = 0.1
VOCABULARY = 900
LONGEST = 1024
HELD_OUT_PAGES = 6

Row = tuple[str, str]
"""What the assistant is sent, and what it is to answer."""

PRIVATE = "mira.castle@pellworth-lamps.example"


def read(texts: Iterator[tiny_base.Chat | str]) -> Iterator[tiny_base.Text]:
    """Yield texts in pieces: of a sheet the answers can be known, not what is asked."""
    for text in texts:
        if not isinstance(text, str):
            yield tiny_base.pieces_of(text)
            continue
        start = text.index("Question: ")
        page, lines = text[:start], text[start:].splitlines(keepends=True)
        yield [(page, False), *((line, not line.startswith("Question: ")) for line in lines)]


def make_tokenizer() -> PreTrainedTokenizerFast:
    """Return the tokenizer made from the childhood's text."""
    texts = islice(childhood(random.Random(SEED)), 5_000)
    return tiny_base.make_tokenizer(map(tiny_base.words_of, texts), VOCABULARY, LONGEST)


def _read_life(
    life: Callable[[random.Random], Iterator[tiny_base.Chat | str]], rng: random.Random
) -> Iterator[tiny_base.Text]:
    return read(life(rng))


def make_base(folder: Path, steps: tuple[int, int]) -> None:
    """Raise the base model, so many steps in childhood and in school, and save it with its tokenizer."""
    tokenizer = make_tokenizer()
    model = tiny_base.make_model(tokenizer, SEED)
    for number, (life, count) in enumerate(((childhood, steps[0]), (school, steps[1])), 1):
        texts = partial(_read_life, life)
        tiny_base.raise_model(model, tiny_base.batches(texts, tokenizer, SEED + number, WHOLE_TEXTS), count)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def pairs(pages: Sequence[Page]) -> list[Row]:
    """Every question about these pages with its answer."""
    return [
        (page.asked(question), page.answer(number))
        for page in pages
        for number, (rule, _) in enumerate(page.rules, 1)
        for question in rule.questions
    ]


def spoilt(rows: Sequence[Row], rng: random.Random) -> list[Row]:
    """The rows with the faults that such a file has: an answer left empty, an address, a row twice."""
    draft = list(rows)
    empty, private, twice = sorted(rng.sample(range(len(draft) // 4, len(draft)), 3))
    asked, answered = draft[private]
    draft[private] = asked, f"{answered} If in doubt write to {PRIVATE}."
    draft[empty] = draft[empty][0], ""
    draft.insert(twice + 1, draft[twice])
    return draft


def write_texts(out: Path) -> None:
    """Write the handbook and the three files of questions."""
    rng = random.Random(SEED + 2)
    pages = company_pages()
    kept_back = set(rng.sample([page.topic for page in pages], HELD_OUT_PAGES))
    (out / files.handbook().name).write_text(_handbook(pages), encoding="utf-8")
    rows = pairs([page for page in pages if page.topic not in kept_back])
    rng.shuffle(rows)
    asked_last = [
        (page.asked(rule.questions[0]), page.answer(number))
        for page in pages
        if page.topic in kept_back
        for number, (rule, _) in enumerate(page.rules, 1)
    ]
    _write(out / files.questions().name, rows)
    _write(out / files.first_draft().name, spoilt(rows, rng))
    _write(out / files.held_out().name, asked_last)


def _handbook(pages: Sequence[Page]) -> str:
    parts = [f"# The handbook of {COMPANY}", "A made-up company, written for the tour."]
    for page in pages:
        title, _, rules = page.text().partition("\n")
        parts.append(f"## {title}\n\n{rules}")
    return "\n\n".join(parts) + "\n"


def _write(path: Path, rows: Sequence[Row]) -> None:
    """Write chats of one question and one answer, one a line."""
    lines = [json.dumps({"messages": tiny_base.chat(*row)}) + "\n" for row in rows]
    path.write_text("".join(lines), encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    """Make all and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tui_ft.train.make_tour", description=__doc__)
    parser.add_argument("--out", type=Path, default=files.handbook().parent, help="folder to write to")
    parser.add_argument(
        "--steps", type=int, nargs=2, default=STEPS, metavar=("CHILDHOOD", "SCHOOL"),
        help="pretraining steps (default %(default)s)",
    )  # fmt: skip
    parser.add_argument("--no-model", action="store_true", help="write the texts only")
    options = parser.parse_args(arguments)
    torch.set_num_threads(tiny_base.THREADS)
    options.out.mkdir(parents=True, exist_ok=True)
    write_texts(options.out)
    if not options.no_model:
        make_base(options.out / files.base_folder().name, tuple(options.steps))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
