"""The transformers tokenizer, seen through the door that the data room knows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tui_ft.data.encode import TemplateRefusal
from tui_ft.data.template import refusals

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


class HubTokenizer:
    """Implements `tui_ft.data.encode.ChatTokenizer` with a loaded tokenizer."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._tokenizer = tokenizer
        added = tokenizer.added_tokens_decoder  # end tokens of a chat are not always called special
        self._special = {*tokenizer.all_special_ids, *added}

    @property
    def has_chat_template(self) -> bool:
        return bool(self._tokenizer.chat_template)

    @property
    def eos_token_id(self) -> int | None:
        return self._tokenizer.eos_token_id

    def is_special(self, token_id: int) -> bool:
        return token_id in self._special

    def render(self, messages: Sequence[dict[str, Any]], add_generation_prompt: bool) -> str:
        """Render a chat as the text that the model sees. Raises `TemplateRefusal`."""
        try:
            text = self._tokenizer.apply_chat_template(
                list(messages), tokenize=False, add_generation_prompt=add_generation_prompt
            )
        except refusals() as error:
            raise TemplateRefusal(str(error)) from error
        return str(text)

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of tokens, special ones spelled out."""
        return str(self._tokenizer.decode(list(ids)))

    def encode(self, text: str, add_special_tokens: bool) -> tuple[list[int], list[tuple[int, int]] | None]:
        """Return token ids and, from a fast tokenizer, each one's character span in `text`."""
        if not self._tokenizer.is_fast:
            return self._tokenizer(text, add_special_tokens=add_special_tokens)["input_ids"], None
        found = self._tokenizer(
            text, add_special_tokens=add_special_tokens, return_offsets_mapping=True, verbose=False
        )
        return found["input_ids"], [tuple(span) for span in found["offset_mapping"]]
