"""Chats as data sets write them: every spelling of roles, contents and tool calls, read into one shape."""

from __future__ import annotations

import ast
import json
import warnings
from collections.abc import Mapping
from itertools import cycle
from typing import Any

import msgspec

from tui_ft.data.spelling import USUAL, Spelling
from tui_ft.data.wording import RowProblem, shown

_WEIGHT_KEYS = ("loss_weight", "weight", "train", "training")
_EXCHANGES = (
    ("human", "assistant"), ("user", "assistant"), ("human", "gpt"), ("question", "answer"),
    ("prompt", "response"), ("query", "response"), ("input", "output"), ("instruction", "output"),
    ("instruction", "response"), ("prompt", "completion"), ("user", "bot"),
)  # fmt: skip
_LITERAL_LIMIT = 1_000_000


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """One message: our role, its text, and whether the data set wants it trained on."""

    role: str
    text: str
    trained: bool = True


def is_chat(value: Any, *, of_texts: bool = False, spelt: Spelling = USUAL) -> bool:
    """True when `value` is a list of messages, or a text that holds one.

    With `of_texts` a list of two or more texts is a chat, too: they take turns, the user first.
    """
    messages = _listed(value)
    if not messages:
        return False
    if all(isinstance(m, str) for m in messages):
        return of_texts and len(messages) > 1
    return all(isinstance(m, dict) and _role_key(m, spelt) for m in messages)


def roles_of(value: Any, spelt: Spelling = USUAL) -> list[str]:
    """Return the roles of a chat in our words, "" for one that is not known; for looking only."""
    messages = _listed(value) or []
    if len(messages) > 1 and all(isinstance(message, str) for message in messages):
        return ["user" if index % 2 == 0 else "assistant" for index in range(len(messages))]
    return [_role(message, spelt) for message in messages]


def is_sharegpt(value: Any) -> bool:
    """True when messages are written with `from` and `value`."""
    return any(isinstance(m, dict) and ("from" in m or "value" in m) for m in _listed(value) or [])


def _role(message: Any, spelt: Spelling) -> str:
    key = _role_key(message, spelt) if isinstance(message, dict) else None
    return spelt.roles.get(str(message[key]).strip().lower(), "") if key else ""


def read_chat(value: Any, spelt: Spelling = USUAL) -> list[Turn]:
    """Return the turns of a chat. Raises `RowProblem` for what is no chat or cannot be said as text."""
    messages = _listed(value)
    if messages is None:
        raise RowProblem("wrong_type", "the conversation is not a list of messages")
    if not messages:
        raise RowProblem("no_assistant_turn", "the conversation is empty")
    if len(messages) > 1 and all(isinstance(message, str) for message in messages):
        roles = cycle(("user", "assistant"))
        return [Turn(role=role, text=checked(text)) for role, text in zip(roles, messages, strict=False)]
    return [read_turn(message, spelt) for message in messages]


def read_turn(message: Any, spelt: Spelling = USUAL) -> Turn:
    """Return one message. Raises `RowProblem`."""
    if not isinstance(message, dict):
        raise RowProblem("wrong_type", "a message is not an object with a role and a content")
    key = _role_key(message, spelt)
    if key is None:
        raise RowProblem("unknown_role", "a message has no role")
    named = message[key]
    role = spelt.roles.get(named) or spelt.roles.get(named.strip().lower())
    if role is None:
        raise RowProblem("unknown_role", f"unknown role {shown(named, 30)!r}")
    weight = next((message[k] for k in _WEIGHT_KEYS if message.get(k) is not None), 1)
    return Turn(
        role=role,
        text=_message_text(message, spelt),
        trained=weight not in (0, "0", False, "false"),
    )


def plain(value: Any, column: str) -> str:
    """Return a cell as text; numbers as they are written. Raises `RowProblem` for lists and objects."""
    if value is None:
        return ""
    if isinstance(value, str):
        return checked(value)
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    what = "a list" if isinstance(value, list) else "no text"
    raise RowProblem("wrong_type", f"column {shown(column, 40)!r} holds {what}")


def checked(text: str) -> str:
    """Return `text` if a tokenizer can read it. Raises `RowProblem` for half a surrogate pair."""
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError as error:
            raise RowProblem(
                "half_character", "the text holds half a character (a lone surrogate)"
            ) from error
    return text


def tools_text(value: Any) -> str:
    """Return a row's tool declarations as one line of text each, or "" when it has none."""
    parsed = _parsed(value) if isinstance(value, str) else value
    if not parsed:
        return ""
    tools = parsed if isinstance(parsed, list) else [parsed]
    return "\n".join(tool if isinstance(tool, str) else _compact(tool) for tool in tools)


def _role_key(message: Mapping[str, Any], spelt: Spelling = USUAL) -> str | None:
    for key in spelt.role_keys:
        if isinstance(message.get(key), str):
            return key
    return None


def _listed(value: Any) -> list[Any] | None:
    if isinstance(value, str) and value.lstrip()[:1] == "[":
        value = _parsed(value)
    if not isinstance(value, list):
        return None
    return [message for item in value for message in _exchange(item)]


def _exchange(item: Any) -> list[Any]:
    """Return the messages of an item that is a question with its answer; else the item itself."""
    if isinstance(item, dict) and _role_key(item) is None:
        for asks, answers in _EXCHANGES:
            if isinstance(item.get(asks), str) and isinstance(item.get(answers), str):
                system = [{"role": "system", "content": item["system"]}] if item.get("system") else []
                return [
                    *system,
                    {"role": "user", "content": item[asks]},
                    {"role": "assistant", "content": item[answers]},
                ]
    return [item]


def _parsed(text: str) -> Any:
    """Return what a cell of a table spells: JSON, or a list as Python prints it; else None."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        if len(text) > _LITERAL_LIMIT:
            return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd escapes in foreign text, on the screen
            return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None


def _message_text(message: Mapping[str, Any], spelt: Spelling) -> str:
    content = next((message[k] for k in spelt.content_keys if message.get(k) is not None), None)
    parts = [content_text(content)]
    calls = message.get("tool_calls") or message.get("function_call")
    if calls:
        parts += [_call_text(call) for call in (calls if isinstance(calls, list) else [calls])]
    text = "\n".join(part for part in parts if part)
    thought = message.get("reasoning_content") or message.get("reasoning") or message.get("thinking")
    if isinstance(thought, str) and thought.strip() and "</think>" not in text:
        text = f"<think>\n{thought.strip()}\n</think>\n\n{text}"
    return checked(text)


def content_text(content: Any) -> str:
    """Return the text of a message's content, be it in parts. Raises `RowProblem`."""
    if content is None or isinstance(content, str | bool | int | float):
        return plain(content, "content")
    if isinstance(content, Mapping):
        content = [content]
    if not isinstance(content, list):
        raise RowProblem("wrong_type", "a message's content is no text")
    texts = [_part_text(part) for part in content]
    return "".join(texts)


def _part_text(part: Any) -> str:
    if isinstance(part, str):
        return part
    if not isinstance(part, Mapping):
        raise RowProblem("wrong_type", "a part of a message's content is no text")
    kind = str(part.get("type", "text"))
    if "type" not in part and not any(key in part for key in USUAL.content_keys):
        raise RowProblem("wrong_type", "a message's content is an object without a text")
    value = next((part[k] for k in (*USUAL.content_keys, kind) if part.get(k) is not None), "")
    if kind in ("text", "input_text", "output_text", "refusal"):
        return plain(value, "content")
    if kind in ("reasoning", "thinking"):
        return f"<think>\n{plain(value, 'content').strip()}\n</think>\n\n"
    if kind in ("tool_call", "tool_calls", "tools", "tool_result", "tool_use"):
        return value if isinstance(value, str) else _compact(value or part)
    raise RowProblem("media", f"a message holds {shown(kind, 30)!r}, which a text model cannot read")


def _call_text(call: Any) -> str:
    """Return a tool call as `{"name": …, "arguments": …}`, however deep it is wrapped."""
    if not isinstance(call, Mapping):
        return plain(call, "tool_calls")
    inner = call.get("function")
    called = inner if isinstance(inner, Mapping) else call
    arguments = called.get("arguments")
    if isinstance(arguments, str) and (parsed := _parsed(arguments)) is not None:
        arguments = parsed
    return _compact({"name": called.get("name"), "arguments": arguments})


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
