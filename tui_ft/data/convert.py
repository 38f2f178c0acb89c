"""Rows into examples: what the model is shown, and what it is to answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tui_ft.data.formats import Format, lacks
from tui_ft.data.structured import Turn, checked, content_text, is_chat, plain, read_chat, tools_text
from tui_ft.data.wording import RowProblem, is_blank, shown

Message = dict[str, str]
"""`{"role": system | user | assistant | tool, "content": text}`."""

TrainOn = Literal["completion", "assistant", "all"]

_MEDIA = ("images", "videos", "audios", "image", "video", "audio")


@dataclass(frozen=True, kw_only=True)
class Example:
    """A prompt and its completion, both as messages or both as text.

    Of the completion's messages the assistant's are trained on, except those whose index is in
    `untrained`; everything is, the prompt too, when `whole` is set.
    """

    prompt: list[Message] | str
    completion: list[Message] | str
    untrained: frozenset[int] = frozenset()
    whole: bool = False


def convert(row: Mapping[str, Any], found: Format, train_on: TrainOn | str = "completion") -> list[Example]:
    """Return the examples in `row`, which is in the format `found`.

    `train_on`: "completion" is the last answer of a chat, "assistant" every answer, "all" every
    token. Raises `RowProblem` for a row that cannot be used.
    """
    require_fields(row, found)
    columns = found.columns
    if found.name == "text":
        text = plain(row[columns["text"]], columns["text"])
        if is_blank(text):
            raise RowProblem("empty_text", "the text is empty")
        return [Example(prompt="", completion=text, whole=True)]
    if found.name in ("messages", "sharegpt"):
        turns = read_chat(row[columns["messages"]], found.spelt)
        return [_chat_example(with_system(turns, row, columns), train_on)]
    if found.name == "alpaca":
        return [_pair_example(row, found, "instruction", "output", train_on)]
    return [_pair_example(row, found, "prompt", "completion", train_on)]


def require_fields(row: Mapping[str, Any], found: Format) -> None:
    """Raise `RowProblem` for a row without what its format needs, or with what no text model can read."""
    if lacks(found, row):
        raise RowProblem("missing_field", _missing(found, row))
    for name in _MEDIA:
        if row.get(name) and not isinstance(row[name], str):
            raise RowProblem("media", "the row holds images, audio or video, which a text model cannot read")


def _missing(found: Format, row: Mapping[str, Any]) -> str:
    absent = [name for name in found.needed if row.get(name) is None]
    return f"column {shown(absent[0], 40)!r} is missing or null" if absent else "a column is missing"


def _pair_example(row: Mapping[str, Any], found: Format, asks: str, answers: str, train_on: str) -> Example:
    """Return the example of a row that has the prompt and the answer in columns of their own."""
    columns = found.columns
    prompt, completion = row[columns[asks]], row[columns[answers]]
    if columns[answers].lower() == "answers":
        completion = _first_answer(completion)
    is_chat = asks == "instruction" or _names_chat(columns)
    turns = asked(row, found, asks, with_input=is_chat)
    answered = answer(completion, columns[answers], found)
    said = with_system([*turns, *answered], row, columns)
    is_text = isinstance(prompt, str) and isinstance(completion, str)
    if is_text and not is_chat and len(said) == 2:
        return _text_example(turns[0].text, answered[0].text, train_on)
    return _chat_example(said, train_on)


def _first_answer(value: Any) -> Any:
    """Return the first of several right answers, as question sets list them: `{"text": [...]}` or `[...]`."""
    if isinstance(value, Mapping) and isinstance(value.get("text"), list):
        value = value["text"]
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return value[0] if value else ""
    return value


def _names_chat(columns: Mapping[str, str]) -> bool:
    """True for names of questions and answers: a chat of two turns rather than a text and its end.

    Only `prompt` and `completion` mean the text as it stands, as they do for the libraries.
    """
    return columns["prompt"] != "prompt" or columns["completion"] != "completion"


def _text_example(prompt: str, completion: str, train_on: str) -> Example:
    if is_blank(completion):
        raise RowProblem("empty_answer", "the answer is empty")
    if is_blank(prompt):
        raise RowProblem("empty_prompt", "the prompt is empty")
    return Example(prompt=prompt, completion=completion, whole=train_on == "all")


def asked(row: Mapping[str, Any], found: Format, asks: str, *, with_input: bool = True) -> list[Turn]:
    """Return what a row asks in column `asks` (our name), after its history. Raises `RowProblem`."""
    columns = found.columns
    turns = _history(row.get(columns["history"]), found) if "history" in columns else []
    prompt = row[columns[asks]]
    if (chat := as_chat(prompt, found)) is not None:
        return [*turns, *read_chat(chat, found.spelt)]
    text = plain(prompt, columns[asks])
    if with_input and "input" in columns:
        more = plain(row.get(columns["input"]), columns["input"])
        if not is_blank(more):
            text = more if is_blank(text) else f"{text}\n\n{more}"
    return [*turns, Turn(role="user", text=text)]


def answer(value: Any, column: str, found: Format) -> list[Turn]:
    """Return a cell that answers as turns: one of the assistant, or the chat that it holds."""
    if (chat := as_chat(value, found)) is not None:
        return read_chat(chat, found.spelt)
    return [Turn(role="assistant", text=plain(value, column))]


def as_chat(value: Any, found: Format) -> list[Any] | None:
    """Return a cell's messages; None when it is a text, or something that is no chat."""
    if isinstance(value, str):
        return None
    messages = value.get("messages", [value]) if isinstance(value, Mapping) else value
    return messages if isinstance(messages, list) and is_chat(messages, spelt=found.spelt) else None


def _history(value: Any, found: Format) -> list[Turn]:
    """Return earlier turns: a list of (question, answer) pairs, or of messages."""
    if not value:
        return []
    if isinstance(value, list) and all(isinstance(m, Mapping) for m in value):
        return read_chat(value, found.spelt)
    if not isinstance(value, list) or not all(isinstance(pair, list) and len(pair) == 2 for pair in value):
        raise RowProblem("wrong_type", "the history is not a list of [question, answer] pairs")
    return [
        Turn(role=role, text=plain(text, "history"))
        for pair in value
        for role, text in zip(("user", "assistant"), pair, strict=True)
    ]


def with_system(turns: list[Turn], row: Mapping[str, Any], columns: Mapping[str, str]) -> list[Turn]:
    """Return `turns` with the row's system prompt and tools in one system turn at the front."""
    if "system" not in columns and "tools" not in columns:
        return turns  # a system turn of their own stays as it is
    parts = [checked(content_text(row.get(columns.get("system", ""))))]
    if turns and turns[0].role == "system":
        parts.append(turns[0].text)
        turns = turns[1:]
    if tools := tools_text(row.get(columns.get("tools", ""))):
        parts.append(f"Available tools:\n{tools}")
    text = "\n\n".join(part for part in parts if not is_blank(part))
    return [Turn(role="system", text=text), *turns] if text else turns


def _chat_example(turns: list[Turn], train_on: str) -> Example:
    if len(turns) == 2 and train_on != "all" and _are_whole(*turns):
        return Example(prompt=_messages(turns[:1]), completion=_messages(turns[1:]))
    turns = _whole_turns(turns)
    answers = [index for index, turn in enumerate(turns) if turn.role == "assistant"]
    if not answers:
        raise RowProblem("no_assistant_turn", "the conversation has no assistant turn")
    turns = turns[: answers[-1] + 1]  # what follows the last answer teaches nothing
    if train_on == "all":
        return Example(prompt=[], completion=_messages(turns), whole=True)
    first = answers[0] if train_on == "assistant" else answers[-1]
    if first == 0:
        raise RowProblem("no_prompt", "nothing comes before the assistant's turn")
    completion = turns[first:]
    untrained = frozenset(i for i, turn in enumerate(completion) if not turn.trained)
    if all(turn.role != "assistant" or not turn.trained for turn in completion):
        raise RowProblem("zero_weight", "the data set gives the answer the weight 0")
    return Example(prompt=_messages(turns[:first]), completion=_messages(completion), untrained=untrained)


def _are_whole(asks: Turn, answers: Turn) -> bool:
    """True for a question and its answer that need no more looking at, as most rows are."""
    return (
        asks.role == "user"
        and answers.role == "assistant"
        and answers.trained
        and not is_blank(asks.text)
        and not is_blank(answers.text)
    )


def _whole_turns(turns: list[Turn]) -> list[Turn]:
    """Return the turns that can be used: a greeting by the assistant before the first question is left out.

    Raises `RowProblem` for an empty answer or question.
    """
    asked = next((i for i, turn in enumerate(turns) if turn.role == "user"), None)
    if asked is not None:
        turns = [t for i, t in enumerate(turns) if i >= asked or t.role == "system"]
    for turn in turns:
        if is_blank(turn.text) and turn.role in ("assistant", "user"):
            if turn.role == "assistant":
                raise RowProblem("empty_answer", "the answer is empty")
            raise RowProblem("empty_prompt", "the prompt is empty")
    return [turn for turn in turns if not is_blank(turn.text) or turn.role == "tool"]


def _messages(turns: Iterable[Turn]) -> list[Message]:
    return [{"role": turn.role, "content": turn.text} for turn in turns]
