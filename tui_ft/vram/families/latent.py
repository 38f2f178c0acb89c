"""Rows of the families with multi-head latent attention: keys and values pass through a narrow matrix."""

from __future__ import annotations

from tui_ft.vram.families.layout import Family
from tui_ft.vram.families.parts import AROUND, NORMS, experts, gated, renamed

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
    "minicpm3": Family(
        block=renamed(LATENT, {"v_head_dim": "value"}) + gated("mlp_bias") + NORMS,
        around=AROUND,
        let={**SIZES, "value": "v_head_dim or h // heads"},
    ),
}
