"""Rows of the families with multi-head latent attention: keys and values pass through a narrow matrix."""

from __future__ import annotations

from tui_ft.vram.families.layout import Family
from tui_ft.vram.families.parts import AROUND, NO_ATTENTION, NORMS, experts, gated, renamed, when

LATENT = """
self_attn.q_proj              linear  heads*d h            if q_lora_rank is None
self_attn.q_a_proj            linear  q_lora_rank h  bias=attention_bias  if q_lora_rank is not None
self_attn.q_a_layernorm       norm    q_lora_rank          if q_lora_rank is not None
self_attn.q_b_proj            linear  heads*d q_lora_rank  if q_lora_rank is not None
self_attn.kv_a_proj_with_mqa  linear  kv_lora_rank+qk_rope_head_dim h  bias=attention_bias
self_attn.kv_a_layernorm      norm    kv_lora_rank
self_attn.kv_b_proj           linear  heads*(qk_nope_head_dim+v_head_dim) kv_lora_rank
self_attn.o_proj              linear  h heads*v_head_dim  bias=attention_bias
"""

INDEXER = """
self_attn.indexer.wq_b          linear  index_n_heads*index_head_dim q_lora_rank
self_attn.indexer.wk            linear  index_head_dim h
self_attn.indexer.k_norm        norm    index_head_dim  bias
self_attn.indexer.weights_proj  linear  index_n_heads h
"""
"""DeepSeek 3.2's choice of the tokens to attend to."""


def delta(*projections: str) -> str:
    """Kimi's linear attention: `N` heads of `D`, each of `projections` a line."""
    return "\n".join(
        (
            "self_attn.q_proj  linear  N*D h",
            "self_attn.k_proj  linear  N*D h",
            "self_attn.v_proj  linear  N*D h",
            "self_attn.conv1d  module  3*N*D 1 K",
            "self_attn.b_proj  linear  N h",
            "self_attn.o_norm  norm    D",
            "self_attn.o_proj  linear  h N*D",
            "self_attn.forget_gate.dt_bias  other  N*D",
            *projections,
        )
    )


KIMI_DELTA = delta(
    "self_attn.forget_gate.A_log     other   1 1 N 1",
    "self_attn.forget_gate.f_a_proj  linear  D h",
    "self_attn.forget_gate.f_b_proj  linear  N*D D",
    "self_attn.g_a_proj              linear  D h",
    "self_attn.g_b_proj              linear  N*D D",
)
BAILING_DELTA = delta(
    "self_attn.forget_gate.A_log   other   N",
    "self_attn.forget_gate.f_proj  linear  N*D h",
    "self_attn.g_proj              linear  N*D h",
)

SIZES = {"d": "qk_nope_head_dim + qk_rope_head_dim", "kv": "heads", "E": "n_routed_experts"}

MIXTURE = (
    gated(when="not sparse")
    + experts(when="sparse")
    + gated(at="mlp.shared_experts", width="m*n_shared_experts", when="sparse")
)

BY_LAYER = "layer >= first_k_dense_replace"
BY_TYPE = "mlp_layer_types[layer] == 'sparse' if mlp_layer_types else layer >= 1"
BY_TYPE_OR_LAYER = f"mlp_layer_types[layer] == 'sparse' if mlp_layer_types else {BY_LAYER}"
BY_FREQUENCY = (
    "mlp_layer_types[layer] == 'sparse' if mlp_layer_types else "
    "layer >= at(first_k_dense_replace if first_k_dense_replace is not None else 1, 0) "
    "and layer % (moe_layer_freq or 1) == 0"
)

DEEPSEEK = Family(block=LATENT + MIXTURE + NORMS, around=AROUND, let=SIZES, each={"sparse": BY_LAYER})

ROWS = {
    "deepseek_v2": DEEPSEEK,
    "deepseek_v3": DEEPSEEK,
    "glm4_moe_lite": Family(block=DEEPSEEK.block, around=AROUND, let=SIZES, each={"sparse": BY_TYPE}),
    "axk1": Family(
        block=DEEPSEEK.block + "mlp.post_mlp_layernorm  norm  h  if sparse\n",
        around=AROUND,
        let=SIZES,
        each={"sparse": BY_FREQUENCY},
        refuse={"q_lora_rank is None": "its config has no q_lora_rank"},
    ),
    "youtu": Family(block=LATENT + gated() + NORMS, around=AROUND, let=SIZES),
    "deepseek_v32": Family(
        block=DEEPSEEK.block + INDEXER, around=AROUND, let=SIZES, each={"sparse": BY_TYPE_OR_LAYER}
    ),
    "glm_moe_dsa": Family(
        block=DEEPSEEK.block + when("indexes", INDEXER),
        around=AROUND,
        let=SIZES,
        each={
            "sparse": BY_TYPE_OR_LAYER,
            "indexes": "indexer_types[layer] != 'shared' if indexer_types else True",
        },
        refuse={
            "index_topk_pattern or index_topk_freq": "which of its layers share an indexer is not known",
        },
    ),
    "kimi_linear": Family(
        block=when("attends", LATENT) + when("not attends", KIMI_DELTA) + MIXTURE + NORMS,
        around=AROUND,
        let={
            **SIZES,
            "E": "num_local_experts",
            "D": "get(linear_attn_config, 'head_dim') or linear_head_dim",
            "N": "get(linear_attn_config, 'num_heads') or linear_num_heads",
            "K": "get(linear_attn_config, 'short_conv_kernel_size') or linear_conv_kernel_dim",
            "listed": "get(linear_attn_config, 'full_attn_layers')",
            "dense": "1 if first_k_dense_replace is None else first_k_dense_replace",
        },
        each={
            "attends": "layer_types[layer] == 'full_attention' if layer_types else "
            "layer + 1 in listed if listed else layer > 0 and layer % 4 == 0",
            "sparse": "mlp_layer_types[layer] == 'sparse' if mlp_layer_types else layer >= dense",
        },
        notes=NO_ATTENTION,
    ),
    "bailing_hybrid": Family(
        block=when(
            "attends", LATENT.replace("q_lora_rank is None", "True") + "self_attn.g_proj  linear  heads h\n"
        )
        + when("not attends", BAILING_DELTA)
        + MIXTURE
        + NORMS,
        around=AROUND,
        let={
            **SIZES,
            "E": "num_local_experts",
            "D": "linear_head_dim or head_dim",
            "N": "linear_num_heads or heads",
            "K": "linear_conv_kernel_dim or short_conv_kernel_size",
            "q_lora_rank": "None",
        },
        each={
            "attends": "layer_types[layer] == 'full_attention' if layer_types else "
            "(layer + 1) % layer_group_size == 0",
            "sparse": BY_TYPE_OR_LAYER,
        },
        notes=NO_ATTENTION,
    ),
    "longcat_flash": Family(
        block="""
mlp.experts.gate_up_proj   experts  E+zero_expert_num 2*m h
mlp.experts.down_proj      experts  E h m
mlp.router.classifier      linear   E+zero_expert_num h  bias=router_bias
"""
        + "".join(
            LATENT.replace("self_attn.", f"self_attn.{half}.")
            + gated(at=f"mlps.{half}")
            + NORMS.replace("layernorm ", f"layernorm.{half} ")
            for half in (0, 1)
        ),
        around=AROUND,
        let={
            **SIZES,
            "L": "num_layers",
            "f": "ffn_hidden_size",
            "m": "expert_ffn_hidden_size",
            "top": "moe_topk",
            "q_lora_rank": "q_lora_rank",
        },
    ),
    "minicpm3": Family(
        block=renamed(LATENT, {"v_head_dim": "value"}) + gated("mlp_bias") + NORMS,
        around=AROUND,
        let={**SIZES, "value": "v_head_dim or h // heads"},
    ),
}
