"""A model's tokenizer from its files: the same tokens as the trainer's, without transformers or torch.

Which steps make it follows `transformers.tokenization_utils_tokenizers` of 5.23; tests compare the two
over many kinds of tokenizers, and the trainer compares them again on the first rows of every run.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui_ft.data.encode import unreadable
from tui_ft.data.layout import Message, Span, TemplateRefusal
from tui_ft.data.special_tokens import add_tokens, special_tokens
from tui_ft.data.template import ChatTemplate
from tui_ft.data.tokenizer_classes import REBUILT, Rebuilt
from tui_ft.data.tokenizer_files import TokenizerFiles, read_files, spells
from tui_ft.data.tokenizer_names import AS_FILED, UNSUPPORTED, class_name
from tui_ft.data.wording import shown
from tui_ft.errors import TuiFtError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_MISTRAL = (
    "ministral",
    "ministral3",
    "mistral",
    "mistral3",
    "mistral_large4",
    "mixtral",
    "pixtral",
    "voxtral",
)


class FileTokenizer:
    """Implements `tui_ft.data.encode.ChatTokenizer` with a loaded tokenizer.

    `templates` are the chat templates by name; the one called "default" is used.
    """

    def __init__(
        self, tokenizer: Tokenizer, special_tokens: Mapping[str, str], templates: Mapping[str, str]
    ) -> None:
        self._tokenizer = tokenizer
        self._special = frozenset(tokenizer.get_added_tokens_decoder())
        self._special_tokens = dict(special_tokens)
        eos = special_tokens.get("eos_token")
        self._eos = None if eos is None else tokenizer.token_to_id(eos)
        self._templates = tuple(templates)
        source = templates.get("default")
        self._template = ChatTemplate(source, special_tokens) if source else None

    @property
    def has_chat_template(self) -> bool:
        return self._template is not None or bool(self._templates)

    @property
    def eos_token_id(self) -> int | None:
        return self._eos

    @property
    def special_tokens(self) -> Mapping[str, str]:
        """The tokens that a chat template may name, by those names (`eos_token`, …)."""
        return self._special_tokens

    def render(self, messages: Sequence[Message], add_generation_prompt: bool) -> str:
        """Return the chat as the text that the model sees. Raises `TemplateRefusal`."""
        if self._template is None:
            names = ", ".join(self._templates)
            raise TemplateRefusal(f"the model has chat templates for {names} only, and no default")
        return self._template.render(messages, add_generation_prompt)

    def encode(self, text: str, add_special_tokens: bool) -> tuple[list[int], list[Span] | None]:
        """Return token ids and each one's character span in `text`. Raises `RowProblem`."""
        try:
            # one text a call: several in one would start threads, and a fork after that prints a warning
            found = self._tokenizer.encode(text, add_special_tokens=add_special_tokens)
        except Exception as error:  # the library raises nothing more precise
            raise unreadable(error) from error
        return found.ids, found.offsets

    def is_special(self, token_id: int) -> bool:
        return token_id in self._special

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of tokens, special ones spelled out."""
        return self._tokenizer.decode(list(ids), skip_special_tokens=False)

    def token(self, token_id: int) -> str:
        """Return a token as the vocabulary spells it; "" when there is none of that number."""
        return self._tokenizer.id_to_token(token_id) or ""


def load_tokenizer(folder: Path) -> FileTokenizer:
    """Load the tokenizer of the model in `folder`.

    Raises `TuiFtError` when there is none, when its files cannot be read, or when only the trainer's
    library can make what they describe.
    """
    files = read_files(folder)
    rule = _rule(files)
    filed = _from_file(files.tokenizer, shown(folder, 200))
    tokenizer = filed if rule is None else _rebuilt(filed, rule, files)
    tokenizer.no_truncation()
    special = special_tokens(files.settings, rule, filed)
    add_tokens(tokenizer, filed, files, special, rule)
    tokenizer.no_padding()
    named = {name: str(value) for name, value in special.named.items()}
    named.setdefault("pad_token", named.get("eos_token", ""))
    if not named["pad_token"]:
        raise TuiFtError(
            f"The tokenizer of {shown(folder, 200)} has neither a padding nor an end token.",
            "Choose a model with a complete tokenizer.",
        )
    return FileTokenizer(tokenizer, named, files.templates)


def _rule(files: TokenizerFiles) -> Rebuilt | None:
    """Return how the tokenizer's class builds it; None when it is taken as filed. Raises `TuiFtError`."""
    settings, model = files.settings, files.model
    model_type = str(model.get("model_type") or "")
    declared = settings.get("tokenizer_class") or model.get("tokenizer_class")
    declared = declared if isinstance(declared, str) else None
    has_own_code = _has_own_code(settings)
    name = class_name(
        model_type,
        declared,
        is_byte_level=spells(files.tokenizer, b'"ByteLevel"'),
        has_own_code=has_own_code,
    )
    where = shown(files.folder, 200)
    if settings.get("fix_mistral_regex"):
        raise _only_trainer(where, "asks for a repair of its word pattern")
    is_tekken = model_type in _MISTRAL and (files.folder / "tekken.json").is_file()
    if is_tekken and importlib.util.find_spec("mistral_common"):
        raise _only_trainer(where, "is read by mistral-common")
    if has_own_code and name not in REBUILT and name not in ("PreTrainedTokenizer", AS_FILED):
        raise _only_trainer(where, "brings program code of its own")
    if name in UNSUPPORTED:
        raise _only_trainer(where, f"is a {name}")
    return REBUILT.get(name)


def _only_trainer(where: str, what: str) -> TuiFtError:
    return TuiFtError(
        f"The tokenizer of {where} {what}: only the trainer's own library can make it.",
        "Lengths and masks are known when the run prepares its data; rows are checked without them.",
    )


def _has_own_code(settings: Mapping[str, Any]) -> bool:
    auto_map = settings.get("auto_map")
    return bool(auto_map.get("AutoTokenizer") if isinstance(auto_map, Mapping) else auto_map)


def _from_file(path: Path, where: str) -> Tokenizer:
    from tokenizers import Tokenizer

    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing more precise
        raise TuiFtError(
            f"The tokenizer of {where} cannot be loaded: {shown(error, 160)}.",
            "Fetch its tokenizer.json again.",
        ) from error


def _rebuilt(filed: Tokenizer, rule: Rebuilt, files: TokenizerFiles) -> Tokenizer:
    from tokenizers import Tokenizer, models, processors

    model = filed.model
    if not isinstance(model, models.BPE) or model.continuing_subword_prefix or model.end_of_word_suffix:
        raise _only_trainer(shown(files.folder, 200), "does not go with the class that its settings name")
    tokenizer = Tokenizer(model)
    rule.build(tokenizer, files.settings)
    if rule.drops_ends:
        tokenizer.post_processor = processors.TemplateProcessing(
            single="$A:0", pair="$A:0 $B:1", special_tokens=[]
        )
    elif filed.post_processor is not None:
        tokenizer.post_processor = filed.post_processor
    return tokenizer
