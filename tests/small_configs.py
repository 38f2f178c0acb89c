"""Small configs of every family, and of what varies inside one: flags, missing keys, kinds of layers."""

from __future__ import annotations

from typing import Any

BASE = {
    "hidden_size": 48,
    "intermediate_size": 80,
    "num_hidden_layers": 4,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "vocab_size": 97,
    "max_position_embeddings": 64,
}
"""Sizes that no two families' defaults share, so that a key taken from the wrong place is seen."""

NO_TOKENS = {"pad_token_id": None, "bos_token_id": None, "eos_token_id": None}
"""The classes' own token ids lie outside so small a vocabulary."""

GPT2 = {"n_embd": 48, "n_layer": 3, "n_head": 6, "vocab_size": 97, "n_positions": 40}
MOE = {"moe_intermediate_size": 36, "num_experts": 5, "num_experts_per_tok": 2}
LOCAL_MOE = {"num_local_experts": 5, "num_experts_per_tok": 2}
ABSENT: dict[str, Any] = {"num_key_value_heads": ..., "head_dim": ..., "tie_word_embeddings": ...}
"""`...` leaves the key out."""

VARIANTS: dict[str, list[dict[str, Any]]] = {
    "llama": [
        {},
        {"attention_bias": True, "mlp_bias": True, "tie_word_embeddings": True, "head_dim": 12},
        {"num_key_value_heads": None, "head_dim": None},
    ],
    "smollm3": [{}, {"attention_bias": True, "mlp_bias": True, "tie_word_embeddings": False}],
    "mistral": [{"num_attention_heads": 8}, {"head_dim": 10}],
    "ministral": [{"num_attention_heads": 8, "head_dim": 6}],
    "ministral3": [{"num_attention_heads": 8}],
    "qwen2": [
        {"num_attention_heads": 8, "num_key_value_heads": 4},
        {"tie_word_embeddings": True, "head_dim": 10},
    ],
    "qwen3": [{}, {"attention_bias": True, "head_dim": 20, "tie_word_embeddings": True}],
    "gemma": [{}, {"attention_bias": True, "head_dim": 20, "tie_word_embeddings": False}],
    "gemma2": [{}, {"attention_bias": True, "head_dim": 20}],
    "gemma3_text": [{}, {"attention_bias": True, "head_dim": 20, "sliding_window": 32}],
    "phi3": [{}],
    "olmo2": [{}, {"attention_bias": True}],
    "olmo3": [{}],
    "mixtral": [LOCAL_MOE, {**LOCAL_MOE, "head_dim": 12, "tie_word_embeddings": True}],
    "qwen3_moe": [MOE, {**MOE, "mlp_only_layers": [1], "decoder_sparse_step": 2}],
    "gpt_oss": [LOCAL_MOE, {**LOCAL_MOE, "attention_bias": False, "head_dim": 12}],
}

SIGLIP = {"hidden_size": 40, "intermediate_size": 56, "num_hidden_layers": 2, "num_attention_heads": 4}
GEMMA3_TEXT = {**BASE, **NO_TOKENS, "model_type": "gemma3_text"}
GEMMA3 = {
    "model_type": "gemma3",
    **NO_TOKENS,
    "boi_token_index": 1,
    "eoi_token_index": 2,
    "image_token_index": 3,
}

OTHERS: list[dict[str, Any]] = [
    {"model_type": "gpt2", **NO_TOKENS, **GPT2},
    {"model_type": "gpt2", **NO_TOKENS, **GPT2, "n_inner": 100, "tie_word_embeddings": False},
    {"model_type": "gpt-sw3", **NO_TOKENS, **GPT2},
    {**GEMMA3, "text_config": GEMMA3_TEXT, "vision_config": {**SIGLIP, "vision_use_head": False}},
    {**GEMMA3, "text_config": GEMMA3_TEXT, "vision_config": {**SIGLIP, "patch_size": 14, "image_size": 56}},
]


def _case(family: str, changes: dict[str, Any]) -> dict[str, Any]:
    merged = {"model_type": family, **BASE, **NO_TOKENS, **changes}
    return {key: value for key, value in merged.items() if value is not ...}


NEVER_ABSENT = {"ministral"}
"""Families whose model cannot be built without those keys."""

CASES = [
    *(_case(family, changes) for family, found in VARIANTS.items() for changes in found),
    *(_case(family, found[0] | ABSENT) for family, found in VARIANTS.items() if family not in NEVER_ABSENT),
    *OTHERS,
]


def case_id(config: dict[str, Any]) -> str:
    return str(config["model_type"])
