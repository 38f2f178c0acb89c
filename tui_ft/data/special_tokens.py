"""The special and added tokens of a tokenizer, as its settings and its file name them together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tui_ft.data.tokenizer_classes import Rebuilt
from tui_ft.data.tokenizer_files import TokenizerFiles

if TYPE_CHECKING:
    from tokenizers import AddedToken, Tokenizer

_NAMED = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")


class SpecialTokens:
    """The special tokens of a tokenizer: those with a name, in the library's order, and the others."""

    def __init__(self, named: dict[str, str | AddedToken], extra: list[str | AddedToken]) -> None:
        self.named = named
        self.extra = extra

    @property
    def every(self) -> list[str | AddedToken]:
        seen = {str(token): token for token in reversed([*self.named.values(), *self.extra])}
        return [token for text, token in reversed(seen.items()) if text]


def special_tokens(settings: Mapping[str, Any], rule: Rebuilt | None, filed: Tokenizer) -> SpecialTokens:
    given = {name: _token(value) for name, value in settings.items() if name.endswith("_token")}
    if filed.padding and "pad_token" not in given:
        given["pad_token"] = filed.padding["pad_token"]
    known = {str(token): token for token in _declared(settings, filed).values()}
    named: dict[str, str | AddedToken] = {}
    for name in _NAMED:
        token = given.pop(name) if name in given else (rule.tokens.get(name) if rule else None)
        if token is not None:
            named[name] = known.get(str(token), token)
    extra = settings.get("extra_special_tokens") or settings.get("additional_special_tokens") or []
    if isinstance(extra, Mapping):
        given |= {str(name): _token(value) for name, value in extra.items()}
        extra = []
    named |= {name: token for name, token in given.items() if token is not None}
    tokens = [_token(value) for value in extra] if isinstance(extra, list) else []
    return SpecialTokens(named, [token for token in tokens if token is not None])


def _token(value: Any) -> str | AddedToken | None:
    """Return a token of the settings: a text, or an object that says how it is matched."""
    from tokenizers import AddedToken

    if isinstance(value, str):
        return value
    if not isinstance(value, Mapping) or not isinstance(value.get("content"), str):
        return None
    flags = ("single_word", "lstrip", "rstrip", "normalized", "special")
    known = {name: value[name] for name in flags if isinstance(value.get(name), bool)}
    return AddedToken(value["content"], **known)


def _declared(settings: Mapping[str, Any], filed: Tokenizer) -> dict[int, AddedToken]:
    """The added tokens by number: those of the settings, or where there are none those of the file."""
    listed = settings.get("added_tokens_decoder")
    if not isinstance(listed, Mapping):
        return dict(filed.get_added_tokens_decoder())
    found = {}
    for number, value in listed.items():
        token = _token(value)
        if number.isdecimal() and token is not None and not isinstance(token, str):
            found[int(number)] = token
    return found


def add_tokens(
    tokenizer: Tokenizer,
    filed: Tokenizer,
    files: TokenizerFiles,
    special: SpecialTokens,
    rule: Rebuilt | None,
) -> None:
    """Add what settings and older files name, in the library's order, which gives the ids."""
    from tokenizers import AddedToken

    declared = _declared(files.settings, filed)
    if "added_tokens_decoder" not in files.settings:
        texts = {str(token) for token in special.every}
        for text, place in files.added.items():
            is_special = text in texts
            declared.setdefault(place, AddedToken(text, normalized=not is_special, special=is_special))
    present = {repr(token) for token in tokenizer.get_added_tokens_decoder().values()}
    wanted: list[str | AddedToken] = [
        token for _, token in sorted(declared.items(), key=lambda item: item[0]) if repr(token) not in present
    ]
    here = {str(token) for token in tokenizer.get_added_tokens_decoder().values()}
    here |= {str(token) for token in wanted}
    for token in [*special.named.values(), *special.extra]:
        if str(token) not in here:
            wanted.append(token)
            here.add(str(token))
    named = {str(token) for token in special.named.values()}
    for index, token in enumerate(wanted):
        if isinstance(token, str):
            wanted[index] = AddedToken(token, special=True)
        elif str(token) in named:
            token.special = True
    tokenizer.add_tokens(wanted)
    if rule is not None and rule.respecial == "anew":
        tokenizer.add_tokens([AddedToken(str(token), special=True) for token in special.every])
    if rule is not None and rule.respecial == "as named":
        tokenizer.add_special_tokens(
            [
                AddedToken(token, special=True, normalized=False) if isinstance(token, str) else token
                for token in [*special.named.values(), *special.extra]
            ]
        )
