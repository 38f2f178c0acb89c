"""Exactly the completion and its end token are trained, whatever the chat template does."""

from __future__ import annotations

from typing import Any

import pytest

from tui_ft.data.convert import Example
from tui_ft.data.encode import encode, render_prompt
from tui_ft.data.wording import RowProblem


def message(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def chat(*turns: tuple[str, str], **options: Any) -> Example:
    messages = [message(*turn) for turn in turns]
    return Example(prompt=messages[:-1], completion=messages[-1:], **options)


def trained(example: Example, tokenizer: Any) -> str:
    encoded = encode(example, tokenizer)
    assert len(encoded.input_ids) == len(encoded.trained)
    return str(tokenizer.decode([i for i, t in zip(*_columns(encoded), strict=True) if t]))


def _columns(encoded: Any) -> tuple[list[int], list[bool]]:
    return encoded.input_ids, encoded.trained


@pytest.mark.parametrize("with_offsets", [True, False])
@pytest.mark.parametrize(
    ("template", "end"),
    [
        ("chatml", "<|im_end|>"),
        ("thinking", "<|im_end|>"),
        ("open_thought", "<|im_end|>"),
        ("inst", "</s>"),
        ("turns", "<end_of_turn>"),
        ("endless", "</s>"),
        (None, "</s>"),
    ],
)
def test_completion_and_end_token(
    make_tokenizer: Any, template: str | None, end: str, with_offsets: bool
) -> None:
    tokenizer = make_tokenizer(template, with_offsets=with_offsets)
    example = chat(("user", "user of the assistant?"), ("assistant", "user: 42\nor so"))
    said = trained(example, tokenizer)
    assert said.replace("<think>\n\n</think>\n\n", "").strip() == f"user: 42\nor so{end}"
    prompt = render_prompt(example, tokenizer)
    encoded = encode(example, tokenizer)
    first = encoded.trained.index(True)
    begins = "" if template else "<s>"  # a template writes it itself
    assert tokenizer.decode(encoded.input_ids[:first]) == begins + prompt
    assert prompt.rstrip().endswith(("assistant", "/INST]", "model", "ASSISTANT:", "Response:"))


@pytest.mark.parametrize("template", ["chatml", "turns", "inst", "endless", None])
def test_earlier_answers_are_context(make_tokenizer: Any, template: str | None) -> None:
    tokenizer = make_tokenizer(template)
    example = chat(("user", "same"), ("assistant", "same"), ("user", "again"), ("assistant", "same"))
    encoded = encode(example, tokenizer)
    flips = sum(a != b for a, b in zip(encoded.trained, encoded.trained[1:], strict=False))
    assert flips in (1, 2)
    assert trained(example, tokenizer).startswith(("same", " same"))


def test_every_answer_is_trained_when_all_are_the_completion(make_tokenizer: Any) -> None:
    tokenizer = make_tokenizer("chatml")
    asked = message("user", "q")
    turns = [message("assistant", "one"), asked, message("assistant", "two"), asked]
    turns.append(message("assistant", "three"))
    example = Example(prompt=[asked], completion=turns)
    assert trained(example, tokenizer) == "one<|im_end|>two<|im_end|>three<|im_end|>"
    without = Example(prompt=example.prompt, completion=turns, untrained=frozenset({2}))
    assert trained(without, tokenizer) == "one<|im_end|>three<|im_end|>"
    assert render_prompt(example, tokenizer) == "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\n"


def test_whole_chat(make_tokenizer: Any) -> None:
    encoded = encode(
        Example(prompt=[], completion=[message("user", "q"), message("assistant", "a")], whole=True),
        make_tokenizer("inst"),
    )
    assert all(encoded.trained)


@pytest.mark.parametrize("template", ["inst", "turns"])
def test_roles_that_a_template_lacks_are_said_by_the_user(make_tokenizer: Any, template: str) -> None:
    tokenizer = make_tokenizer(template)
    example = chat(("system", "be brief"), ("user", "weather?"), ("assistant", "call()"), ("tool", "sunny"),
                   ("assistant", "It is sunny."))  # fmt: skip
    prompt = render_prompt(example, tokenizer)
    assert "be brief" in prompt
    assert "sunny" in prompt
    assert trained(example, tokenizer).strip().startswith("It is sunny.<")


def test_a_template_that_refuses_is_a_problem_of_the_row(make_tokenizer: Any) -> None:
    with pytest.raises(RowProblem, match=r"refuses it .Conversation roles must alternate"):
        encode(chat(("assistant", "hi"), ("user", "q"), ("assistant", "a")), make_tokenizer("inst"))


def test_plain_text_is_left_as_it_stands(make_tokenizer: Any) -> None:
    tokenizer = make_tokenizer("chatml")
    example = Example(prompt="2 + 2 =", completion=" 4")
    encoded = encode(example, tokenizer)
    assert tokenizer.decode(encoded.input_ids) == "<s>2 + 2 = 4</s>"
    assert trained(example, tokenizer) == " 4</s>"
    assert render_prompt(example, tokenizer) == "2 + 2 ="
    merged = Example(prompt="a b", completion="c")  # one token if the two were joined first
    assert trained(merged, tokenizer) == "c</s>"


def test_plain_text_trained_whole(make_tokenizer: Any) -> None:
    tokenizer = make_tokenizer(None)
    assert trained(Example(prompt="", completion="some words", whole=True), tokenizer) == "<s>some words</s>"
    twice = Example(prompt="", completion="some words</s>", whole=True)
    assert trained(twice, tokenizer) == "<s>some words</s>"


def test_an_answer_that_begins_with_line_feeds_does_not_take_the_headers(make_tokenizer: Any) -> None:
    tokenizer = make_tokenizer("chatml")  # its header ends in a line feed, which would join the answer's
    assert trained(chat(("user", "q"), ("assistant", "\n\na")), tokenizer) == "\n\na<|im_end|>"


def test_a_question_alone_can_be_asked(make_tokenizer: Any) -> None:
    asked = Example(prompt=[message("user", "q")], completion=[])
    assert render_prompt(asked, make_tokenizer("chatml")).endswith("<|im_start|>assistant\n")
    assert render_prompt(asked, make_tokenizer(None)) == "### Instruction:\nq\n\n### Response:\n"


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("with_offsets", [False, True])
def test_a_chat_without_a_template_begins_as_plain_text_does(
    make_tokenizer: Any, whole: bool, with_offsets: bool
) -> None:
    tokenizer = make_tokenizer(None, with_offsets=with_offsets)
    prompt, completion = [{"role": "user", "content": "hi"}], [{"role": "assistant", "content": "yes"}]
    encoded = encode(Example(prompt=prompt, completion=completion, whole=whole), tokenizer)
    assert tokenizer.decode(encoded.input_ids).startswith("<s>### Instruction:")
    assert encoded.trained[0] is False
    templated = encode(Example(prompt=prompt, completion=completion), make_tokenizer("chatml"))
    assert 1 not in templated.input_ids
