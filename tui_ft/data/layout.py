"""Where things stand in a rendered chat: the text of a conversation and the span of every message in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from weakref import WeakKeyDictionary

from tui_ft.data.wording import RowProblem, shown

Message = dict[str, str]
Span = tuple[int, int]

_PLACEHOLDER = "QXZTURN{}ZXQ"


class TemplateRefusal(Exception):  # noqa: N818 - an answer of the template, which has other ways to ask
    """A chat template will not render these messages, for example because of a role that it does not know."""


class Renderer(Protocol):
    """What renders a chat: the part of a tokenizer that this module needs."""

    @property
    def has_chat_template(self) -> bool: ...

    def render(self, messages: Sequence[Message], add_generation_prompt: bool) -> str:
        """Return the chat as text. Raises `TemplateRefusal`."""
        ...


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A rendered chat.

    `contents[i]` is the span of message i's content and `openings[i]` where the text begins that the
    model writes as message i; for messages that are not the assistant's the two begin together.
    `messages` are those rendered, which are others than those asked for when the template knows
    fewer roles; `indexes[i]` says which of the original ones message i holds.
    """

    text: str
    messages: list[Message]
    indexes: list[list[int]]
    contents: list[Span]
    openings: list[int]


def lay_out(messages: Sequence[Message], renderer: Renderer) -> Layout:
    """Render `messages` and find each one in the text.

    A template that refuses or leaves out tool results gets them as the user's words, one that does
    so with the system prompt gets it in front of the first question. Raises `RowProblem` when the
    template still does not show every message.
    """
    refusal = ""
    for fitted in _fittings(messages, plain=not renderer.has_chat_template):
        merged = [m for m, _ in fitted]
        try:
            text = _render(merged, renderer, ask=False)
            found = _places(text, merged, renderer)
        except TemplateRefusal as error:
            refusal = str(error)
            continue
        if found is not None:
            contents, openings = found
            return Layout(
                text=text,
                messages=merged,
                indexes=[indexes for _, indexes in fitted],
                contents=contents,
                openings=openings,
            )
    if refusal:
        raise RowProblem("template_refuses", f"the model's chat template refuses it ({shown(refusal)})")
    raise RowProblem("template_refuses", "the model's chat template leaves a part of it out")


def _fittings(messages: Sequence[Message], *, plain: bool) -> list[list[tuple[Message, list[int]]]]:
    """Return the ways to say a chat, the most faithful first; each message with its original indexes."""
    exact = [(message, [index]) for index, message in enumerate(messages)]
    if plain:
        return [exact]
    without_tools = _merged(exact, "tool")
    without_system = _merged(without_tools, "system")
    ways = [exact]
    for way in (without_tools, without_system):
        if way != ways[-1]:
            ways.append(way)
    return ways


def _merged(said: list[tuple[Message, list[int]]], role: str) -> list[tuple[Message, list[int]]]:
    """Give the words of `role` to the user, and join neighbours that then have the same role."""
    merged: list[tuple[Message, list[int]]] = []
    for message, indexes in said:
        own = "user" if message["role"] == role else message["role"]
        if merged and merged[-1][0]["role"] == own:
            before, earlier = merged[-1]
            joined = f"{before['content']}\n\n{message['content']}"
            merged[-1] = ({"role": own, "content": joined}, [*earlier, *indexes])
        else:
            merged.append(({"role": own, "content": message["content"]}, indexes))
    return merged


def _render(messages: Sequence[Message], renderer: Renderer, *, ask: bool) -> str:
    if renderer.has_chat_template:
        return renderer.render(messages, ask)
    return _plain(messages, ask=ask)


def _plain(messages: Sequence[Message], *, ask: bool) -> str:
    """Render a chat for a model without a template, in the manner of Alpaca."""
    headings = {
        "user": "### Instruction:\n", "assistant": "### Response:\n", "tool": "### Result:\n", "system": "",
    }  # fmt: skip
    blocks = [headings[m["role"]] + m["content"] for m in messages]
    if ask:
        blocks.append(headings["assistant"])
    return "\n\n".join(blocks)


def _places(
    text: str, messages: Sequence[Message], renderer: Renderer
) -> tuple[list[Span], list[int]] | None:
    """Return each content's span in `text` and where its opening is; None when one is not to be found.

    The template's own words are known from a chat of placeholders; where they are others (some templates
    look into the contents) each content is searched behind the one before it.
    """
    frame = _frame(messages, renderer)
    if frame is not None and (contents := _walk(text, messages, frame.words)) is not None:
        return contents, [start - header for (start, _), header in zip(contents, frame.headers, strict=True)]
    searched = _search(text, messages)
    return None if searched is None else (searched, _openings(text, messages, searched, renderer))


@dataclass(frozen=True, slots=True)
class _Frame:
    """What a template writes around contents: `words` before, between and behind them.

    `headers[i]` is how many characters the model itself writes before content i.
    """

    words: list[str]
    headers: list[int]


_FRAMES_KEPT = 256
_frames: WeakKeyDictionary[Renderer, dict[tuple[str, ...], _Frame | None]] = WeakKeyDictionary()


def _frame(messages: Sequence[Message], renderer: Renderer) -> _Frame | None:
    """Return what is written around a chat of these roles; None where placeholders do not show it."""
    roles = tuple(message["role"] for message in messages)
    known = _frames.setdefault(renderer, {})
    if roles in known:
        return known[roles]
    frame = _made_frame(roles, renderer)
    if len(known) < _FRAMES_KEPT:  # chats of hundreds of different lengths are not worth more
        known[roles] = frame
    return frame


def _made_frame(roles: Sequence[str], renderer: Renderer) -> _Frame | None:
    marked = [{"role": role, "content": _PLACEHOLDER.format(index)} for index, role in enumerate(roles)]
    text = _render(marked, renderer, ask=False)
    words = _split(text, [message["content"] for message in marked])
    contents = None if words is None else _walk(text, marked, words)
    if words is None or contents is None:
        return None
    openings = _openings(text, marked, contents, renderer)
    return _Frame(words, [start - opening for (start, _), opening in zip(contents, openings, strict=True)])


def _split(text: str, marks: Sequence[str]) -> list[str] | None:
    """Return the template's words before, between and after the marks; None when a mark is missing."""
    pieces = []
    for mark in marks:
        before, found, text = text.partition(mark)
        if not found:
            return None
        pieces.append(before)
    return [*pieces, text]


def _walk(text: str, messages: Sequence[Message], frame: Sequence[str]) -> list[Span] | None:
    spans: list[Span] = []
    at = 0
    for index, message in enumerate(messages):
        if not text.startswith(frame[index], at):
            return None
        at += len(frame[index])
        content = message["content"]
        for variant in (content, content.strip(), content.rstrip(), content.lstrip()):
            if text.startswith(variant, at) and text.startswith(frame[index + 1], at + len(variant)):
                break
        else:
            return None
        spans.append((at, at + len(variant)))
        at += len(variant)
    return spans


def _search(text: str, messages: Sequence[Message]) -> list[Span] | None:
    spans: list[Span] = []
    after = len(text)
    for message in reversed(messages):  # from the end: the answers matter, and headers stand before them
        content = message["content"].strip()
        start = text.rfind(content, 0, after)
        if start < 0 and "</think>" in content:  # templates drop or respace old thoughts
            content = content.rpartition("</think>")[2].strip()
            start = text.rfind(content, 0, after) if content else -1
        if start < 0:
            return None
        spans.append((start, start + len(content)))
        after = start
    return spans[::-1]


def _openings(
    text: str, messages: Sequence[Message], contents: Sequence[Span], renderer: Renderer
) -> list[int]:
    return [
        _opening(text, messages[:index], contents[index][0], renderer)
        if message["role"] == "assistant"
        else contents[index][0]
        for index, message in enumerate(messages)
    ]


def _opening(text: str, before: Sequence[Message], start: int, renderer: Renderer) -> int:
    """Return where the model's own words begin: where the prompt for generation ends, if that can be seen."""
    if not before:
        return start
    try:
        asked = _render(before, renderer, ask=True)
        if not text.startswith(asked) or len(asked) > start:
            return start
        if not text[len(asked) : start].strip() or asked != _render(before, renderer, ask=False):
            return len(asked)
    except TemplateRefusal:
        return start
    return start  # the template knows no prompt for generation: its header is no answer
