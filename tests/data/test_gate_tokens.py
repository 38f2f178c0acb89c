"""With a tokenizer the gate counts what training takes: the same rows, the same tokens, the same cuts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tui_ft.data import gate
from tui_ft.data.prepare import local_source, prepare
from tui_ft.data.tokenizer import FileTokenizer, load_tokenizer
from tui_ft.demo import paths
from tui_ft.errors import TuiFtError


@pytest.fixture(scope="module")
def tokenizer() -> FileTokenizer:
    return load_tokenizer(paths.model_folder())


def rows_of(*sizes: tuple[int, int]) -> str:
    """Rows with so many words asked and answered."""
    return "".join(
        json.dumps({"instruction": f"{i} " + "why " * asked, "output": "so " * answered}) + "\n"
        for i, (asked, answered) in enumerate(sizes)
    )


def test_cut_rows_and_rows_without_an_answer(tmp_path: Path, tokenizer: FileTokenizer) -> None:
    file = tmp_path / "set.jsonl"
    file.write_text(rows_of((2, 2), (2, 100), (100, 2), (3, 3)))
    found = gate.check(file, tokenizer=tokenizer, max_length=64)
    problems = {p.code: p.rows for p in found.problems}
    assert problems["cut_rows"] == [2]
    assert problems["nothing_left"] == [3]
    assert (found.rows, found.usable_rows, found.refusal) == (4, 3, "")
    assert not found.errors
    assert found.lengths is not None
    assert found.lengths.unit == "tokens"
    assert found.lengths.max > 100
    assert found.suggested_max_length is not None
    assert found.suggested_max_length >= 128


@pytest.mark.parametrize("train_on", ["completion", "assistant", "all"])
@pytest.mark.parametrize("max_length", [24, 48, 1024])
def test_the_rows_and_tokens_of_training(
    tmp_path: Path, tokenizer: FileTokenizer, train_on: str, max_length: int
) -> None:
    file = tmp_path / "set.jsonl"
    file.write_text(rows_of(*((1 + i % 7, 1 + i % 11) for i in range(60))) + '{"instruction": "x"}\n')
    found = gate.check(file, tokenizer=tokenizer, max_length=max_length, train_on=train_on)
    report = prepare(
        [local_source(file)], tokenizer, train_on=train_on, max_length=max_length, eval_fraction=0
    ).report
    (source,) = report.sources
    assert (found.rows, found.usable_rows) == (source.rows, source.used)
    assert (found.tokens, found.trained_tokens) == (report.tokens, report.trained_tokens)
    assert sum(p.count for p in found.problems if p.code == "cut_rows") == source.truncated


def test_preferences_are_measured_in_characters(tmp_path: Path, tokenizer: FileTokenizer) -> None:
    file = tmp_path / "set.jsonl"
    file.write_text('{"prompt": "Why?", "chosen": "So it is.", "rejected": "No."}\n' * 3)
    found = gate.check(file, tokenizer=tokenizer, max_length=8)
    assert found.lengths is not None
    assert (found.lengths.unit, found.lengths.max) == ("characters", len("Why?So it is."))
    assert found.tokens is None
    assert found.usable_rows == 3


def test_what_the_gate_refuses_training_refuses(tmp_path: Path, tokenizer: FileTokenizer) -> None:
    good = rows_of((2, 2), (3, 3))
    for number, text in enumerate(
        (
            good + "{broken\n",
            good + '["a"]\n',
            good[:-9],
            '{"prompt": "a", "chosen": "b", "rejected": "c"}\n',
            '{"prompt": "a"}\n',
            '{"height": 1, "width": 2}\n',
            '{"instruction": "a", "output": ""}\n',
        )
    ):
        file = tmp_path / f"{number}.jsonl"
        file.write_text(text)
        found = gate.check(file, tokenizer=tokenizer)
        assert found.refusal, text
        assert found.errors
        with pytest.raises(TuiFtError):
            prepare([local_source(file)], tokenizer)


def test_the_suggested_length_does_not_serve_one_row_alone(tmp_path: Path, tokenizer: FileTokenizer) -> None:
    file = tmp_path / "set.jsonl"
    file.write_text(rows_of(*[(2, 20)] * 9, (2, 5000)))
    found = gate.check(file, tokenizer=tokenizer)
    assert found.suggested_max_length is not None
    assert found.suggested_max_length <= 128
