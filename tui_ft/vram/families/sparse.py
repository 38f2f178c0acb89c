"""Rows of the families with a mixture of experts: transformers 5 holds a layer's experts in two tensors."""

from __future__ import annotations

from tui_ft.vram.families.dense import FLAGGED
from tui_ft.vram.families.layout import Family
from tui_ft.vram.families.parts import AROUND, HEAD_NORMS, NORMS, attention, experts, gated

GPT_OSS = """
mlp.router                      router   E h  bias
mlp.experts.gate_up_proj        experts  E h 2*m
mlp.experts.gate_up_proj_bias   experts  E 2*m
mlp.experts.down_proj           experts  E m h
mlp.experts.down_proj_bias      experts  E h
"""

QWEN_SPARSE = "layer not in mlp_only_layers and E > 0 and (layer + 1) % decoder_sparse_step == 0"

ROWS = {
    "mixtral": Family(
        block=attention() + experts() + NORMS,
        around=AROUND,
        let={"E": "num_local_experts", "m": "f"},
    ),
    "qwen3_moe": Family(
        block=FLAGGED + HEAD_NORMS + gated(when="not sparse") + experts(when="sparse") + NORMS,
        around=AROUND,
        each={"sparse": QWEN_SPARSE},
    ),
    "gpt_oss": Family(
        block="self_attn.sinks  other  heads\n" + FLAGGED + GPT_OSS + NORMS,
        around=AROUND,
        let={"E": "num_local_experts", "m": "f"},
    ),
}
