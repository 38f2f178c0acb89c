"""Small tokenizers of every kind that models have, as folders that transformers loads."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from tokenizers.trainers import BpeTrainer, UnigramTrainer, WordPieceTrainer

TEXTS = [
    "Please bring twelve white drums to Rosa, and don't forget the 1,234 pears.",
    "user and assistant talk about the weather\nin the house.\tIt is 21.5 degrees.",
    "Wie spät ist es? Es ist größer als gestern — 3/4 der Äpfel sind rot.",
    "def f(x):\n    return {'a': x ** 2, \"b\": [1, 2, 3]}\n\n\n# end",
    "日本語のテキストと中文字符 and some 😀 emoji 👩‍👩‍👧 too.",
    "What is the capital of France? The capital of France is Paris.",
] * 3

HARD = [
    "",
    " ",
    "  two  spaces  ",
    "\n\n",
    "a",
    "Hello, world!",
    "don't can't WE'LL I'm",
    "é e\u0301 ﬁ Å Å",
    "日本語 😀👩‍👩‍👧 \u200d",
    "1234567890 3.14 1,000",
    "tab\tand\r\nline\rends",
    "<s>not</s> <|user|> <|end|> <unk> [INST] <extra> <EXTRA>",
    "x<|end|>y <|end|> z<extra>w <extra> v",
    "▁under▁score",
    "\x00\x01 control \x7f",
    "<0x0A> <0xE2>",
    "अनुच्छेद مرحبا שלום",
    "trailing newline\n",
    "مَرْحَبًا हिन्दी",
]

CHATML = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\\n' + m['content'] + '<|im_end|>' + '\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)


def byte_level(special: list[str], *, normalizer: Any = None, pieces: str | None = None) -> Tokenizer:
    """GPT-2's kind: bytes as letters, BPE; with `pieces` cut by a pattern, as newer ones are."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    if pieces:
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Split(Regex(pieces), behavior="isolated"),
                pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
            ]
        )
    if normalizer:
        tokenizer.normalizer = normalizer
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        TEXTS,
        BpeTrainer(vocab_size=420, special_tokens=special, initial_alphabet=alphabet, show_progress=False),
    )
    return tokenizer


def llama_two(special: list[str], *, scheme: str = "first") -> Tokenizer:
    """Llama 2's kind: BPE over words that begin with ▁, bytes as a fallback."""
    tokenizer = Tokenizer(models.BPE(unk_token=special[0], fuse_unk=True, byte_fallback=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme=scheme, split=False)
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    every = [*special, *[f"<0x{byte:02X}>" for byte in range(256)]]
    tokenizer.train_from_iterator(
        TEXTS, BpeTrainer(vocab_size=480, special_tokens=every, show_progress=False, limit_alphabet=60)
    )
    return without_byte_tokens(tokenizer, special)


def llama_two_normalizing(special: list[str]) -> Tokenizer:
    """The same in older files: blanks become ▁ before any token is looked for."""
    tokenizer = llama_two(special)
    tokenizer.pre_tokenizer = None  # type: ignore[assignment]
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    return tokenizer


def gemma(special: list[str]) -> Tokenizer:
    """Gemma's kind: no blank before the first word, the text whole."""
    tokenizer = llama_two(special, scheme="never")
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    return tokenizer


def unigram(special: list[str]) -> Tokenizer:
    """SentencePiece's other kind, with its normalizer."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.train_from_iterator(
        TEXTS,
        UnigramTrainer(vocab_size=200, special_tokens=special, unk_token=special[0], show_progress=False),
    )
    return tokenizer


def word_piece(special: list[str]) -> Tokenizer:
    """BERT's kind, which some small language models have; it loses case and blanks."""
    tokenizer = Tokenizer(models.WordPiece(unk_token=special[0]))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.train_from_iterator(
        TEXTS, WordPieceTrainer(vocab_size=300, special_tokens=special, show_progress=False)
    )
    return tokenizer


def words(special: list[str]) -> Tokenizer:
    """Whole words only, and no token for those that it does not know: most texts it cannot read at all."""
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate([*special, "user", "1"])}))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return tokenizer


def without_byte_tokens(tokenizer: Tokenizer, special: list[str]) -> Tokenizer:
    """Leave the byte tokens in the vocabulary, but not among the added tokens, as published files do."""
    filed = json.loads(tokenizer.to_str())
    filed["added_tokens"] = [token for token in filed["added_tokens"] if token["content"] in special]
    return Tokenizer.from_str(json.dumps(filed))


def with_ends(tokenizer: Tokenizer, before: str = "", after: str = "") -> Tokenizer:
    """Put tokens around every text."""
    parts = [*([f"{before}:0"] if before else []), "$A:0", *([f"{after}:0"] if after else [])]
    pairs = [(text, tokenizer.token_to_id(text)) for text in (before, after) if text]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=" ".join(parts), pair=" ".join([*parts, "$B:1"]), special_tokens=pairs
    )
    return tokenizer


def added(tokenizer: Tokenizer, *tokens: str | AddedToken) -> Tokenizer:
    tokenizer.add_tokens(list(tokens))
    return tokenizer


def truncating(tokenizer: Tokenizer) -> Tokenizer:
    """Some files keep the length and padding that they were last used with."""
    tokenizer.enable_truncation(8)
    tokenizer.enable_padding(pad_token="<|pad|>", pad_id=0, length=12)
    return tokenizer


def decoder_of(tokenizer: Tokenizer) -> dict[str, Any]:
    """The added tokens as the settings list them."""
    return {
        str(number): {
            "content": token.content,
            "lstrip": token.lstrip,
            "normalized": token.normalized,
            "rstrip": token.rstrip,
            "single_word": token.single_word,
            "special": token.special,
        }
        for number, token in tokenizer.get_added_tokens_decoder().items()
    }


def listing(tokenizer: Tokenizer, **settings: Any) -> dict[str, Any]:
    return {"added_tokens_decoder": decoder_of(tokenizer), **settings}


Kind = Callable[[], tuple[Tokenizer, dict[str, Any], dict[str, Any], dict[str, Any]]]

_PAD_END = ["<|pad|>", "<|end|>", "<|user|>"]
_LLAMA = ["<unk>", "<s>", "</s>"]
_GPT = ["<|endoftext|>"]
_QWEN = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
_NFC = normalizers.NFC()
_QWEN_PIECES = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_OLDER = "PreTrainedTokenizerFast"
_LLAMA_CLASS = "LlamaTokenizerFast"
_ENDS = {"eos_token": "<|end|>", "pad_token": "<|pad|>"}


def _plain(tokenizer: Tokenizer, settings: dict[str, Any], model: str = "llama", **files: Any) -> Any:
    return tokenizer, settings, {"model_type": model}, files


KINDS: dict[str, Kind] = {
    "as filed": lambda: _plain(byte_level(_PAD_END), {**_ENDS, "tokenizer_class": "TokenizersBackend"}),
    "no class": lambda: _plain(byte_level(_PAD_END), _ENDS),
    "older name": lambda: _plain(byte_level(_PAD_END), {**_ENDS, "tokenizer_class": _OLDER}),
    "unknown class": lambda: _plain(byte_level(_PAD_END), {**_ENDS, "tokenizer_class": "FooTokenizer"}),
    "with bos": lambda: _plain(
        with_ends(byte_level([*_PAD_END, "<s>"]), "<s>"), {**_ENDS, "bos_token": "<s>"}
    ),
    "with bos and eos": lambda: _plain(
        with_ends(byte_level([*_PAD_END, "<s>"]), "<s>", "<|end|>"), {**_ENDS, "bos_token": "<s>"}
    ),
    "asks for bos": lambda: _plain(
        byte_level([*_PAD_END, "<s>"]), {**_ENDS, "bos_token": "<s>", "add_bos_token": True}
    ),
    "truncates": lambda: _plain(truncating(byte_level(_PAD_END)), {"eos_token": "<|end|>"}),
    "added words": lambda: _plain(
        added(byte_level(_PAD_END), "<extra>", AddedToken("<EXTRA>", lstrip=True, rstrip=True)),
        {**_ENDS, "tokenizer_class": _OLDER},
    ),
    "extra tokens": lambda: _plain(
        byte_level(_PAD_END),
        {**_ENDS, "extra_special_tokens": ["<extra>", "<|user|>"], "image_token": "<EXTRA>"},
    ),
    "additional tokens": lambda: _plain(
        byte_level(_PAD_END), {**_ENDS, "additional_special_tokens": ["<extra>", "[INST]"]}
    ),
    "tokens as objects": lambda: _plain(
        byte_level(_PAD_END),
        {
            "eos_token": {
                "__type": "AddedToken",
                "content": "<|end|>",
                "lstrip": True,
                "rstrip": False,
                "normalized": False,
                "single_word": False,
                "special": True,
            },
            "pad_token": {"content": "<|pad|>", "__type": "AddedToken"},
        },
    ),
    "special tokens map": lambda: _plain(
        byte_level(_PAD_END),
        {"model_max_length": 512},
        **{
            "special_tokens_map.json": {
                "eos_token": {
                    "content": "<|end|>",
                    "lstrip": False,
                    "rstrip": True,
                    "normalized": True,
                    "single_word": False,
                },
                "pad_token": "<|pad|>",
                "additional_special_tokens": ["[INST]"],
            },
            "added_tokens.json": {"<extra>": 420},
        },
    ),
    "listed otherwise": lambda: _plain(
        byte_level(_PAD_END),
        {
            **_ENDS,
            "added_tokens_decoder": {
                "0": {
                    "content": "<|pad|>",
                    "lstrip": True,
                    "rstrip": True,
                    "normalized": False,
                    "single_word": False,
                    "special": True,
                },
                "430": {
                    "content": "<extra>",
                    "lstrip": False,
                    "rstrip": False,
                    "normalized": True,
                    "single_word": False,
                    "special": False,
                },
            },
        },
    ),
    "unigram": lambda: _plain(
        unigram(["<unk>", "</s>", "<pad>"]), {"eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    ),
    "unigram with eos": lambda: _plain(
        with_ends(unigram(["<unk>", "</s>", "<s>"]), "<s>", "</s>"),
        {"eos_token": "</s>", "bos_token": "<s>", "unk_token": "<unk>"},
    ),
    "word piece": lambda: _plain(
        word_piece(["[UNK]", "[PAD]", "[SEP]"]),
        {"eos_token": "[SEP]", "pad_token": "[PAD]", "unk_token": "[UNK]", "sep_token": "[SEP]"},
    ),
    "whole words": lambda: _plain(added(words(_PAD_END), *_PAD_END), _ENDS),
    "llama 2": lambda: _plain(
        with_ends(llama_two(_LLAMA), "<s>"),
        {
            "tokenizer_class": "LlamaTokenizer",
            "bos_token": "<s>",
            "eos_token": "</s>",
            "unk_token": "<unk>",
            "add_bos_token": True,
            "legacy": False,
        },
    ),
    "llama 2, legacy": lambda: (
        lambda t: _plain(
            t,
            listing(
                t,
                tokenizer_class="LlamaTokenizerFast",
                legacy=True,
                pad_token=None,
                eos_token="</s>",
                bos_token="<s>",
            ),
        )
    )(with_ends(llama_two_normalizing(_LLAMA), "<s>")),
    "llama 2, no blank before": lambda: _plain(
        llama_two(_LLAMA), {"tokenizer_class": "LlamaTokenizer", "add_prefix_space": False}
    ),
    "llama 2, nothing around": lambda: _plain(llama_two(_LLAMA), {"tokenizer_class": _LLAMA_CLASS}),
    "llama 3 misnamed": lambda: _plain(
        with_ends(byte_level([*_PAD_END, "<s>"]), "<s>"), {**_ENDS, "tokenizer_class": _LLAMA_CLASS}
    ),
    "mistral": lambda: _plain(
        with_ends(llama_two_normalizing(_LLAMA), "<s>"),
        {"tokenizer_class": "LlamaTokenizer", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"},
        "mistral",
    ),
    "phi3": lambda: _plain(
        with_ends(llama_two_normalizing(_LLAMA), "<s>"),
        {"tokenizer_class": "LlamaTokenizer", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"},
        "phi3",
    ),
    "gemma": lambda: _plain(
        with_ends(gemma(["<unk>", "<bos>", "<eos>", "<pad>", "<mask>"]), "<bos>"),
        {
            "tokenizer_class": "GemmaTokenizerFast",
            "bos_token": "<bos>",
            "eos_token": "<eos>",
            "pad_token": "<pad>",
            "unk_token": "<unk>",
        },
        "gemma2",
    ),
    "gemma, class by type": lambda: _plain(
        with_ends(gemma(["<unk>", "<bos>", "<eos>", "<pad>"]), "<bos>"), {}, "gemma3_text"
    ),
    "qwen2": lambda: (
        lambda t: _plain(
            t,
            listing(
                t,
                tokenizer_class="Qwen2Tokenizer",
                eos_token="<|im_end|>",
                pad_token="<|endoftext|>",
                bos_token=None,
                unk_token=None,
                additional_special_tokens=["<|im_start|>"],
                chat_template=CHATML,
            ),
            "qwen2",
        )
    )(added(byte_level(_QWEN, normalizer=_NFC, pieces=_QWEN_PIECES), "<extra>")),
    "qwen2 under another name": lambda: _plain(
        byte_level([*_QWEN, "<s>"], pieces=_QWEN_PIECES),
        {"tokenizer_class": _LLAMA_CLASS, "eos_token": "<|im_end|>", "bos_token": "<s>"},
        "qwen2",
    ),
    "qwen3": lambda: _plain(
        byte_level(_QWEN, normalizer=_NFC, pieces=_QWEN_PIECES),
        {"tokenizer_class": "Qwen2Tokenizer", "eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"},
        "qwen3",
    ),
    "qwen3.5": lambda: _plain(
        byte_level(_QWEN, normalizer=_NFC, pieces=_QWEN_PIECES),
        {"tokenizer_class": "Qwen2Tokenizer", "eos_token": "<|im_end|>"},
        "qwen3_5",
    ),
    "gpt2": lambda: _plain(byte_level(_GPT), {"tokenizer_class": "GPT2Tokenizer"}, "gpt2"),
    "gpt2 with a blank before": lambda: _plain(
        byte_level(_GPT), {"tokenizer_class": "GPT2TokenizerFast", "add_prefix_space": True}, "gpt2"
    ),
    "phi": lambda: _plain(
        added(byte_level(_GPT), "  ", "    "), {"tokenizer_class": "CodeGenTokenizer"}, "phi"
    ),
    "gpt-neox": lambda: _plain(
        with_ends(byte_level([*_GPT, "<|padding|>"]), "<|endoftext|>"),
        {"tokenizer_class": "GPTNeoXTokenizerFast", "bos_token": "<|endoftext|>"},
        "gpt_neox",
    ),
    "cohere": lambda: _plain(
        with_ends(byte_level(["<PAD>", "<UNK>", "<BOS_TOKEN>", "<|END_OF_TURN_TOKEN|>"]), "<BOS_TOKEN>"),
        {"tokenizer_class": "CohereTokenizerFast", "bos_token": "<BOS_TOKEN>"},
        "cohere",
    ),
    "bloom": lambda: _plain(
        byte_level(["<unk>", "<s>", "</s>", "<pad>"]),
        {"tokenizer_class": "BloomTokenizerFast", "eos_token": "</s>", "pad_token": "<pad>"},
        "bloom",
    ),
    "deepseek": lambda: _plain(
        with_ends(byte_level(["<s>", "</s>"]), "<s>"),
        {"tokenizer_class": _LLAMA_CLASS, "bos_token": "<s>", "eos_token": "</s>", "pad_token": "</s>"},
        "deepseek_v3",
    ),
    "class in the model's config": lambda: (
        lambda made: (made[0], made[1], {"model_type": "llama", "tokenizer_class": "GPT2Tokenizer"}, {})
    )(_plain(byte_level(_GPT), {})),
}
"""Name → (tokenizer, tokenizer_config.json, config.json, other files)."""


def write_kind(kind: str, folder: Path) -> Path:
    """Write the tokenizer called `kind` into `folder` as a model's folder has it, and return it."""
    tokenizer, settings, model, others = KINDS[kind]()
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    (folder / "config.json").write_text(json.dumps(model))
    for name, content in others.items():
        (folder / name).write_text(json.dumps(content))
    return folder
