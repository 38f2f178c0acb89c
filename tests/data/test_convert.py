"""Rows of every shape become a prompt and a completion with our roles."""

from __future__ import annotations

from typing import Any

import pytest

from tui_ft.data.convert import Example, convert
from tui_ft.data.detect import detect
from tui_ft.data.wording import RowProblem


def example(row: dict[str, Any], train_on: str = "completion") -> Example:
    (found,) = convert(row, detect([row]), train_on)
    return found


def said(part: list[dict[str, str]] | str) -> list[tuple[str, str]]:
    assert isinstance(part, list)
    return [(m["role"], m["content"]) for m in part]


def test_alpaca() -> None:
    found = example({"system": "s", "instruction": "q", "input": "i", "output": "a", "history": [["x", "y"]]})
    assert said(found.prompt) == [("system", "s"), ("user", "x"), ("assistant", "y"), ("user", "q\n\ni")]
    assert said(found.completion) == [("assistant", "a")]
    assert said(example({"instruction": "", "input": "i", "output": 4}).prompt) == [("user", "i")]
    assert said(example({"instruction": "q", "input": None, "output": 4.5}).completion) == [
        ("assistant", "4.5")
    ]


def test_sharegpt_roles_and_tools() -> None:
    row = {
        "tools": '[{"name": "f"}]',
        "conversations": [
            {"from": "human", "value": "q"},
            {"from": "function_call", "value": "f()"},
            {"from": "observation", "value": "42"},
            {"from": "gpt", "value": "It is 42."},
            {"from": "human", "value": "thanks"},
        ],
    }
    found = example(row)
    assert said(found.prompt) == [
        ("system", 'Available tools:\n{"name": "f"}'), ("user", "q"), ("assistant", "f()"), ("tool", "42"),
    ]  # fmt: skip
    assert said(found.completion) == [("assistant", "It is 42.")]
    every = example(row, "assistant")
    assert [role for role, _ in said(every.completion)] == ["assistant", "tool", "assistant"]
    assert every.untrained == frozenset()
    assert example(row, "all").whole


def test_messages_with_parts_null_content_and_calls() -> None:
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": '{"x": "é"}'}}
    row = {
        "messages": [
            {
                "role": "developer",
                "content": [{"type": "text", "value": "be "}, {"type": "text", "text": "kind"}],
            },
            {"role": "user", "content": "q"},
            {"role": "assistant", "content": None, "tool_calls": [call, call]},
            {"role": "tool", "content": "r", "tool_call_id": "1"},
            {
                "role": "assistant",
                "content": [{"type": "reasoning", "value": "hm"}, {"type": "text", "value": "a"}],
            },
        ]
    }
    found = example(row)
    one = '{"name": "f", "arguments": {"x": "é"}}'
    assert said(found.prompt) == [
        ("system", "be kind"),
        ("user", "q"),
        ("assistant", f"{one}\n{one}"),
        ("tool", "r"),
    ]
    assert said(found.completion) == [("assistant", "<think>\nhm\n</think>\n\na")]


def test_pairs() -> None:
    found = example({"prompt": "q: ", "completion": " a"})
    assert (found.prompt, found.completion) == ("q: ", " a")
    found = example({"question": "q", "answer": "a"})
    assert said(found.prompt) == [("user", "q")]
    found = example({"prompt": "q", "completion": "a", "system": "s"})
    assert said(found.prompt) == [("system", "s"), ("user", "q")]
    found = example({"query": "q", "response": "a", "history": [["x", "y"]]})
    assert [c for _, c in said(found.prompt)] == ["x", "y", "q"]
    user, bot = {"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}
    assert said(example({"prompt": [user], "completion": [bot]}).completion) == [("assistant", "a")]


def test_context_goes_with_the_question() -> None:
    found = example({"question": "q", "context": "c", "answer": "a"})
    assert said(found.prompt) == [("user", "q\n\nc")]
    assert example({"prompt": "q", "completion": "a", "context": "c"}).prompt == "q"


def test_turns_without_roles() -> None:
    found = example({"data": ["q", "a", "q2", "a2", "q3"]})
    assert [c for _, c in said(found.prompt)] == ["q", "a", "q2"]
    assert said(found.completion) == [("assistant", "a2")]
    found = example({"conversation": [{"human": "q", "assistant": "a"}, {"human": "q2", "assistant": "a2"}]})
    assert [c for _, c in said(found.prompt)] == ["q", "a", "q2"]


def test_a_system_prompt_in_parts_is_read_as_a_message_is() -> None:
    parts = [{"text": "Be kind. "}, {"type": "text", "text": "Be short."}]
    turns = [{"role": "user", "content": "q"}, {"role": "assistant", "content": [{"text": "a"}]}]
    found = example({"system": parts, "messages": turns})
    assert said(found.prompt) == [("system", "Be kind. Be short."), ("user", "q")]
    found = example({"instruction": "q", "output": "a", "system": {"text": "Be kind."}})
    assert said(found.prompt)[0] == ("system", "Be kind.")
    with pytest.raises(RowProblem, match="no text"):
        example({"instruction": "q", "output": "a", "system": [7]})


def test_what_has_no_width_is_left_out() -> None:
    found = example({"instruction": "q", "input": "\ufeff", "output": "a", "system": "\u200b"})
    assert said(found.prompt) == [("user", "q")]
    assert said(example({"instruction": "q", "output": "\u200ba"}).completion) == [("assistant", "\u200ba")]


def test_text() -> None:
    assert example({"text": "words"}) == Example(prompt="", completion="words", whole=True)


def test_a_greeting_before_the_first_question_is_left_out() -> None:
    turns = [{"from": f, "value": v} for f, v in (("gpt", "hello"), ("human", "q"), ("gpt", "a"))]
    assert said(example({"conversations": turns}).prompt) == [("user", "q")]


def test_weights_are_honoured() -> None:
    turns = [
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": "bad", "weight": 0},
        {"role": "user", "content": "q2"},
        {"role": "assistant", "content": "good", "weight": 1},
    ]
    found = example({"messages": turns}, "assistant")
    assert found.untrained == {0}
    with pytest.raises(RowProblem, match="weight 0"):
        example({"messages": turns[:2]})


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"instruction": "q", "output": None}, "column 'output' is missing or null"),
        ({"instruction": "q", "output": " "}, "the answer is empty"),
        ({"instruction": "", "input": "", "output": "a"}, "the prompt is empty"),
        ({"instruction": "q", "output": ["a"]}, "column 'output' holds a list"),
        ({"instruction": "q", "output": {"text": ["a"]}}, "column 'output' holds no text"),
        ({"instruction": "q", "output": "half \ud83d"}, "half a character"),
        ({"prompt": "q", "completion": "a", "images": ["x.png"]}, "images"),
        ({"prompt": "", "completion": "a"}, "the prompt is empty"),
        ({"messages": []}, "the conversation is empty"),
        ({"messages": "hello"}, "not a list of messages"),
        ({"messages": [{"role": "user", "content": "q"}]}, "no assistant turn"),
        ({"messages": [{"role": "assistant", "content": "a"}]}, "nothing comes before"),
        ({"messages": [{"role": "alien", "content": "q"}]}, "unknown role 'alien'"),
        ({"messages": [{"content": "q"}]}, "no role"),
        ({"messages": [{"role": "user", "content": [{"type": "image", "url": "x"}]}]}, "'image'"),
        ({"messages": [7]}, "not an object"),
        ({"text": "  "}, "the text is empty"),
        ({"text": "\ufeff\n\u200b"}, "the text is empty"),
        ({"prompt": "q", "completion": "\u200b"}, "the answer is empty"),
        ({"prompt": "\u200b \u2060", "completion": "a"}, "the prompt is empty"),
        ({"instruction": "q", "output": "\ufeff"}, "the answer is empty"),
        ({"instruction": "\u200d", "input": "\xad", "output": "a"}, "the prompt is empty"),
    ],
)
def test_rows_that_cannot_be_used(row: dict[str, Any], reason: str) -> None:
    good = {
        "messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}],
        "instruction": "q", "output": "a", "input": "i", "prompt": "p", "completion": "c", "text": "t",
    }  # fmt: skip
    found = detect([{name: good[name] for name in row if name in good}] * 9)
    with pytest.raises(RowProblem, match=reason):
        convert(row, found)
