"""A small model of each family whose every dimension can be told from every other, and the cases to trace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tui_ft.spec import overrides
from tui_ft.spec.run_spec import RunSpec
from tui_ft.train.simulate.symbols import Symbols
from tui_ft.vram.dimensions import head_dimensions, step_dimensions

BATCH, LENGTH, RANK = 7, 1824, 13
"""A length that kernels need not round up (32), more labelled tokens than one tile of the head holds."""

VOCABULARY = 50021
HEADS, KV_HEADS, HEAD = 15, 3, 72
HIDDEN, WIDE, EXPERT_WIDTH, EXPERTS, CHOSEN = 720, 704, 208, 22, 11
FILLED = HEADS * HEAD
"""The hidden size where the heads must fill it."""

_MODEL: Mapping[str, int] = {
    "hidden_size": HIDDEN, "intermediate_size": WIDE, "num_attention_heads": HEADS,
    "num_key_value_heads": KV_HEADS, "head_dim": HEAD, "vocab_size": VOCABULARY,
    "max_position_embeddings": 2 * LENGTH, "num_experts_per_tok": CHOSEN,
    "moe_intermediate_size": EXPERT_WIDTH,
}  # fmt: skip
_EXPERT_COUNTS = ("num_experts", "num_local_experts", "n_routed_experts")

_MOST_LAYERS = 16


def sample_config(family: str, *, is_tied: bool, reaches_window: bool, has_free_head: bool) -> dict[str, Any]:
    """The config.json of a small model of `family`; its layers alternate where the family's do.

    `has_free_head`: the heads together need not be as wide as the hidden state.
    """
    from transformers import AutoConfig

    usual = AutoConfig.for_model(family).get_text_config()
    document: dict[str, Any] = {name: value for name, value in _MODEL.items() if hasattr(usual, name)}
    document |= {name: EXPERTS for name in _EXPERT_COUNTS if hasattr(usual, name)}
    if has_free_head:
        document["head_dim"] = HEAD
    else:
        document |= {"hidden_size": FILLED}
        document.pop("head_dim", None)
    if reaches_window or getattr(usual, "sliding_window", None):
        document["sliding_window"] = LENGTH // 2 if reaches_window else 2 * LENGTH
    kinds = list(dict.fromkeys(getattr(usual, "layer_types", None) or ()))
    if len(kinds) > 1:
        document["layer_types"] = [kinds[number % len(kinds)] for number in range(_MOST_LAYERS)]
    return document | {
        "model_type": family,
        "num_hidden_layers": _MOST_LAYERS,
        "pad_token_id": None,
        "bos_token_id": 0,
        "eos_token_id": 1,
        "tie_word_embeddings": is_tied,
    }


def alternates(config: Mapping[str, Any]) -> bool:
    """Whether layers of two kinds take turns."""
    return len(set(config.get("layer_types", ()))) > 1


def symbols(config: Mapping[str, Any]) -> Symbols:
    """The dimensions' names of a step on the sample model."""
    groups = KV_HEADS if "num_key_value_heads" in config else HEADS
    step = step_dimensions(BATCH, LENGTH, RANK, VOCABULARY)
    model = {"h": config["hidden_size"], "n": HEADS, "V": VOCABULARY, **head_dimensions(HEAD)}
    if "intermediate_size" in config:
        model["f"] = WIDE
    if groups != HEADS:
        model |= {"g": groups, "u": HEADS // groups, "a": (HEADS + 2 * groups) * HEAD}
    if any(name in config for name in _EXPERT_COUNTS):
        model |= {"E": EXPERTS, "K": CHOSEN}
        if "moe_intermediate_size" in config:
            model["m"] = EXPERT_WIDTH
    fills = () if "head_dim" in config else (("d", "n"),)
    return Symbols(model | {name: step[name] for name in "bsSprtxCRWZ"}, without=fills)


def sample_spec(*changes: str) -> RunSpec:
    """A run on the sample: its batch, length and rank, and the given settings."""
    usual = [
        "model.id=sample",
        "data.train=sample",
        f"data.max_length={LENGTH}",
        f"training.batch_size={BATCH}",
    ]
    has_rank = any(change.startswith("method.kind=") and "lora" in change for change in changes)
    return overrides.apply(RunSpec(), [*usual, *changes, *([f"method.rank={RANK}"] if has_rank else [])])
