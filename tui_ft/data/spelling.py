"""How data sets spell their messages: the keys of role and content, and what they call the roles."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

_ROLES: dict[str, str] = {
    **dict.fromkeys(("user", "human", "prompter", "customer", "question", "instruction"), "user"),
    **dict.fromkeys(
        ("assistant", "gpt", "model", "bot", "ai", "chatgpt", "chatbot", "bard", "bing", "claude", "answer",
         "function_call", "tool_call", "tool_calls", "response", "output"),
        "assistant",
    ),
    **dict.fromkeys(("system", "developer"), "system"),
    **dict.fromkeys(
        ("tool", "function", "observation", "tool_response", "function_response", "tool_result",
         "tool_results", "ipython"),
        "tool",
    ),
}  # fmt: skip
_ROLE_KEYS = ("role", "from", "speaker", "author")
_CONTENT_KEYS = ("content", "value", "text", "parts")


class Spelling(msgspec.Struct, frozen=True, kw_only=True):
    """How a data set writes its messages: the keys of role and content, and what it calls the roles."""

    role_keys: tuple[str, ...] = _ROLE_KEYS
    content_keys: tuple[str, ...] = _CONTENT_KEYS
    roles: dict[str, str] = msgspec.field(default_factory=lambda: _ROLES)


USUAL = Spelling()

TAGS = ("role_tag", "content_tag", "user_tag", "assistant_tag", "system_tag", "tool_tag")
"""The names under which a person says how a data set spells its messages."""


def spelling(tags: Mapping[str, str]) -> Spelling:
    """Return the spelling by `tags` (a name of `TAGS` → the data set's word); what is not said is usual."""
    named = {
        tags[f"{role}_tag"].strip().lower(): role
        for role in ("user", "assistant", "system", "tool")
        if f"{role}_tag" in tags
    }
    role_key, content_key = tags.get("role_tag"), tags.get("content_tag")
    return Spelling(
        role_keys=(role_key,) if role_key else _ROLE_KEYS,
        content_keys=(content_key,) if content_key else _CONTENT_KEYS,
        roles={**_ROLES, **named} if named else _ROLES,
    )
