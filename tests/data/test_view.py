"""One row as training sees it: every character once, and what is trained and cut of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from data_zoo import LONG, chat, lines, make_set, parquet, table
from tokenizer_zoo import write_kind

from tui_ft.data.read import Row, tolerant
from tui_ft.data.tokenizer import FileTokenizer, load_tokenizer
from tui_ft.data.unreadable import Bad, BadRow
from tui_ft.data.view import Piece, RowView, view
from tui_ft.demo import paths as demo_paths
from tui_ft.errors import TuiFtError


@pytest.fixture(scope="module")
def demo() -> FileTokenizer:
    return load_tokenizer(demo_paths.model_folder())


def written(folder: Path, content: bytes, name: str = "data.jsonl") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def marked(pieces: list[Piece]) -> str:
    """The text with what is trained in brackets and what is cut in braces."""
    text, before = "", ("", "")
    for piece in pieces:
        kind = ("{", "}") if piece.cut else ("[", "]") if piece.trained else ("", "")
        text += piece.text if kind == before else before[1] + kind[0] + piece.text
        before = kind
    return text + before[1]


def test_the_answer_and_its_end_are_trained(tmp_path: Path, demo: FileTokenizer) -> None:
    path = written(tmp_path, lines(chat(("system", "S"), ("user", "Hi 😀"), ("assistant", "Hello."))))
    seen = view(path, 1, tokenizer=demo)
    assert marked(seen.pieces) == "<|system|>S<|end|><|user|>Hi 😀<|end|><|assistant|>[Hello.<|end|>]"
    assert seen.text == "<|system|>S<|end|><|user|>Hi 😀<|end|><|assistant|>Hello.<|end|>"
    assert (seen.tokens, seen.cut_tokens, seen.rows, seen.code) == (len(seen.pieces), 0, 1, "")
    assert seen.trained_tokens == sum(piece.trained for piece in seen.pieces)
    assert (seen.has_template, seen.by_message, seen.format) == (True, False, "messages")
    assert [piece.text for piece in seen.pieces if piece.special][:2] == ["<|system|>", "<|end|>"]
    assert seen.raw == {"messages": [{"role": r, "content": c} for r, c in _turns(seen)]}


def _turns(seen: RowView) -> list[tuple[str, str]]:
    assert seen.raw is not None
    return [(message["role"], message["content"]) for message in seen.raw["messages"]]


def test_a_character_of_several_tokens_is_shown_once(tmp_path: Path, demo: FileTokenizer) -> None:
    seen = view(written(tmp_path, lines({"text": "é😀 語"})), 1, tokenizer=demo)
    assert seen.text == "é😀 語<|end|>"
    assert len(seen.pieces) > len(seen.text.replace("<|end|>", "")) + 1
    assert "" in [piece.text for piece in seen.pieces]


def test_what_the_length_cuts(tmp_path: Path, demo: FileTokenizer) -> None:
    path = written(tmp_path, lines(chat(("user", "Hi"), ("assistant", "one two three four"))))
    whole = view(path, 1, tokenizer=demo)
    seen = view(path, 1, tokenizer=demo, max_length=whole.tokens - 3)
    assert (seen.tokens, seen.cut_tokens, seen.code) == (whole.tokens, 3, "")
    assert seen.trained_tokens == whole.trained_tokens - 3
    assert [piece.cut for piece in seen.pieces] == [False] * (whole.tokens - 3) + [True] * 3
    assert seen.text == whole.text
    lost = view(path, 1, tokenizer=demo, max_length=3)
    assert (lost.code, lost.trained_tokens, len(lost.pieces)) == ("nothing_left", 0, whole.tokens)


@pytest.mark.parametrize(
    "kind", ["with bos", "with bos and eos", "llama 2", "gemma", "qwen2", "gpt-neox", "word piece"]
)
def test_other_tokenizers_show_every_character_once(kind: str, tmp_path: Path) -> None:
    tokenizer = load_tokenizer(write_kind(kind, tmp_path))
    text = "Bring 😀 two  pears\nto é Rosa."
    row = {"prompt": text, "completion": " done 3"}
    seen = view(written(tmp_path, lines(row)), 1, tokenizer=tokenizer)
    words = "".join(piece.text for piece in seen.pieces if not piece.special)
    assert words.replace(tokenizer.special_tokens.get("unk_token", "\0"), "") == f"{text} done 3"
    assert seen.pieces[-1].trained
    assert seen.pieces[-1].special
    assert seen.pieces[-1].text == tokenizer.special_tokens["eos_token"]
    begins = kind not in ("qwen2", "gpt-neox", "word piece")
    assert seen.pieces[0].special is begins
    assert not seen.pieces[0].trained


def test_without_a_tokenizer_by_message(tmp_path: Path) -> None:
    path = written(
        tmp_path, lines(chat(("user", "Hi"), ("assistant", "a"), ("user", "b"), ("assistant", "c")))
    )
    seen = view(path, 1)
    assert marked(seen.pieces) == "user:\nHi\n\nassistant:\na\n\nuser:\nb\n\nassistant:\n[c\n]"
    assert (seen.by_message, seen.tokens, seen.has_template) == (True, 0, False)
    assert marked(view(path, 1, train_on="assistant").pieces).count("[") == 2
    pair = written(tmp_path, lines({"prompt": "x", "completion": "y"}), "pair.jsonl")
    assert marked(view(pair, 1).pieces) == "x[y]"
    assert marked(view(pair, 1, train_on="all").pieces) == "[xy]"


def test_preferences_are_shown_by_their_parts(tmp_path: Path, demo: FileTokenizer) -> None:
    row = {"prompt": "Which?", "chosen": "This.", "rejected": "That."}
    seen = view(written(tmp_path, lines(row)), 1, tokenizer=demo)
    assert marked(seen.pieces) == "prompt:\nWhich?\nchosen:\n[This.\n]rejected:\n[That.\n]"
    assert (seen.format, seen.by_message, seen.code) == ("preference", True, "")


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (chat(("user", "only asked")), "no_assistant_turn"),
        (chat(("user", "x"), ("assistant", " ")), "empty_answer"),
        (chat(("critic", "x"), ("assistant", "y")), "unknown_role"),
        (chat(("critic", LONG), ("assistant", "y")), "unknown_role"),
        (b"{broken", "unparsable"),
        (b"[1]", "not_an_object"),
        (b'{"messages": "\xff"}', "bad_utf8"),
    ],
)
def test_a_row_that_cannot_be_used_says_why(row: Any, code: str, tmp_path: Path, demo: FileTokenizer) -> None:
    good = chat(("user", "Hi"), ("assistant", "a"))
    seen = view(written(tmp_path, lines(good, row, good)), 2, tokenizer=demo)
    assert seen.code == code
    assert seen.reason
    assert seen.pieces == []
    assert (seen.raw is None) is isinstance(row, bytes)


def test_there_is_no_such_row(tmp_path: Path) -> None:
    path = written(tmp_path, lines(chat(("user", "Hi"), ("assistant", "a"))) + b"\n\n" + lines({"x": 1}))
    assert view(path, 1).rows is None
    assert view(path, 4).rows == 4
    for number, words in (
        (0, "no row 0"),
        (-3, "no row -3"),
        (2, "is empty"),
        (5, "no row 5"),
        (10**12, "no row"),
    ):
        with pytest.raises(TuiFtError, match=words) as caught:
            view(path, number)
        assert caught.value.hint
    with pytest.raises(TuiFtError):
        view(tmp_path / "nowhere", 1)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("data.csv", table(["question", "answer"], *[[f"q{i}", f"a{i}"] for i in range(1, 301)])),
        ("data.parquet", parquet(*[{"question": f"q{i}", "answer": f"a{i}"} for i in range(1, 301)])),
        (
            "data.json",
            b"[" + b",".join(b'{"question": "q%d", "answer": "a%d"}' % (i, i) for i in range(1, 301)) + b"]",
        ),
    ],
)
def test_any_row_of_any_container(name: str, content: bytes, tmp_path: Path) -> None:
    path = written(tmp_path, content, name)
    for number in (1, 200, 201, 300):
        seen = view(path, number)
        assert seen.raw == {"question": f"q{number}", "answer": f"a{number}"}
        assert seen.rows == (300 if number == 300 else None)


def test_what_a_register_says_counts(tmp_path: Path) -> None:
    path = written(tmp_path, lines({"a": "1", "b": "2"}))
    (tmp_path / "dataset_info.json").write_text(
        '{"mine": {"file_name": "data.jsonl", "columns": {"prompt": "b", "response": "a"}}}'
    )
    assert marked(view(path, 1).pieces) == "user:\n2\n\nassistant:\n[1\n]"
    assert view(path, 1, columns={"instruction": "a", "output": "b"}).pieces[-1].text == "2\n"


def test_sets_of_every_kind_can_be_looked_at(tmp_path: Path, demo: FileTokenizer) -> None:
    path = make_set("plain_text", tmp_path)
    seen = view(path, 3, tokenizer=demo)
    assert seen.text == "Another 😀.<|end|>"
    assert all(piece.trained for piece in seen.pieces)


def test_nothing_behind_a_bad_row_is_read_to_show_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[int] = []

    def listening(path: Path, bad: Bad, **options: Any) -> Iterator[tuple[int, Row]]:
        def hear(row: BadRow) -> None:
            told.append(row.number)
            bad(row)

        return tolerant(path, hear, **options)

    monkeypatch.setattr("tui_ft.data.view.tolerant", listening)
    path = written(tmp_path, lines(chat(("user", "Hi"), ("assistant", "a")), *[b"{broken"] * 50) + b"\n{")
    assert view(path, 2).code == "unparsable"
    assert told == [2]
    with pytest.raises(TuiFtError, match="is empty") as caught:
        view(path, 52)
    assert "53" in caught.value.hint
