"""Tokenizer classes of transformers that take only vocabulary and merges from tokenizer.json.

Most tokenizers are taken as their file has them. These build the rest themselves, and are built here in
the same way as by `transformers.models.*.tokenization_*` of 5.23; tests compare the two.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_QWEN2_PIECES = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_QWEN3_5_PIECES = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)

Settings = Mapping[str, Any]


@dataclass(frozen=True)
class Rebuilt:
    """A class that keeps a file's BPE vocabulary and post-processor, and builds the rest by `build`.

    `tokens` are its special tokens where the settings name none; `respecial` says how they are marked as
    special once more; with `drops_ends` nothing is put around a text, whatever the file says.
    """

    build: Callable[[Tokenizer, Settings], None]
    tokens: Mapping[str, str] = field(default_factory=dict)
    respecial: Literal["no", "anew", "as named"] = "no"
    drops_ends: bool = False


def _llama(tokenizer: Tokenizer, settings: Settings) -> None:
    from tokenizers import decoders, pre_tokenizers

    _set_model(tokenizer, fuse_unk=True, byte_fallback=True)
    prefix = settings.get("add_prefix_space") is not False
    scheme = "never"
    if prefix:
        scheme = "always" if settings.get("legacy") else "first"
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme=scheme, split=False)
    steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    tokenizer.decoder = decoders.Sequence([*steps, decoders.Strip(content=" ", left=1)] if prefix else steps)


def _gemma(tokenizer: Tokenizer, settings: Settings) -> None:
    from tokenizers import decoders, normalizers, pre_tokenizers

    _set_model(tokenizer, fuse_unk=True, byte_fallback=True, unk_token=_named(settings, "unk_token", "<unk>"))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(pattern=" ", behavior="merged_with_previous", invert=False)
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    )


def _qwen(pieces: str) -> Callable[[Tokenizer, Settings], None]:
    def build(tokenizer: Tokenizer, settings: Settings) -> None:
        from tokenizers import Regex, decoders, normalizers, pre_tokenizers

        _set_model(tokenizer)
        tokenizer.normalizer = normalizers.NFC()
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Split(Regex(pieces), behavior="isolated", invert=False),
                pre_tokenizers.ByteLevel(add_prefix_space=_prefixed(settings), use_regex=False),
            ]
        )
        tokenizer.decoder = decoders.ByteLevel()

    return build


def _gpt2(tokenizer: Tokenizer, settings: Settings) -> None:
    from tokenizers import decoders, pre_tokenizers

    _set_model(tokenizer)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=_prefixed(settings))
    tokenizer.decoder = decoders.ByteLevel()


def _codegen(tokenizer: Tokenizer, settings: Settings) -> None:
    from tokenizers import processors

    _gpt2(tokenizer, settings)
    tokenizer.post_processor = processors.ByteLevel(add_prefix_space=True, use_regex=True, trim_offsets=False)


def _gpt_neox(tokenizer: Tokenizer, settings: Settings) -> None:
    from tokenizers import normalizers

    _gpt2(tokenizer, settings)
    tokenizer.normalizer = normalizers.NFC()


def _cohere(tokenizer: Tokenizer, settings: Settings) -> None:
    from tokenizers import decoders, normalizers, pre_tokenizers

    _set_model(tokenizer)
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=_prefixed(settings), trim_offsets=True),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()


def _set_model(
    tokenizer: Tokenizer, *, fuse_unk: bool = False, byte_fallback: bool = False, unk_token: str | None = None
) -> None:
    model = tokenizer.model
    model.dropout = None
    model.fuse_unk = fuse_unk
    model.byte_fallback = byte_fallback
    model.unk_token = unk_token
    model.ignore_merges = False


def _prefixed(settings: Settings) -> bool:
    return bool(settings.get("add_prefix_space"))


def _named(settings: Settings, name: str, default: str) -> str:
    value = settings.get(name, default)
    return str(value.get("content", default) if isinstance(value, Mapping) else value)


_END = "<|endoftext|>"

REBUILT: dict[str, Rebuilt] = {
    "LlamaTokenizer": Rebuilt(_llama, {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>"}),
    "GemmaTokenizer": Rebuilt(
        _gemma,
        {
            "unk_token": "<unk>", "bos_token": "<bos>", "eos_token": "<eos>", "pad_token": "<pad>",
            "mask_token": "<mask>",
        },
    ),
    "Qwen2Tokenizer": Rebuilt(
        _qwen(_QWEN2_PIECES), {"unk_token": _END, "eos_token": _END, "pad_token": _END}, respecial="anew"
    ),
    "Qwen3_5Tokenizer": Rebuilt(
        _qwen(_QWEN3_5_PIECES), {"unk_token": _END, "eos_token": _END, "pad_token": _END}
    ),
    "GPT2Tokenizer": Rebuilt(_gpt2, {"unk_token": _END, "bos_token": _END, "eos_token": _END}),
    "CodeGenTokenizer": Rebuilt(_codegen, {"unk_token": _END, "bos_token": _END, "eos_token": _END}),
    "GPTNeoXTokenizer": Rebuilt(
        _gpt_neox,
        {"unk_token": _END, "bos_token": _END, "eos_token": _END, "pad_token": "<|padding|>"},
        drops_ends=True,
    ),
    "CohereTokenizer": Rebuilt(
        _cohere,
        {
            "unk_token": "<UNK>", "bos_token": "<BOS_TOKEN>", "eos_token": "<|END_OF_TURN_TOKEN|>",
            "pad_token": "<PAD>", "cls_token": "<CLS>", "sep_token": "<SEP>", "mask_token": "<MASK_TOKEN>",
        },
        respecial="as named",
    ),
}  # fmt: skip
