"""The transformers tokenizer, seen through the door that the data room knows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui_ft.data.encode import TemplateRefusal, unreadable
from tui_ft.data.template import refusals
from tui_ft.data.tokenizer import FileTokenizer, load_tokenizer
from tui_ft.data.tokenizer_files import TOKENIZER
from tui_ft.data.wording import RowProblem
from tui_ft.errors import TuiFtError

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
        """Return token ids and, from a fast tokenizer, each one's character span in `text`.

        Raises `RowProblem` for a text that the vocabulary cannot say.
        """
        try:
            found = self._tokenizer(
                text,
                add_special_tokens=add_special_tokens,
                return_offsets_mapping=self._tokenizer.is_fast,
                verbose=False,
            )
        except Exception as error:  # the libraries raise nothing more precise
            raise unreadable(error) from error
        if not self._tokenizer.is_fast:
            return found["input_ids"], None
        return found["input_ids"], [tuple(span) for span in found["offset_mapping"]]


_COMPARED = 64
"""So many texts, those of the first rows, are tokenized in both ways."""


class ComparedTokenizer(HubTokenizer):
    """The trainer's tokenizer, held against the one of `folder` that rows were checked and shown with.

    `differs` once a text or a chat came out otherwise; then what was told before the run may be wrong.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, folder: Path | None) -> None:
        super().__init__(tokenizer)
        self.differs = False
        self._left = _COMPARED
        self._other = _from_files(folder)

    def render(self, messages: Sequence[dict[str, Any]], add_generation_prompt: bool) -> str:
        text = super().render(messages, add_generation_prompt)
        if (other := self._asked_too()) is not None:
            self.differs |= _answer(lambda: other.render(messages, add_generation_prompt)) != text
        return text

    def encode(self, text: str, add_special_tokens: bool) -> tuple[list[int], list[tuple[int, int]] | None]:
        found = super().encode(text, add_special_tokens)
        if (other := self._asked_too()) is not None:
            self.differs |= _answer(lambda: other.encode(text, add_special_tokens)) != found
        return found

    def _asked_too(self) -> FileTokenizer | None:
        self._left -= 1
        return self._other if self._left >= 0 else None


def _answer(ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except (TemplateRefusal, RowProblem):
        return None


def _from_files(folder: Path | None) -> FileTokenizer | None:
    if folder is None:
        return None
    try:
        return load_tokenizer(folder)
    except TuiFtError:  # then nothing was told by it
        return None


def folder_of(source: str, revision: str | None) -> Path | None:
    """Where the tokenizer files of a folder or hub id lie; None when the cache does not say."""
    from transformers.utils import cached_file

    if Path(source).is_dir():
        return Path(source)
    try:
        found = cached_file(source, TOKENIZER, revision=revision, local_files_only=True)
    except OSError:
        return None
    return Path(found).parent if found else None
