"""Rows of the decoders that grew out of BART: OPT, BioGPT, XGLM."""

from __future__ import annotations

from tui_ft.vram.families.classic import EACH_HEAD, NO_CROSS
from tui_ft.vram.families.layout import Family
from tui_ft.vram.families.parts import renamed

BART_ATTENTION = """
self_attn.k_proj    linear  h h  bias=has_bias
self_attn.v_proj    linear  h h  bias=has_bias
self_attn.q_proj    linear  h h  bias=has_bias
self_attn.out_proj  linear  h h  bias=has_bias
"""

OPT = """
self_attn_layer_norm  norm    h    bias  if layer_norm_elementwise_affine
fc1                   linear  f h  bias=has_bias
fc2                   linear  h f  bias=has_bias
final_layer_norm      norm    h    bias  if layer_norm_elementwise_affine
"""

ROWS = {
    "opt": Family(
        stack="model.decoder.layers",
        ends="block",
        block=BART_ATTENTION + OPT,
        around="""
model.decoder.embed_tokens      embedding  V narrow
model.decoder.embed_positions   embedding  max_position_embeddings+2 h
model.decoder.project_out       linear     narrow h  if narrow != h
model.decoder.project_in        linear     h narrow  if narrow != h
model.decoder.final_layer_norm  norm       h  bias   if ends_in_norm and layer_norm_elementwise_affine
lm_head                         head       V narrow  if not tied
""",
        let={
            **EACH_HEAD,
            "f": "ffn_dim",
            "narrow": "word_embed_proj_dim or h",
            "has_bias": "enable_bias",
            "ends_in_norm": "do_layer_norm_before and not _remove_final_layer_norm",
        },
    ),
    "biogpt": Family(
        stack="biogpt.layers",
        block=BART_ATTENTION + renamed(OPT, {"  if layer_norm_elementwise_affine": ""}),
        around="""
biogpt.embed_tokens     embedding  V h
biogpt.embed_positions  embedding  max_position_embeddings+2 h
biogpt.layer_norm       norm       h  bias
output_projection       head       V h  if not tied
""",
        let={**EACH_HEAD, "has_bias": "True"},
    ),
    "xglm": Family(
        block=BART_ATTENTION + renamed(OPT, {"  if layer_norm_elementwise_affine": ""}),
        around="""
model.embed_tokens  embedding  V h
model.layer_norm    norm       h  bias
lm_head             head       V h  if not tied
""",
        let={
            "h": "d_model",
            "L": "num_layers",
            "heads": "attention_heads",
            "f": "ffn_dim",
            "has_bias": "True",
            **EACH_HEAD,
        },
        refuse=NO_CROSS,
    ),
}
