"""Rows of families that share little with others."""

from __future__ import annotations

from tui_ft.vram.families.layout import Family
from tui_ft.vram.families.parts import (
    AROUND,
    FLAGGED,
    HEAD_NORMS,
    NO_ATTENTION,
    NORMS,
    attention,
    experts,
    fused_gated,
    gated,
    renamed,
    when,
)

INDEXER = """
self_attn.indexer.q_proj  linear  index_n_heads*index_head_dim h
self_attn.indexer.k_proj  linear  index_head_dim h
self_attn.indexer.q_norm  norm    index_head_dim
self_attn.indexer.k_norm  norm    index_head_dim
"""

ROWS = {
    "cohere2_moe": Family(
        block=FLAGGED
        + "input_layernorm  norm  h\n"
        + gated(width="prefix_dense_intermediate_size", when="not sparse")
        + experts(when="sparse")
        + gated(at="mlp.shared_experts", width="f*num_shared_experts", when="shares"),
        around=AROUND,
        let={"m": "f", "first": "first_k_dense_replace or 0"},
        each={
            "sparse": "mlp_layer_types[layer] == 'sparse' if mlp_layer_types else layer >= first",
            "shares": "sparse and num_shared_experts > 0",
        },
    ),
    "minimax_m3_vl_text": Family(
        block=attention()
        + HEAD_NORMS
        + when("indexes", INDEXER)
        + when("not sparse", fused_gated(width="dense_intermediate_size"))
        + experts(when="sparse")
        + when("sparse", fused_gated("mlp.shared_experts", "shared_intermediate_size"))
        + NORMS,
        around=AROUND,
        let={"E": "num_local_experts", "m": "f"},
        each={
            "indexes": "layer_types is not None and layer_types[layer] == 'minimax_m3_sparse'",
            "sparse": "mlp_layer_types[layer] == 'sparse' if mlp_layer_types else "
            "moe_layer_freq is None or moe_layer_freq[layer]",
        },
        refuse={"sparse_attention_config": "its layers are listed in sparse_attention_config"},
    ),
    "aria_text": Family(
        block=FLAGGED
        + experts(router="router router").replace("E 2*m h", "E h 2*m").replace("E h m", "E m h")
        + gated("mlp_bias", "mlp.shared_experts", "f*moe_num_shared_experts")
        + NORMS,
        around=AROUND,
        let={"E": "moe_num_experts", "m": "f", "top": "moe_topk"},
    ),
    "jetmoe": Family(
        block="""
mlp.bias                                other    h
mlp.input_linear.weight                 experts  E 2*m h
mlp.output_linear.weight                experts  E h m
mlp.router.layer                        linear   E h
self_attention.experts.bias             other    h
self_attention.experts.input_linear.weight   experts  E k h
self_attention.experts.output_linear.weight  experts  E h k
self_attention.experts.router.layer     linear   E h
self_attention.kv_proj                  linear   2*k h
"""
        + NORMS,
        around=AROUND,
        let={
            "E": "num_local_experts",
            "m": "f",
            "d": "kv_channels",
            "kv": "num_key_value_heads",
            "heads": "kv * num_experts_per_tok",
        },
    ),
    "recurrent_gemma": Family(
        block=when(
            "attends",
            renamed(
                attention("attention_bias", "True", "temporal_block"),
                {"k_proj  linear  k h": "k_proj  linear  kv*(h//heads) h"},
            ),
        )
        + when(
            "not attends",
            """
temporal_block.linear_y                    linear  W h  bias
temporal_block.linear_x                    linear  W h  bias
temporal_block.linear_out                  linear  h W  bias
temporal_block.conv_1d                     module  W 1 conv1d_width  bias
temporal_block.rg_lru.recurrent_param      other   W
temporal_block.rg_lru.input_gate_weight    other   heads W//heads W//heads
temporal_block.rg_lru.input_gate_bias      other   heads W//heads
temporal_block.rg_lru.recurrent_gate_weight  other  heads W//heads W//heads
temporal_block.rg_lru.recurrent_gate_bias  other   heads W//heads
""",
        )
        + """
temporal_pre_norm      norm    h
channel_pre_norm       norm    h
mlp_block.gate_proj    linear  f//2 h  bias
mlp_block.up_proj      linear  f//2 h  bias
mlp_block.down_proj    linear  h f//2  bias
""",
        around=renamed(AROUND, {"model.norm ": "model.final_norm "}),
        let={"W": "lru_width or h", "d": "h // heads"},
        each={"attends": "block_types[layer % len(block_types)] == 'attention'"},
        notes=NO_ATTENTION,
    ),
    "modernbert-decoder": Family(
        block="""
attn_norm    norm    h    bias=norm_bias  if layer_after_first
attn.q_proj  linear  h h  bias=attention_bias
attn.k_proj  linear  h h  bias=attention_bias
attn.v_proj  linear  h h  bias=attention_bias
attn.Wo      linear  h h  bias=attention_bias
mlp_norm     norm    h    bias=norm_bias
mlp.Wi       linear  2*f h  bias=mlp_bias
mlp.Wo       linear  h f    bias=mlp_bias
""",
        around="""
model.embeddings.tok_embeddings  embedding  V h
model.embeddings.norm            norm       h    bias=norm_bias
model.final_norm                 norm       h    bias=norm_bias
lm_head.dense                    linear     h h  bias=classifier_bias
lm_head.norm                     norm       h    bias=norm_bias
decoder                          head       V h  bias=decoder_bias  if not tied
decoder.bias                     other      V    if tied and decoder_bias
""",
        let={"kv": "heads", "d": "h // heads"},
        each={"layer_after_first": "layer > 0"},
    ),
    "dbrx": Family(
        stack="transformer.blocks",
        block="""
norm_attn_norm.norm_1         norm    h
norm_attn_norm.attn.Wqkv      linear  h+2*k h
norm_attn_norm.attn.out_proj  linear  h h
norm_attn_norm.norm_2         norm    h
ffn.router.layer              linear  E h
ffn.experts.mlp.w1            experts  E*m h
ffn.experts.mlp.v1            experts  E*m h
ffn.experts.mlp.w2            experts  E*m h
""",
        around="""
transformer.wte     embedding  V h
transformer.norm_f  norm       h
lm_head             head       V h  if not tied
""",
        let={
            "h": "d_model",
            "L": "n_layers",
            "heads": "n_heads",
            "kv": "get(attn_config, 'kv_n_heads') or 1",
            "d": "h // heads",
            "E": "get(ffn_config, 'moe_num_experts') or 4",
            "m": "get(ffn_config, 'ffn_hidden_size') or 3584",
            "f": "m",
            "top": "get(ffn_config, 'moe_top_k') or 1",
        },
    ),
}
