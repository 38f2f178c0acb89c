"""Rows of the families with state space layers: Mamba, Mamba 2, and what mixes them with attention."""

from __future__ import annotations

from tui_ft.vram.families.layout import Family
from tui_ft.vram.families.parts import (
    AROUND,
    FLAGGED,
    NO_ATTENTION,
    NORMS,
    attention,
    experts,
    gated,
    plain,
    renamed,
    when,
)

STATE_AROUND = """
backbone.embeddings  embedding  V h
backbone.norm_f      norm       h
lm_head              head       V h  if not tied
"""

FINAL_AROUND = renamed(AROUND, {"model.norm   ": "model.final_layernorm "})


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
    notes=NO_ATTENTION,
)

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
        notes=NO_ATTENTION,
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
        notes=NO_ATTENTION,
    ),
    "bamba": Family(
        block=when("attends", FLAGGED)
        + when("not attends", state_space_2("mamba"))
        + gated("mlp_bias", "feed_forward")
        + "input_layernorm  norm  h\npre_ff_layernorm  norm  h\n",
        around=FINAL_AROUND,
        let=MAMBA2_CONFIG,
        each={"attends": "layer in attn_layer_indices"},
        notes=NO_ATTENTION,
    ),
    "falcon_h1": Family(
        block=FLAGGED
        + state_space_2("mamba", "projectors_bias", "mamba_rms_norm")
        + gated("mlp_bias", "feed_forward")
        + "input_layernorm  norm  h\npre_ff_layernorm  norm  h\n",
        around=FINAL_AROUND,
        let={**MAMBA2_CONFIG, "I": "int(mamba_expand * h) if mamba_d_ssm is None else mamba_d_ssm"},
        notes=NO_ATTENTION,
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
        notes=NO_ATTENTION,
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
        notes=NO_ATTENTION,
    ),
}
