"""Rows of the families in which some layers are no attention: state space, linear attention, convolution."""

from __future__ import annotations

from tui_ft.vram.families.layout import Family
from tui_ft.vram.families.parts import (
    AROUND,
    FLAGGED,
    HEAD_NORMS,
    NORMS,
    POST_NORMS,
    WIDE_NORMS,
    attention,
    experts,
    gated,
    plain,
    renamed,
    when,
)

NOTES = ("Some of its layers are no attention; what they compute is not modelled.",)

STATE_AROUND = """
backbone.embeddings  embedding  V h
backbone.norm_f      norm       h
lm_head              head       V h  if not tied
"""

FINAL_AROUND = renamed(AROUND, {"model.norm   ": "model.final_layernorm "})
EMBEDDING_NORM_AROUND = renamed(AROUND, {"model.norm   ": "model.embedding_norm "})


def state_space(at: str) -> str:
    """The mixer of Mamba: `I` wide inside, states of size `S`, steps of rank `R`, a kernel of `K`."""
    return f"""
{at}.A_log     other   I S
{at}.D         other   I
{at}.conv1d    module  I 1 K  bias=conv_bias
{at}.in_proj   linear  2*I h  bias=proj_bias
{at}.x_proj    linear  R+2*S I
{at}.dt_proj   linear  I R    bias
{at}.out_proj  linear  h I    bias=proj_bias
"""


def state_space_2(at: str, out_bias: str = "proj_bias", norm: str = "True") -> str:
    """The mixer of Mamba 2: `N` heads, `G` groups of states."""
    return f"""
{at}.dt_bias   other   N
{at}.A_log     other   N
{at}.D         other   N
{at}.conv1d    module  I+2*G*S 1 K    bias=conv_bias
{at}.in_proj   linear  2*I+2*G*S+N h  bias=proj_bias
{at}.norm      norm    I              if {norm}
{at}.out_proj  linear  h I            bias={out_bias}
"""


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

MAMBA2_CONFIG = {
    "I": "int(mamba_expand * h)",
    "N": "mamba_n_heads",
    "G": "mamba_n_groups",
    "S": "mamba_d_state",
    "K": "mamba_d_conv",
    "conv_bias": "mamba_conv_bias",
    "proj_bias": "mamba_proj_bias",
}

MAMBA = Family(
    stack="backbone.layers",
    block="norm  norm  h\n" + state_space("mixer"),
    around=STATE_AROUND,
    let={
        "I": "int(expand * h)",
        "f": "I",
        "S": "state_size",
        "K": "conv_kernel",
        "R": "round_up(h, 16) // 16 if time_step_rank == 'auto' else time_step_rank",
        "conv_bias": "use_conv_bias",
        "proj_bias": "use_bias",
        "heads": "1",
        "d": "h",
    },
    notes=NOTES,
)

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
    "mamba": MAMBA,
    "falcon_mamba": MAMBA,
    "mamba2": Family(
        stack="backbone.layers",
        block="norm  norm  h\n" + state_space_2("mixer"),
        around=STATE_AROUND,
        let={
            "I": "int(expand * h)",
            "f": "I",
            "N": "num_heads",
            "G": "n_groups",
            "S": "state_size",
            "K": "conv_kernel",
            "conv_bias": "use_conv_bias",
            "proj_bias": "use_bias",
            "heads": "num_heads",
        },
        notes=NOTES,
    ),
    "jamba": Family(
        block=when("attends", attention())
        + when(
            "not attends",
            state_space("mamba")
            + "mamba.dt_layernorm  norm  R\nmamba.b_layernorm  norm  S\nmamba.c_layernorm  norm  S\n",
        )
        + gated(at="feed_forward", when="not sparse")
        + experts("feed_forward", "sparse", "router router")
        + "input_layernorm  norm  h\npre_ff_layernorm  norm  h\n",
        around=FINAL_AROUND,
        let={
            "m": "f",
            "I": "mamba_expand * h",
            "S": "mamba_d_state",
            "K": "mamba_d_conv",
            "R": "round_up(h, 16) // 16 if mamba_dt_rank == 'auto' else mamba_dt_rank",
            "conv_bias": "mamba_conv_bias",
            "proj_bias": "mamba_proj_bias",
        },
        each={
            "attends": "layer % attn_layer_period == attn_layer_offset",
            "sparse": "E > 1 and layer % expert_layer_period == expert_layer_offset",
        },
        notes=NOTES,
    ),
    "bamba": Family(
        block=when("attends", FLAGGED)
        + when("not attends", state_space_2("mamba"))
        + gated("mlp_bias", "feed_forward")
        + "input_layernorm  norm  h\npre_ff_layernorm  norm  h\n",
        around=FINAL_AROUND,
        let=MAMBA2_CONFIG,
        each={"attends": "layer in attn_layer_indices"},
        notes=NOTES,
    ),
    "falcon_h1": Family(
        block=FLAGGED
        + state_space_2("mamba", "projectors_bias", "mamba_rms_norm")
        + gated("mlp_bias", "feed_forward")
        + "input_layernorm  norm  h\npre_ff_layernorm  norm  h\n",
        around=FINAL_AROUND,
        let={**MAMBA2_CONFIG, "I": "int(mamba_expand * h) if mamba_d_ssm is None else mamba_d_ssm"},
        notes=NOTES,
    ),
    "granitemoehybrid": Family(
        block=when("attends", FLAGGED)
        + when("not attends", state_space_2("mamba"))
        + NORMS
        + renamed(
            experts("block_sparse_moe", "E > 0", "router router"), {"E 2*m h": "E 2*f h", "E h m": "E h f"}
        )
        + "shared_mlp.input_linear  linear  2*shared_intermediate_size h\n"
        + "shared_mlp.output_linear  linear  h shared_intermediate_size\n",
        around=AROUND,
        let={**MAMBA2_CONFIG, "E": "num_local_experts", "m": "f"},
        each={"attends": "layer_types[layer] in ['full_attention', 'attention'] if layer_types else False"},
        notes=NOTES,
    ),
    "nemotron_h": Family(
        block="norm  norm  h\n"
        + when("kind in ['attention', 'full_attention', '*']", attention(at="mixer"))
        + when("kind in ['mamba', 'linear_attention', 'M']", state_space_2("mixer"))
        + when("kind in ['mlp', '-']", plain("mixer.up_proj", "mixer.down_proj", "mlp_bias"))
        + when(
            "kind in ['moe', 'E']",
            """
mixer.experts.up_proj    experts  E m latent
mixer.experts.down_proj  experts  E latent m
mixer.gate               router   E h
mixer.fc1_latent_proj    linear   latent h  bias=mlp_bias  if moe_latent_size is not None
mixer.fc2_latent_proj    linear   h latent  bias=mlp_bias  if moe_latent_size is not None
"""
            + plain("mixer.shared_experts.up_proj", "mixer.shared_experts.down_proj", "mlp_bias", "shared"),
        ),
        around="""
model.embeddings  embedding  V h
model.norm_f      norm       h
lm_head           head       V h  if not tied
""",
        let={
            "kinds": "layers_block_type or hybrid_override_pattern or ['mamba', 'moe', 'attention', 'mlp']",
            "L": "len(kinds)",
            "E": "n_routed_experts",
            "latent": "h if moe_latent_size is None else moe_latent_size",
            "shared": "moe_shared_expert_intermediate_size",
            "I": "mamba_num_heads * mamba_head_dim",
            "N": "mamba_num_heads",
            "G": "mamba_n_groups or n_groups",
            "S": "ssm_state_size",
            "K": "mamba_d_conv or conv_kernel",
            "conv_bias": "use_conv_bias if mamba_conv_bias is None else mamba_conv_bias",
            "proj_bias": "use_bias",
        },
        each={"kind": "kinds[layer]"},
        notes=NOTES,
    ),
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
        notes=NOTES,
    ),
    "qwen3_5_text": Family(
        block=QWEN35 + gated(), around=AROUND, let=DELTA_SIZES, each={"attends": EVERY_FOURTH}, notes=NOTES
    ),
    "qwen3_5_moe_text": Family(
        block=QWEN35 + QWEN_MIXTURE,
        around=AROUND,
        let=DELTA_SIZES,
        each={"attends": EVERY_FOURTH, "sparse": "True"},
        notes=NOTES,
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
        notes=NOTES,
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
        notes=NOTES,
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
        notes=NOTES,
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
        notes=NOTES,
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
        notes=NOTES,
    ),
}
