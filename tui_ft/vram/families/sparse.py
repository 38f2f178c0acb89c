"""Rows of the families with a mixture of experts: transformers 5 holds a layer's experts in two tensors."""

from __future__ import annotations

from tui_ft.vram.families.layout import Family
from tui_ft.vram.families.parts import (
    AROUND,
    FLAGGED,
    HEAD_NORMS,
    NORMS,
    POST_NORMS,
    SANDWICH_NORMS,
    SINKS,
    WIDE_NORMS,
    attention,
    experts,
    gated,
    layer_norms,
    renamed,
)

GPT_OSS = """
mlp.router                      router   E h  bias
mlp.experts.gate_up_proj        experts  E h 2*m
mlp.experts.gate_up_proj_bias   experts  E 2*m
mlp.experts.down_proj           experts  E m h
mlp.experts.down_proj_bias      experts  E h
"""

LLAMA4 = (
    experts("feed_forward", "sparse", "router custom_linear")
    .replace("E 2*m h", "E h 2*m")
    .replace("E h m", "E m h")
)

BY_STEP = "layer not in mlp_only_layers and E > 0 and (layer + 1) % decoder_sparse_step == 0"
BY_LAYER = "layer >= first_k_dense_replace"
BY_TYPE = "mlp_layer_types[layer] == 'sparse' if mlp_layer_types else layer >= 1"

OWN_WIDTH = {"E": "num_local_experts", "m": "f"}
"""Experts as wide as the config's feed-forward part."""


def mixture(shared: str = "", at: str = "shared_experts") -> str:
    """A dense part in the layers that are not `sparse`, experts in the others, some of them `shared`."""
    always = gated(at=f"mlp.{at}", width=shared, when="sparse") if shared else ""
    return gated(when="not sparse") + experts(when="sparse") + always


SHARED_GATE = "mlp.shared_expert_gate  linear  1 h  if sparse\n"

GRANITE = """
block_sparse_moe.router                router   E h        if E > 0
block_sparse_moe.experts.gate_up_proj  experts  E 2*m h    if E > 0
block_sparse_moe.experts.down_proj     experts  E h m      if E > 0
"""

GRANITE_SHARED = """
shared_mlp.input_linear   linear  2*shared_intermediate_size h  if shared_intermediate_size > 0
shared_mlp.output_linear  linear  h shared_intermediate_size    if shared_intermediate_size > 0
"""

GLM_NORMS = """
post_self_attn_layernorm  norm  h
post_mlp_layernorm        norm  h
"""

ROWS = {
    "mixtral": Family(block=attention() + experts() + NORMS, around=AROUND, let=OWN_WIDTH),
    "qwen2_moe": Family(
        block=attention("qkv_bias")
        + mixture("shared_expert_intermediate_size", "shared_expert")
        + SHARED_GATE
        + NORMS,
        around=AROUND,
        each={"sparse": BY_STEP},
    ),
    "qwen3_moe": Family(
        block=FLAGGED + HEAD_NORMS + mixture() + NORMS, around=AROUND, each={"sparse": BY_STEP}
    ),
    "gpt_oss": Family(block=SINKS + FLAGGED + GPT_OSS + NORMS, around=AROUND, let=OWN_WIDTH),
    "olmoe": Family(
        block=FLAGGED
        + renamed(WIDE_NORMS, {"norm  q": "norm  h", "norm  k": "norm  h//heads*kv"})
        + experts()
        + NORMS,
        around=AROUND,
        let={"m": "f"},
    ),
    "flex_olmo": Family(block=FLAGGED + WIDE_NORMS + experts() + POST_NORMS, around=AROUND, let={"m": "f"}),
    "phimoe": Family(
        block=FLAGGED
        + experts(router="router custom_linear")
        + layer_norms("input_layernorm", "post_attention_layernorm"),
        around="""
model.embed_tokens  embedding  V h
model.norm          norm       h    bias
lm_head             head       V h  bias=lm_head_bias  if not tied
lm_head.bias        other      V    if tied and lm_head_bias
""",
        let=OWN_WIDTH,
    ),
    "granitemoe": Family(block=FLAGGED + NORMS + GRANITE, around=AROUND, let=OWN_WIDTH),
    "granitemoeshared": Family(
        block=FLAGGED + NORMS + GRANITE + GRANITE_SHARED, around=AROUND, let=OWN_WIDTH
    ),
    "granitemoe_swa": Family(
        block=SINKS + FLAGGED + NORMS + GRANITE + GRANITE_SHARED, around=AROUND, let=OWN_WIDTH
    ),
    "glm4_moe": Family(
        block=attention("attention_bias")
        + "self_attn.q_norm  norm  d  if use_qk_norm\nself_attn.k_norm  norm  d  if use_qk_norm\n"
        + mixture("m*n_shared_experts")
        + NORMS,
        around=AROUND,
        let={"E": "n_routed_experts"},
        each={"sparse": BY_LAYER},
    ),
    "solar_open": Family(
        block=attention("attention_bias")
        + experts()
        + gated(at="mlp.shared_experts", width="m*n_shared_experts")
        + NORMS,
        around=AROUND,
        let={"E": "n_routed_experts"},
    ),
    "dots1": Family(
        block=FLAGGED + HEAD_NORMS + mixture("m*n_shared_experts") + NORMS,
        around=AROUND,
        let={"E": "n_routed_experts"},
        each={"sparse": BY_LAYER},
    ),
    "ernie4_5_moe": Family(
        block=attention("use_bias", "use_bias")
        + gated("use_bias", when="not sparse")
        + experts(when="sparse")
        + gated("use_bias", "mlp.shared_experts", "m*moe_num_shared_experts", "shares")
        + "mlp.gate.moe_statics.e_score_correction_bias  other  1 E  if sparse\n"
        + NORMS,
        around=renamed(AROUND, {"V h  if": "V h  bias=use_bias  if"})
        + "lm_head.bias  other  V  if tied and use_bias\n",
        let={"E": "moe_num_experts", "top": "moe_k"},
        each={
            "sparse": "(layer + 1) % moe_layer_interval == 0 and layer >= moe_layer_start_index and "
            "(moe_layer_end_index == -1 or layer <= moe_layer_end_index)",
            "shares": "sparse and moe_num_shared_experts > 0",
        },
    ),
    "exaone_moe": Family(
        block=attention() + HEAD_NORMS + mixture("m*num_shared_experts") + NORMS,
        around=AROUND,
        each={"sparse": f"mlp_layer_types[layer] == 'sparse' if mlp_layer_types else {BY_LAYER}"},
    ),
    "afmoe": Family(
        block=FLAGGED
        + HEAD_NORMS
        + "self_attn.gate_proj  linear  q h\n"
        + NORMS
        + "pre_mlp_layernorm  norm  h\npost_mlp_layernorm  norm  h\n"
        + renamed(mixture("m*num_shared_experts"), {"mlp.gate router ": "mlp.router.gate linear "})
        + "mlp.expert_bias  other  E  if sparse\n",
        around=AROUND,
        each={"sparse": "layer >= num_dense_layers"},
    ),
    "beam": Family(
        block=FLAGGED
        + HEAD_NORMS
        + "self_attn.gate_proj  linear  q h\nself_attn.gate_bias  other  heads\n"
        + mixture()
        + SANDWICH_NORMS,
        around=AROUND,
        each={"sparse": "mlp_layer_types[layer] == 'sparse' if mlp_layer_types else layer >= 3"},
    ),
    "flint": Family(
        block=SINKS
        + FLAGGED
        + HEAD_NORMS
        + mixture("shared_expert_intermediate_size", "shared_expert")
        + NORMS,
        around=AROUND,
        let={"dense": "[0, 1] if mlp_only_layers is None else mlp_only_layers"},
        each={"sparse": BY_STEP.replace("mlp_only_layers", "dense")},
    ),
    "hy_v3": Family(
        block=FLAGGED
        + HEAD_NORMS
        + gated("mlp_bias", when="not sparse")
        + experts(when="sparse")
        + gated("mlp_bias", "mlp.shared_experts", "m*num_shared_experts", "sparse")
        + NORMS,
        around=AROUND,
        each={"sparse": BY_TYPE},
    ),
    "kolibri1": Family(
        block=attention()
        + HEAD_NORMS
        + experts()
        + gated(at="mlp.shared_experts", width="shared_expert_intermediate_size")
        + NORMS
        + GLM_NORMS,
        around=AROUND,
    ),
    "mellum": Family(
        block=FLAGGED + HEAD_NORMS + mixture() + NORMS,
        around=AROUND,
        each={"sparse": "mlp_layer_types[layer] == 'sparse' if mlp_layer_types else True"},
    ),
    "laguna": Family(
        block=FLAGGED
        + HEAD_NORMS
        + "self_attn.g_proj  linear  gates h  if gates > 0\n"
        + mixture("shared_expert_intermediate_size")
        + "mlp.gate.e_score_correction_bias  other  E  if sparse\n"
        + NORMS,
        around=AROUND,
        each={
            "heads": "num_attention_heads_per_layer[layer] if num_attention_heads_per_layer "
            "else num_attention_heads",
            "q": "heads * d",
            "gates": "q if gating == 'per-element' else heads",
            "sparse": BY_TYPE,
        },
    ),
    "hunyuan_v1_moe": Family(
        block=FLAGGED
        + "self_attn.query_layernorm  norm  d\nself_attn.key_layernorm  norm  d\n"
        + experts(router="gate.wg linear")
        + gated(at="mlp.shared_mlp")
        + NORMS,
        around=AROUND,
        let={"m": "f", "top": "at(moe_topk, 0)"},
        refuse={"head_dim is None": "its config has no head_dim"},
    ),
    "minimax_m2": Family(block=attention() + WIDE_NORMS + experts() + NORMS, around=AROUND, let=OWN_WIDTH),
    "mimo_v2_flash": Family(
        block="""
self_attn.sinks   other   heads  if slides
self_attn.q_proj  linear  q h  bias=attention_bias
self_attn.k_proj  linear  groups*d h           bias=attention_bias
self_attn.v_proj  linear  groups*v_head_dim h  bias=attention_bias
self_attn.o_proj  linear  h heads*v_head_dim
"""
        + mixture()
        + NORMS,
        around=AROUND,
        let={"E": "n_routed_experts"},
        each={
            "slides": "layer_types[layer] == 'sliding_attention' if layer_types "
            "else layer > 0 and (layer + 1) % 6 != 0",
            "groups": "kv * 2 if slides else kv",
            "sparse": BY_TYPE,
        },
    ),
    "llama4_text": Family(
        block=FLAGGED
        + gated(at="feed_forward", width="intermediate_size_mlp", when="not sparse")
        + LLAMA4
        + gated(at="feed_forward.shared_expert", when="sparse")
        + NORMS,
        around=AROUND,
        let=OWN_WIDTH,
        each={
            "sparse": "layer in moe_layers if moe_layers is not None "
            "else (layer + 1) % interleave_moe_layer_step == 0"
        },
    ),
}
