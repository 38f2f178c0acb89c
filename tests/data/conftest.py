"""A tokenizer of words with the chat templates of the families that differ most."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import pytest

from tui_ft.data.layout import TemplateRefusal

Message = dict[str, str]
_TOKENS = re.compile(r"<\|?[a-z_]+\|?>|</s>|\n+| ?\w+|.", re.DOTALL)
_SPECIAL = re.compile(r"<\|[a-z_]+\|>|<s>|</s>|<end_of_turn>|<start_of_turn>")


def chatml(messages: Sequence[Message], ask: bool) -> str:
    text = "".join(f"<|im_start|>{m['role']}\n{m['content']}<|im_end|>\n" for m in messages)
    return text + ("<|im_start|>assistant\n" if ask else "")


def thinking(messages: Sequence[Message], ask: bool) -> str:
    """As chatml, with an empty thought before the last answer and none before earlier ones."""
    text = chatml(messages[:-1], False)
    last = messages[-1]
    if last["role"] == "assistant" and "<think>" not in last["content"]:
        last = {**last, "content": f"<think>\n\n</think>\n\n{last['content']}"}
    return text + chatml([last], ask)


def open_thought(messages: Sequence[Message], ask: bool) -> str:
    """The prompt for generation opens a thought that no rendered answer has: it is no prefix."""
    return chatml(messages, ask) + ("<think>\n" if ask else "")


def inst(messages: Sequence[Message], ask: bool) -> str:
    """Spaces around contents, roles that must alternate, no system prompt, no prompt for generation."""
    text = "<s>"
    for index, message in enumerate(messages):
        wanted = "assistant" if index % 2 else "user"
        if message["role"] != wanted:
            raise TemplateRefusal("Conversation roles must alternate user/assistant/user/assistant/...")
        content = message["content"].strip()
        text += f"[INST] {content} [/INST]" if wanted == "user" else f" {content}</s>"
    return text


def turns(messages: Sequence[Message], ask: bool) -> str:
    """Contents are stripped, and roles that are not known are left out without a word."""
    names = {"user": "user", "assistant": "model"}
    text = "".join(
        f"<start_of_turn>{names[m['role']]}\n{m['content'].strip()}<end_of_turn>\n"
        for m in messages
        if m["role"] in names
    )
    return text + ("<start_of_turn>model\n" if ask else "")


def endless(messages: Sequence[Message], ask: bool) -> str:
    """No end token, and a header that the prompt for generation leaves out."""
    return "".join(f"{m['role'].upper()}: {m['content']}\n" for m in messages)


TEMPLATES = {f.__name__: f for f in (chatml, thinking, open_thought, inst, turns, endless)}


class WordTokenizer:
    """Words with the space before them, runs of line feeds, and special tokens; `eos` is </s>."""

    def __init__(self, template: str | None, *, with_offsets: bool = True) -> None:
        self._template = TEMPLATES[template] if template else None
        self._with_offsets = with_offsets
        self._words: list[str] = ["</s>", "<s>"]
        self.eos_token_id: int | None = 0

    @property
    def has_chat_template(self) -> bool:
        return self._template is not None

    def render(self, messages: Sequence[Message], add_generation_prompt: bool) -> str:
        assert self._template is not None
        return self._template(messages, add_generation_prompt)

    def encode(self, text: str, add_special_tokens: bool) -> tuple[list[int], list[tuple[int, int]] | None]:
        ids, offsets = ([1], [(0, 0)]) if add_special_tokens else ([], [])
        for match in _TOKENS.finditer(text):
            if match[0] not in self._words:
                self._words.append(match[0])
            ids.append(self._words.index(match[0]))
            offsets.append(match.span())
        return ids, offsets if self._with_offsets else None

    def is_special(self, token_id: int) -> bool:
        return bool(_SPECIAL.fullmatch(self._words[token_id]))

    def decode(self, ids: Sequence[int]) -> str:
        return "".join(self._words[i] for i in ids)


@pytest.fixture
def make_tokenizer() -> Callable[..., WordTokenizer]:
    return WordTokenizer
