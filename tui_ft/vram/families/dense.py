"""Rows of the decoder families with one dense feed-forward part a layer, in the manner of Llama."""

from __future__ import annotations

from tui_ft.vram.families.layout import Family
from tui_ft.vram.families.parts import (
    AROUND,
    HEAD_NORMS,
    NORMS,
    POST_NORMS,
    SANDWICH_NORMS,
    WIDE_NORMS,
    attention,
    gated,
)

FLAGGED = attention("attention_bias", "attention_bias")
"""Biases on all four projections where the config asks for them."""

LLAMA = Family(block=FLAGGED + gated("mlp_bias") + NORMS, around=AROUND)
MISTRAL = Family(block=attention() + gated() + NORMS, around=AROUND)

PHI3 = """
self_attn.o_proj    linear  h q
self_attn.qkv_proj  linear  q+2*k h
mlp.gate_up_proj    linear  2*f h
mlp.down_proj       linear  h f
"""

ROWS = {
    "llama": LLAMA,
    "smollm3": LLAMA,
    "mistral": MISTRAL,
    "ministral": Family(
        block=MISTRAL.block, around=AROUND, refuse={"head_dim is None": "its config has no head_dim"}
    ),
    "ministral3": MISTRAL,
    "qwen2": Family(block=attention("True") + gated() + NORMS, around=AROUND),
    "qwen3": Family(block=FLAGGED + HEAD_NORMS + gated() + NORMS, around=AROUND),
    "gemma": Family(block=FLAGGED + gated() + NORMS, around=AROUND),
    "gemma2": Family(block=FLAGGED + gated() + SANDWICH_NORMS, around=AROUND),
    "gemma3_text": Family(block=FLAGGED + HEAD_NORMS + gated() + SANDWICH_NORMS, around=AROUND),
    "phi3": Family(block=PHI3 + NORMS, around=AROUND),
    "olmo2": Family(block=FLAGGED + WIDE_NORMS + gated() + POST_NORMS, around=AROUND),
    "olmo3": Family(block=FLAGGED + WIDE_NORMS + gated() + POST_NORMS, around=AROUND),
}
