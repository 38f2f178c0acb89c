"""One usable row as the checks see it: its texts, apart from how the data set wrote them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from tui_ft.data.convert import Example


class Sight(msgspec.Struct, frozen=True):
    """A row: what is asked, instructions and earlier turns included, and what is answered."""

    number: int
    row: Mapping[str, Any]
    prompt: str
    answer: str
    is_plain: bool = False
    """The texts stand in training as they are, without a chat template."""

    @property
    def text(self) -> str:
        return f"{self.prompt}\n{self.answer}" if self.prompt else self.answer


def sight_of(number: int, row: Mapping[str, Any], example: Example) -> Sight:
    """Return what the checks see of the row that `example` was made from."""
    is_plain = isinstance(example.prompt, str)
    return Sight(number, row, text_of(example.prompt), text_of(example.completion), is_plain)


def text_of(part: list[dict[str, str]] | str) -> str:
    """Return messages, or a text, as one text."""
    if isinstance(part, str):
        return part
    return part[0]["content"] if len(part) == 1 else "\n".join([message["content"] for message in part])
