"""Rows of the families that mix attention with linear attention or short convolutions."""

from __future__ import annotations

from tui_ft.vram.families.layout import Family
from tui_ft.vram.families.parts import (
    AROUND,
    FLAGGED,
    HEAD_NORMS,
    NO_ATTENTION,
    NORMS,
    POST_NORMS,
    WIDE_NORMS,
    attention,
    experts,
    gated,
    renamed,
    when,
)

EMBEDDING_NORM_AROUND = renamed(AROUND, {"model.norm   ": "model.embedding_norm "})

DELTA = """
linear_attn.dt_bias   other   NV
linear_attn.A_log     other   NV
linear_attn.conv1d    module  2*NK*DK+NV*DV 1 linear_conv_kernel_dim
linear_attn.norm      norm    DV
linear_attn.out_proj  linear  h NV*DV
"""

DELTA_FUSED = """
linear_attn.in_proj_qkvz  linear  2*NK*DK+2*NV*DV h
linear_attn.in_proj_ba    linear  2*NV h
"""

DELTA_SPLIT = """
linear_attn.in_proj_qkv  linear  2*NK*DK+NV*DV h
linear_attn.in_proj_z    linear  NV*DV h
linear_attn.in_proj_b    linear  NV h
linear_attn.in_proj_a    linear  NV h
"""

DELTA_SIZES = {
    "NK": "linear_num_key_heads",
    "NV": "linear_num_value_heads",
    "DK": "linear_key_head_dim",
    "DV": "linear_value_head_dim",
}

DOUBLED = renamed(FLAGGED, {"q_proj  linear  q h": "q_proj  linear  2*q h"}) + HEAD_NORMS
"""Attention whose query comes with a gate."""

EVERY_FOURTH = (
    "layer_types[layer] == 'full_attention' if layer_types else "
    "(layer + 1) % (full_attention_interval or 4) == 0"
)

QWEN_MIXTURE = (
    experts(when="sparse")
    + gated(at="mlp.shared_expert", width="shared_expert_intermediate_size", when="sparse")
    + "mlp.shared_expert_gate  linear  1 h  if sparse\n"
)

QWEN35 = when("attends", DOUBLED) + when("not attends", DELTA + DELTA_SPLIT) + NORMS

LFM_CONV = """
conv.conv      module  h 1 conv_L_cache  bias=conv_bias
conv.in_proj   linear  3*h h             bias=conv_bias
conv.out_proj  linear  h h               bias=conv_bias
"""

LFM_ATTENTION = (
    attention(last="out_proj") + "self_attn.q_layernorm  norm  d\nself_attn.k_layernorm  norm  d\n"
)

LFM_MLP = """
feed_forward.w1  linear  f h
feed_forward.w3  linear  f h
feed_forward.w2  linear  h f
"""

LFM_NORMS = "operator_norm  norm  h\nffn_norm  norm  h\n"

OWN_TIE = "tie_word_embeddings if tie_embedding is None else tie_embedding"

ROWS = {
    "qwen3_next": Family(
        block=when("attends", DOUBLED)
        + when("not attends", DELTA + DELTA_FUSED)
        + gated(when="not sparse")
        + QWEN_MIXTURE
        + NORMS,
        around=AROUND,
        let=DELTA_SIZES,
        each={
            "attends": EVERY_FOURTH,
            "sparse": "layer not in mlp_only_layers and E > 0 and (layer + 1) % decoder_sparse_step == 0",
        },
        notes=NO_ATTENTION,
    ),
    "qwen3_5_text": Family(
        block=QWEN35 + gated(),
        around=AROUND,
        let=DELTA_SIZES,
        each={"attends": EVERY_FOURTH},
        notes=NO_ATTENTION,
    ),
    "qwen3_5_moe_text": Family(
        block=QWEN35 + QWEN_MIXTURE,
        around=AROUND,
        let=DELTA_SIZES,
        each={"attends": EVERY_FOURTH, "sparse": "True"},
        notes=NO_ATTENTION,
    ),
    "olmo_hybrid": Family(
        block=gated()
        + when("attends", FLAGGED + WIDE_NORMS + POST_NORMS)
        + when(
            "not attends",
            NORMS
            + """
linear_attn.A_log    other   NV
linear_attn.dt_bias  other   NV
linear_attn.q_proj   linear  NK*DK h
linear_attn.k_proj   linear  NK*DK h
linear_attn.v_proj   linear  NV*DV h
linear_attn.a_proj   linear  NV h
linear_attn.b_proj   linear  NV h
linear_attn.g_proj   linear  NV*DV h
linear_attn.o_proj   linear  h NV*DV
linear_attn.conv1d   module  2*NK*DK+NV*DV 1 linear_conv_kernel_dim
linear_attn.o_norm   norm    DV
""",
        ),
        around=AROUND,
        let={
            "NK": "linear_num_key_heads or heads",
            "NV": "linear_num_value_heads or heads",
            "DK": "linear_key_head_dim or 3 * h // (4 * NK)",
            "DV": "linear_value_head_dim or 2 * DK",
        },
        each={
            "attends": "layer_types[layer] == 'full_attention' if layer_types else "
            "layer % 4 == 3 or (L < 4 and layer == L - 1)"
        },
        notes=NO_ATTENTION,
    ),
    "lfm2": Family(
        block=when("attends", LFM_ATTENTION) + when("not attends", LFM_CONV) + LFM_MLP + LFM_NORMS,
        around=EMBEDDING_NORM_AROUND,
        let={
            "asked": "block_ff_dim or intermediate_size",
            "shrunk": "2 * asked // 3",
            "rounded": "round_up(int(block_ffn_dim_multiplier * shrunk), block_multiple_of)",
            "f": "rounded if block_auto_adjust_ff_dim else asked",
            "tied": OWN_TIE,
        },
        each={
            "attends": "layer_types[layer] == 'full_attention' if layer_types else "
            "full_attn_idxs is None or layer in full_attn_idxs"
        },
        notes=NO_ATTENTION,
    ),
    "lfm2_moe": Family(
        block=when("attends", LFM_ATTENTION)
        + when("not attends", LFM_CONV)
        + when("not sparse", LFM_MLP)
        + experts("feed_forward", "sparse")
        + LFM_NORMS,
        around=EMBEDDING_NORM_AROUND,
        let={"tied": OWN_TIE},
        each={
            "attends": "layer_types[layer] == 'full_attention'",
            "sparse": "layer >= num_dense_layers",
        },
        refuse={"layer_types is None": "its config has no layer_types"},
        notes=NO_ATTENTION,
    ),
    "lfm3": Family(
        block=when(
            "attends", FLAGGED + HEAD_NORMS + "self_attn.g_proj  linear  heads h  if use_attention_gate\n"
        )
        + when("not attends", LFM_CONV)
        + LFM_MLP
        + LFM_NORMS
        + when("use_sandwich_norm", "post_operator_norm  norm  h\npost_ffn_norm  norm  h\n"),
        around=EMBEDDING_NORM_AROUND,
        each={
            "attends": "layer_types[layer] != 'conv' if layer_types else "
            "layer % 4 == 2 or (layer % 4 == 0 and layer > 0)"
        },
        notes=NO_ATTENTION,
    ),
    "minimax": Family(
        block=when("attends", attention())
        + when(
            "not attends",
            """
self_attn.norm         norm    q
self_attn.qkv_proj     linear  3*q h
self_attn.out_proj     linear  h q
self_attn.output_gate  linear  q h
""",
        )
        + NORMS
        + experts(),
        around=AROUND,
        let={"E": "num_local_experts", "m": "f"},
        each={"attends": "layer_types[layer] == 'full_attention' if layer_types else layer % 2 == 0"},
        notes=NO_ATTENTION,
    ),
}
