"""Rows of the families before Llama: learned positions, classic norms with biases, fused projections."""

from __future__ import annotations

from tui_ft.vram.families.layout import Family
from tui_ft.vram.families.parts import layer_norms, plain, renamed

NAMES = {"h": "n_embd", "L": "n_layer", "heads": "n_head", "f": "n_inner or 4 * n_embd", "kv": "heads"}
"""The keys of GPT-2 and what copied its config."""

EACH_HEAD = {"kv": "heads", "d": "h // heads"}

NO_CROSS = {"add_cross_attention": "it attends to another model's output"}

GPT2_AROUND = """
transformer.wte   embedding  V h
transformer.wpe   embedding  n_positions h
transformer.ln_f  norm       h  bias
lm_head           head       V h  if not tied
"""

GPT2 = Family(
    stack="transformer.h",
    block=layer_norms("ln_1", "ln_2")
    + """
attn.c_attn  conv1d  h 3*h  bias
attn.c_proj  conv1d  h h    bias
mlp.c_fc     conv1d  h f    bias
mlp.c_proj   conv1d  f h    bias
""",
    around=GPT2_AROUND,
    let=NAMES,
    refuse=NO_CROSS,
)

GPTJ_AROUND = """
transformer.wte   embedding  V h
transformer.ln_f  norm       h  bias
lm_head           head       V h  bias  if not tied
lm_head.bias      other      V          if tied
"""
"""A tied head keeps a bias of its own."""

EXPANDED = plain("mlp.dense_h_to_4h", "mlp.dense_4h_to_h")

NEOX_NORMS = layer_norms("input_layernorm", "post_attention_layernorm")

FALCON = """
self_attention.query_key_value  custom_linear  wide h  bias=with_bias
self_attention.dense            custom_linear  h h     bias=with_bias
mlp.dense_h_to_4h               custom_linear  f h     bias=with_bias
mlp.dense_4h_to_h               custom_linear  h f     bias=with_bias
input_layernorm           norm  h  bias  if not (parallel_attn and norms == 2)
post_attention_layernorm  norm  h  bias  if not parallel_attn
ln_attn                   norm  h  bias  if parallel_attn and norms == 2
ln_mlp                    norm  h  bias  if parallel_attn and norms == 2
"""

ROWS = {
    "gpt2": GPT2,
    "gpt-sw3": GPT2,
    "gpt_bigcode": Family(
        stack="transformer.h",
        block=layer_norms("ln_1", "ln_2")
        + """
attn.c_attn  linear  h+2*kv*d h  bias
attn.c_proj  linear  h h         bias
"""
        + plain("mlp.c_fc", "mlp.c_proj"),
        around=GPT2_AROUND,
        let={**NAMES, "kv": "1 if multi_query else heads", "d": "h // heads"},
        refuse=NO_CROSS,
    ),
    "gpt_neo": Family(
        stack="transformer.h",
        block=layer_norms("ln_1", "ln_2")
        + """
attn.attention.k_proj    linear  h h
attn.attention.v_proj    linear  h h
attn.attention.q_proj    linear  h h
attn.attention.out_proj  linear  h h  bias
"""
        + plain("mlp.c_fc", "mlp.c_proj"),
        around=renamed(GPT2_AROUND, {"n_positions": "max_position_embeddings"}),
        let={**EACH_HEAD, "L": "num_layers", "heads": "num_heads", "f": "intermediate_size or 4 * h"},
    ),
    "gptj": Family(
        stack="transformer.h",
        block=layer_norms("ln_1")
        + """
attn.k_proj    linear  h h
attn.v_proj    linear  h h
attn.q_proj    linear  h h
attn.out_proj  linear  h h
"""
        + plain("mlp.fc_in", "mlp.fc_out"),
        around=GPTJ_AROUND,
        let=NAMES,
    ),
    "codegen": Family(
        stack="transformer.h",
        block=layer_norms("ln_1")
        + "attn.qkv_proj  linear  3*h h\nattn.out_proj  linear  h h\n"
        + plain("mlp.fc_in", "mlp.fc_out"),
        around=GPTJ_AROUND,
        let=NAMES,
    ),
    "gpt_neox": Family(
        stack="gpt_neox.layers",
        block=NEOX_NORMS
        + """
attention.query_key_value  linear  3*h h  bias=attention_bias
attention.dense            linear  h h    bias=attention_bias
"""
        + EXPANDED,
        around="""
gpt_neox.embed_in          embedding  V h
gpt_neox.final_layer_norm  norm       h  bias
lm_head                    head       V h  if not tied
""",
        let=EACH_HEAD,
    ),
    "gpt_neox_japanese": Family(
        stack="gpt_neox_japanese.layers",
        block=NEOX_NORMS
        + """
attention.dense_bias       other   h  if is_last
attention.query_key_value  linear  3*h h
attention.dense            linear  h h
"""
        + plain("mlp.dense_h_to_4h", "mlp.dense_4h_to_h", "False"),
        around="""
gpt_neox_japanese.embed_in          embedding  V h
gpt_neox_japanese.final_layer_norm  norm       h  bias
embed_out                           head       V h  if not tied
""",
        let={**EACH_HEAD, "f": "int(h * intermediate_multiple_size)"},
        each={"is_last": "layer == L - 1"},
    ),
    "bloom": Family(
        stack="transformer.h",
        block=NEOX_NORMS
        + """
self_attention.query_key_value  linear  3*h h  bias
self_attention.dense            linear  h h    bias
"""
        + EXPANDED,
        around="""
transformer.word_embeddings            embedding  V h
transformer.word_embeddings_layernorm  norm       h  bias
transformer.ln_f                       norm       h  bias
lm_head                                head       V h  if not tied
""",
        let={**EACH_HEAD, "h": "n_embed or hidden_size", "L": "n_layer", "heads": "n_head", "f": "4 * h"},
    ),
    "falcon": Family(
        stack="transformer.h",
        block=FALCON,
        around="""
transformer.word_embeddings  embedding  V h
transformer.ln_f             norm       h  bias
lm_head                      head       V h  if not tied
""",
        let={
            "h": "n_embed or hidden_size",
            "f": "ffn_hidden_size or 4 * h",
            "with_bias": "bias",
            "d": "h // heads",
            "groups": "num_kv_heads or heads",
            "kv": "groups if new_decoder_architecture or not multi_query else 1",
            "wide": "(groups * 2 + heads) * d if new_decoder_architecture else h + 2 * kv * d",
            "norms": "num_ln_in_parallel_attn or (2 if new_decoder_architecture else 1)",
        },
        notes=("bitsandbytes leaves its linear layers in 16 bit: they are of a class of their own.",),
    ),
    "mpt": Family(
        stack="transformer.blocks",
        block="""
norm_1         norm    h
attn.Wqkv      linear  3*h h
attn.out_proj  linear  h h
norm_2         norm    h
ffn.up_proj    linear  f h
ffn.down_proj  linear  h f
""",
        around="""
transformer.wte     embedding  V h
transformer.norm_f  norm       h
lm_head             head       V h  if not tied
""",
        let={"h": "d_model", "L": "n_layers", "heads": "n_heads", "f": "4 * h", **EACH_HEAD},
    ),
    "openai-gpt": Family(
        stack="transformer.h",
        block=GPT2.block,
        around="""
transformer.tokens_embed     embedding  V h
transformer.positions_embed  embedding  n_positions h
lm_head                      head       V h  if not tied
""",
        let={**NAMES, "f": "4 * h"},
    ),
    "ctrl": Family(
        stack="transformer.h",
        block="".join(f"multi_head_attention.{name}  linear  h h  bias\n" for name in ("Wq", "Wk", "Wv"))
        + "multi_head_attention.dense  linear  h h  bias\n"
        + plain("ffn.0", "ffn.2")
        + layer_norms("layernorm1", "layernorm2"),
        around=renamed(GPTJ_AROUND, {"transformer.wte ": "transformer.w ", "ln_f ": "layernorm "}),
        let={**NAMES, "f": "dff"},
    ),
    "persimmon": Family(
        block=NEOX_NORMS
        + """
self_attn.query_key_value  linear  3*h h  bias
self_attn.dense            linear  h h    bias
self_attn.q_layernorm      norm    d  bias  if qk_layernorm
self_attn.k_layernorm      norm    d  bias  if qk_layernorm
"""
        + EXPANDED,
        around="""
model.embed_tokens     embedding  V h
model.final_layernorm  norm       h  bias
lm_head                head       V h  if not tied
""",
        let=EACH_HEAD,
    ),
}
