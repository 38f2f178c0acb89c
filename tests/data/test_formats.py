"""Formats are told by columns and values, and what cannot be fine-tuned on is refused by name."""

from __future__ import annotations

from typing import Any

import pytest

from tui_ft.data.detect import detect
from tui_ft.data.formats import require_sft
from tui_ft.errors import TuiFtError

USER, BOT = {"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}
HUMAN, GPT = {"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}


@pytest.mark.parametrize(
    ("row", "name", "columns"),
    [
        ({"instruction": "q", "input": "", "output": "a"}, "alpaca", "instruction input output"),
        (
            {"instruction": "q", "input": "x", "output": "a", "text": "qa"},
            "alpaca",
            "instruction input output",
        ),
        (
            {"instruction": "q", "context": "c", "response": "a", "category": "x"},
            "alpaca",
            "instruction context response",
        ),
        (
            {"system": "s", "instruction": "q", "input": "i", "output": "a"},
            "alpaca",
            "system instruction input output",
        ),
        ({"conversations": [HUMAN, GPT]}, "sharegpt", "conversations"),
        ({"conversations": [USER, BOT]}, "messages", "conversations"),
        ({"id": "1", "conversations": [HUMAN, GPT], "tools": "[1]"}, "sharegpt", "conversations tools"),
        ({"messages": [USER, BOT]}, "messages", "messages"),
        (
            {"messages": "[{'role': 'user', 'content': 'q'}, {'role': 'assistant', 'content': 'a'}]"},
            "messages",
            "messages",
        ),
        ({"whatever": [USER, BOT], "n": 1}, "messages", "whatever"),
        ({"prompt": "q", "completion": "a"}, "prompt_completion", "prompt completion"),
        ({"prompt": [USER], "completion": [BOT]}, "prompt_completion", "prompt completion"),
        (
            {"query": "q", "response": "a", "history": [["x", "y"]]},
            "prompt_completion",
            "query response history",
        ),
        ({"question": "q", "answer": "a"}, "prompt_completion", "question answer"),
        ({"prompt": "q", "response": "a"}, "prompt_completion", "prompt response"),
        ({"input": "q", "output": "a", "source": "s"}, "prompt_completion", "input output"),
        ({"prompt": "q", "completion": "a", "label": "sports"}, "prompt_completion", "prompt completion"),
        ({"problem": "q", "solution": "a"}, "prompt_completion", "problem solution"),
        ({"Question": "q", "Answer ": "a"}, "prompt_completion", "Question|Answer "),
        ({"Instruction": "q", "Input": "i", "Response": "a"}, "alpaca", "Instruction Input Response"),
        ({"question": "q", "context": "c", "answer": "a"}, "prompt_completion", "question context answer"),
        ({"problem": "q", "solution": "long", "answer": "4"}, "prompt_completion", "problem solution"),
        ({"inputs": "q", "targets": "a", "task": "x"}, "prompt_completion", "inputs targets"),
        ({"Context": "q", "Response": "a"}, "prompt_completion", "Context Response"),
        ({"question": "q", "best_answer": "a", "source": "x"}, "prompt_completion", "question best_answer"),
        ({"contents": [{"role": "user", "parts": [{"text": "q"}]}, BOT]}, "messages", "contents"),
        ({"id": 1, "data": ["q", "a", "q", "a"]}, "messages", "data"),
        ({"conversation": [{"human": "q", "assistant": "a"}]}, "messages", "conversation"),
        ({"prompt": "q", "prompt_id": "x", "messages": [USER, BOT]}, "messages", "messages"),
        ({"tags": ["a", "b"], "text": "words"}, "text", "text"),
        ({"text": "words", "meta": {"a": 1}}, "text", "text"),
        ({"story": "words"}, "text", "story"),
        ({"prompt": "q", "chosen": "a", "rejected": "b"}, "preference", "prompt chosen rejected"),
        ({"chosen": [USER, BOT], "rejected": [USER, BOT]}, "preference", "chosen rejected"),
        (
            {"question": "q", "response_j": "a", "response_k": "b"},
            "preference",
            "question response_j response_k",
        ),
        (
            {"input": {"messages": [USER]}, "preferred_output": [BOT], "non_preferred_output": [BOT]},
            "preference",
            "input preferred_output non_preferred_output",
        ),
        ({"prompt": "q", "completion": "a", "label": True}, "kto", "prompt completion label"),
        ({"prompt": "q", "completion": "a", "label": "False"}, "kto", "prompt completion label"),
        ({"messages": [USER], "env": 1}, "prompt_only", "messages"),
        ({"question_id": 1, "turns": ["q", "q2"]}, "prompt_only", "turns"),
        ({"prompt": "q"}, "prompt_only", "prompt"),
        ({"first_name": "x", "city": "y"}, "unknown", ""),
        ({"input_ids": [1], "labels": [1]}, "unknown", ""),
    ],
)
def test_detect(row: dict[str, Any], name: str, columns: str) -> None:
    found = detect([row])
    assert found.name == name
    assert set(found.columns.values()) == set(columns.split("|") if "|" in columns else columns.split())


def test_the_answer_is_never_the_question() -> None:
    found = detect([{"input": "q", "output": "a"}])
    assert found.columns == {"prompt": "input", "completion": "output"}


def test_one_odd_label_does_not_make_bad_answers_good_ones() -> None:
    rows: list[dict[str, Any]] = [
        {"prompt": "q", "completion": "a", "label": index % 2 == 0} for index in range(20)
    ]
    assert detect([*rows, {**rows[0], "label": "maybe"}]).name == "kto"
    chats = [{"conversations": [HUMAN, GPT], "label": index % 2 == 0} for index in range(20)]
    assert detect([*chats, {**chats[0], "label": "maybe"}]).name == "kto"
    assert detect([{**row, "label": index % 3} for index, row in enumerate(rows)]).name == "prompt_completion"


def test_mapping_decides() -> None:
    rows = [{"q": "x", "a": "y", "text": "z"}]
    assert detect(rows, {"prompt": "q", "completion": "a"}).name == "prompt_completion"
    assert detect(rows, {"instruction": "q", "output": "a"}).name == "alpaca"
    assert detect(rows, {"text": "q"}).columns == {"text": "q"}
    assert detect([{"c": [HUMAN, GPT], "text": "z"}], {"messages": "c"}).name == "sharegpt"
    pairs = [{"prompt": "q", "chosen": "a", "rejected": "b"}]
    assert detect(pairs, {"prompt": "prompt", "completion": "chosen"}).name == "prompt_completion"


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"prompt": "nope"}, "no such column"),
        ({"promt": "q"}, "Did you mean 'prompt'"),
        ({"zzz": "q"}, "Known are"),
        ({"prompt": "a", "completion": "a"}, "'a' more than once"),
    ],
)
def test_bad_mapping(columns: dict[str, str], said: str) -> None:
    with pytest.raises(TuiFtError, match=said):
        detect([{"q": "x", "a": "y"}], columns)


def test_wanted_format() -> None:
    row = {"instruction": "q", "output": "a", "text": "t"}
    assert detect([row], wanted="text").name == "text"
    with pytest.raises(TuiFtError, match="no column was found for messages"):
        detect([row], wanted="messages")
    with pytest.raises(TuiFtError, match="must be one of"):
        detect([row], wanted="aplaca")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"chosen": "a", "rejected": "b"}, "preference pairs"),
        ({"prompt": "q", "completion": "a", "label": True}, "labelled good or bad"),
        ({"prompt": "q"}, "without answers"),
        ({"input_ids": [1]}, "tokenized already"),
        ({"na\x1b[2Jme": 1, "x": 2}, "its columns are: na"),
    ],
)
def test_refusals(row: dict[str, Any], said: str) -> None:
    with pytest.raises(TuiFtError, match=said) as caught:
        require_sft(detect([row]), "some.json", list(row))
    assert caught.value.hint
    assert caught.value.message.isprintable()
