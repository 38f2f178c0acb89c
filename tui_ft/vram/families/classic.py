"""Rows of the families before Llama: learned positions, classic norms with biases, fused projections."""

from __future__ import annotations

from tui_ft.vram.families.layout import Family
from tui_ft.vram.families.parts import layer_norms

GPT2 = Family(
    stack="transformer.h",
    block=layer_norms("ln_1")
    + """
attn.c_attn  conv1d  h 3*h  bias
attn.c_proj  conv1d  h h    bias
"""
    + layer_norms("ln_2")
    + """
mlp.c_fc     conv1d  h f    bias
mlp.c_proj   conv1d  f h    bias
""",
    around="""
transformer.wte   embedding  V h
transformer.wpe   embedding  n_positions h
transformer.ln_f  norm       h  bias
lm_head           head       V h  if not tied
""",
    let={"h": "n_embd", "L": "n_layer", "heads": "n_head", "f": "n_inner or 4 * n_embd"},
    refuse={"add_cross_attention": "it attends to another model's output"},
)

ROWS = {"gpt2": GPT2, "gpt-sw3": GPT2}
