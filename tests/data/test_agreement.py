"""Check, trainer, view and writing say the same of a row, whatever is in it: over sets mutated at random."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from data_zoo import ALPACA, CHATS, PAIRS, SHARED_GPT, TOOLS

from tui_ft.data import gate
from tui_ft.data.examples import Reading
from tui_ft.data.prepare import local_source, prepare
from tui_ft.data.read import read_rows
from tui_ft.data.tokenizer import FileTokenizer, load_tokenizer
from tui_ft.data.view import of_row
from tui_ft.data.writing import write
from tui_ft.demo import paths as demo_paths
from tui_ft.errors import TuiFtError

ROWS: list[list[dict[str, Any]]] = [
    ALPACA[:7],
    [{**ALPACA[0], "history": [["a", "b"]], "system": "s"}],
    CHATS,
    TOOLS,
    SHARED_GPT,
    PAIRS,
    [{"question": "a", "answer": "b"}],
    [{"text": "hello"}],
]
ODD: list[Any] = [
    None, "", [], {}, 0, -1, 1.5, True, "x", " ", "\n", "\x00", "\ufffd", "a\u2028b", 10**30, "<|end|>",
    "</think>", "QXZTURN0ZXQ", "{{ x }}", "assistant", "system", "tool", "[1]", [["a", "b"]], ["a", "b", "c"],
    [{"role": "user"}], {"role": "assistant", "content": "z"}, [{"type": "text", "text": "t"}],
    '[{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]',
]  # fmt: skip
KEYS = ("role", "content", "system", "input", "tools", "weight", "name", "text")
SEEDS = 40
"""Each tries ten sets."""


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


def mutated(row: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    row = copy.deepcopy(row)
    for _ in range(chance.choice([0, 1, 1, 2])):
        if not row:
            break
        *before, last = chance.choice(list(places(row))[1:])
        inside: Any = row
        for key in before:
            inside = inside[key]
        what = chance.random()
        if what < 0.6:
            inside[last] = copy.deepcopy(chance.choice(ODD))
        elif what < 0.75:
            del inside[last]
        elif isinstance(inside, list):
            inside.insert(last, copy.deepcopy(inside[last]))
        else:
            inside[chance.choice(KEYS)] = copy.deepcopy(chance.choice(ODD))
    return row


@pytest.fixture(scope="module")
def demo() -> FileTokenizer:
    return load_tokenizer(demo_paths.model_folder())


@pytest.mark.parametrize("seed", range(SEEDS))
def test_they_agree(seed: int, tmp_path: Path, demo: FileTokenizer) -> None:
    chance = random.Random(seed)
    for attempt in range(10):
        rows = [mutated(row, chance) for row in chance.choices(chance.choice(ROWS), k=chance.randint(1, 6))]
        path = tmp_path / f"{attempt}.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        assert_agree(
            path, demo, chance.choice(["completion", "assistant", "all"]), chance.choice([16, 64, 512])
        )


def assert_agree(path: Path, tokenizer: FileTokenizer, train_on: str, max_length: int) -> None:
    how: dict[str, Any] = {"train_on": train_on, "max_length": max_length}
    findings = gate.check(path, tokenizer=tokenizer, **how)
    told = {(problem.code, row) for problem in findings.problems for row in problem.rows}
    try:
        found = prepare([local_source(path)], tokenizer, eval_fraction=0, **how)
    except TuiFtError:
        assert findings.refusal or not findings.usable_rows
        return
    assert not findings.refusal
    assert found.report.sources[0].used == findings.usable_rows
    assert (found.report.tokens, found.report.trained_tokens) == (findings.tokens, findings.trained_tokens)
    rows = list(read_rows(path))
    reading = Reading.of_file(path, [row for _, row in rows], train_on=train_on)
    shown = []
    for number, row in rows:
        seen = of_row(row, number, reading, tokenizer=tokenizer, max_length=max_length)
        kept = [piece for piece in seen.pieces if not piece.cut]
        if seen.code:
            assert (seen.code, number) in told
        else:
            shown.append(([piece.token_id for piece in kept], [piece.trained for piece in kept]))
    assert shown == [(row.input_ids, row.trained) for row in found.train]
    out = path.with_suffix(".out.jsonl")
    assert write(path, out, tokenizer=tokenizer, **how).rows == findings.usable_rows
