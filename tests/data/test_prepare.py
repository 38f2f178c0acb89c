"""A data set is split the same way everywhere, and every row is accounted for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from tui_ft.data import prepare as preparing
from tui_ft.data.prepare import Prepared, Source, iterate_numbered, prepare
from tui_ft.data.split import held_out, rank
from tui_ft.errors import TuiFtError


def rows(count: int) -> list[dict[str, Any]]:
    return [{"question": f"what is {n}", "answer": f"number {n}"} for n in range(count)]


def run(data: list[dict[str, Any]], tokenizer: Any, **options: Any) -> Prepared:
    source = Source(rows=iterate_numbered(data), name="data", **options.pop("source", {}))
    return prepare([source], tokenizer, **options)


def texts(encoded: Any, tokenizer: Any) -> list[str]:
    return [tokenizer.decode(row.input_ids) for row in encoded]


def test_split_is_deterministic_and_disjoint(make_tokenizer: Any) -> None:
    tokenizer = make_tokenizer("chatml")
    one, two = run(rows(100), tokenizer), run(rows(100), tokenizer)
    assert texts(one.evaluation, tokenizer) == texts(two.evaluation, tokenizer)
    assert (len(one.train), len(one.evaluation)) == (95, 5)
    assert not set(texts(one.train, tokenizer)) & set(texts(one.evaluation, tokenizer))
    other = run(rows(100), tokenizer, seed=7)
    assert texts(other.evaluation, tokenizer) != texts(one.evaluation, tokenizer)
    assert len(run(rows(100), tokenizer, eval_fraction=0).evaluation) == 0


def test_duplicates_stay_on_one_side() -> None:
    ranks = [rank(bytes([n % 5]), 42) for n in range(50)]
    held = held_out(ranks, 0.1)
    assert len(held) == 10
    assert len({n % 5 for n in held}) == 1
    assert held_out(ranks[:1], 0.5) == set()
    assert held_out([ranks[0]] * 9, 0.5) == set()
    assert len(held_out(ranks, 1.0)) == 40


def test_samples_are_held_out_examples(make_tokenizer: Any) -> None:
    tokenizer = make_tokenizer("chatml")
    made = run(rows(200), tokenizer)
    assert len(made.samples) == 8
    held = texts(made.evaluation, tokenizer)
    for sample in made.samples:
        assert any(text.startswith(sample.prompt) for text in held)
        assert sample.prompt.endswith("<|im_start|>assistant\n")
        assert sample.expected == f"number {sample.row - 1}"
        assert sample.messages == [{"role": "user", "content": f"what is {sample.row - 1}"}]


@pytest.mark.parametrize("text", [" spaced word", "\n\tone", "one two\nthree four five six", "alone"])
def test_the_sample_of_a_text_asks_for_something(make_tokenizer: Any, text: str) -> None:
    sample = run([{"text": text}], make_tokenizer("chatml")).samples[0]
    assert sample.prompt.strip()
    assert sample.prompt + sample.expected == text


def test_weights_that_leave_nothing_are_refused(make_tokenizer: Any) -> None:
    with pytest.raises(TuiFtError, match="no row to train on"):
        run(rows(1), make_tokenizer("chatml"), source={"weight": 1e-9})


def test_eval_sources_are_taken_as_they_are(make_tokenizer: Any) -> None:
    tokenizer = make_tokenizer("chatml")
    extra = Source(rows=iterate_numbered(rows(3)), name="eval")
    made = prepare([Source(rows=iterate_numbered(rows(10)), name="train")], tokenizer, eval_sources=[extra])
    assert (len(made.train), len(made.evaluation)) == (10, 3)
    assert {sample.source for sample in made.samples} == {"eval"}


def test_a_limit_leaves_few_rows_with_the_longest_among_them(make_tokenizer: Any) -> None:
    tokenizer = make_tokenizer("chatml")
    data = [{"question": f"what is {n}", "answer": "word " * (n % 50 + 1)} for n in range(200)]
    whole = run(data, tokenizer, eval_fraction=0.1)
    few = run(data, tokenizer, eval_fraction=0.1, limit=7)
    assert (len(few.train), len(few.evaluation)) == (7, 7)
    assert (few.report.train_rows, few.report.eval_rows) == (7, 7)
    assert few.report.sources[0].used == 200, "what was read is still all told"
    everything = texts(whole.train, tokenizer)
    chosen = texts(few.train, tokenizer)
    assert set(chosen) <= set(everything) and not set(chosen) & set(texts(whole.evaluation, tokenizer))
    longest = sorted(map(len, everything))[-4:]
    assert sorted(map(len, chosen))[-4:] == longest
    assert min(map(len, chosen)) < longest[0] / 2, "and ordinary rows beside them"
    assert texts(run(data, tokenizer, limit=7).train, tokenizer) == texts(
        run(data, tokenizer, limit=7).train, tokenizer
    )
    assert len(run(data, tokenizer, limit=10_000, eval_fraction=0).train) == 200
    assert len(run(data, tokenizer, limit=1, eval_fraction=0).train) == 1


def test_with_a_limit_a_large_set_is_not_read_to_its_end(
    make_tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparing, "READ_FOR_LIMIT", 30)
    few = run(rows(500), make_tokenizer("chatml"), limit=4, eval_fraction=0.5)
    assert (few.report.sources[0].rows, len(few.train), len(few.evaluation)) == (30, 4, 4)
    more = run(rows(500), make_tokenizer("chatml"), limit=100, eval_fraction=0.5)
    assert (more.report.sources[0].rows, len(more.train)) == (200, 100)


def test_skipped_cut_and_dropped_rows_are_counted(make_tokenizer: Any) -> None:
    data = rows(20)
    data[3] = {"question": "q", "answer": None}
    data[5] = {"question": "q", "answer": "  "}
    data[7] = {"question": "word " * 100, "answer": "never seen"}
    data[9] = {"question": "q", "answer": "word " * 100}
    made = run(data, make_tokenizer("chatml"), max_length=30, eval_fraction=0)
    (report,) = made.report.sources
    assert (report.rows, report.used, report.truncated, report.dropped) == (20, 17, 1, 1)
    assert {reason: skipped.rows for reason, skipped in report.skipped.items()} == {
        "column 'answer' is missing or null": [4],
        "the answer is empty": [6],
        "no answer is left within data.max_length = 30 tokens": [8],
    }
    assert max(len(row.input_ids) for row in made.train) == 30
    assert all(any(row.trained) for row in made.train)
    assert made.report.trained_tokens == sum(sum(row.trained) for row in made.train)
    assert made.report.tokens == sum(len(row.input_ids) for row in made.train)
    assert len(made.report.warnings()) == 4
    assert msgspec.json.decode(msgspec.json.encode(made.report))["schema"] == 1


def test_mixed_schemas_are_read_row_by_row(make_tokenizer: Any) -> None:
    mixed = [
        {"query": "a", "response": "b"},
        {"question": "c", "answer": "d"},
        {"messages": [{"role": "user", "content": "e"}, {"role": "assistant", "content": "f"}]},
        {"conversations": [{"from": "human", "value": "g"}, {"from": "gpt", "value": "h"}]},
    ]
    made = run([*mixed, *rows(5)], make_tokenizer("chatml"), eval_fraction=0)
    assert made.report.sources[0].used == 9
    assert len(made.train) == 9


def test_content_hash_follows_the_content(make_tokenizer: Any) -> None:
    hashes = [
        run(data, make_tokenizer(t), eval_fraction=0).report.content_hash
        for data, t in ((rows(9), "chatml"), (rows(9), "turns"), (rows(9)[::-1], "chatml"))
    ]
    assert hashes[0] == hashes[1] != hashes[2]


def test_weight_repeats_and_thins(make_tokenizer: Any) -> None:
    tokenizer = make_tokenizer("chatml")
    assert len(run(rows(50), tokenizer, eval_fraction=0, source={"weight": 2}).train) == 100
    assert 10 < len(run(rows(50), tokenizer, eval_fraction=0, source={"weight": 0.5}).train) < 40


def test_nothing_to_train_on_is_a_sentence(make_tokenizer: Any) -> None:
    tokenizer = make_tokenizer("chatml")
    with pytest.raises(TuiFtError, match="has no rows"):
        run([], tokenizer)
    with pytest.raises(TuiFtError, match=r"the answer is empty \(2 of 2 rows, the first is row 1\)"):
        run([{"question": "q", "answer": " "}] * 2, tokenizer)
    with pytest.raises(TuiFtError, match="no format"):
        run([{"a": 1}], tokenizer)


def test_progress_can_end_the_work(make_tokenizer: Any) -> None:
    class StoppedError(Exception):
        pass

    seen = []

    def watch(done: int) -> None:
        seen.append(done)
        if done > 200:
            raise StoppedError

    with pytest.raises(StoppedError):
        run(rows(1000), make_tokenizer("chatml"), progress=watch)
    assert seen[0] == 1
    assert len(seen) == 5


def test_rows_with_anything_in_them_are_hashed(make_tokenizer: Any, tmp_path: Path) -> None:
    odd = {
        "question": "q",
        "answer": "a",
        "\ud800": 1,
        "extra": {1: b"x", "d": Path("x"), "s": "\ud800", "n": float("nan")},
    }
    assert run([odd, *rows(2)], make_tokenizer("chatml"), eval_fraction=0).report.sources[0].used == 3
