"""Rows of the decoder families with one dense feed-forward part a layer, in the manner of Llama."""

from __future__ import annotations

from dataclasses import replace

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
    fused_gated,
    gated,
    layer_norms,
    plain,
    renamed,
)

LLAMA = Family(block=FLAGGED + gated("mlp_bias") + NORMS, around=AROUND)
MISTRAL = Family(block=attention() + gated() + NORMS, around=AROUND)
GEMMA2 = Family(block=FLAGGED + gated() + SANDWICH_NORMS, around=AROUND)
OLMO2 = Family(block=FLAGGED + WIDE_NORMS + gated() + POST_NORMS, around=AROUND)

NO_HEAD_DIM = {"head_dim is None": "its config has no head_dim"}
"""Families whose model cannot be built without that key."""

PHI3 = """
self_attn.o_proj    linear  h q
self_attn.qkv_proj  linear  q+2*k h
"""

PHI_NORMS = """
self_attn.q_layernorm  norm  h//heads  bias  if qk_layernorm
self_attn.k_layernorm  norm  h//heads  bias  if qk_layernorm
"""

CLASSIC_AROUND = renamed(AROUND, {"model.norm          norm       h": "model.norm  norm  h  bias"})
"""The last norm has a bias."""

XIELU = """
mlp.act_fn.alpha_p  other  1  if hidden_act == 'xielu'
mlp.act_fn.alpha_n  other  1  if hidden_act == 'xielu'
"""

STABLELM_NORMS = """
self_attn.q_layernorm.norms.*  norm  d  repeat=heads  if qk_layernorm
self_attn.k_layernorm.norms.*  norm  d  repeat=kv     if qk_layernorm
input_layernorm                norm  h  bias
post_attention_layernorm       norm  h  bias  if not use_parallel_residual
"""

HUNYUAN_NORMS = """
self_attn.query_layernorm  norm  d
self_attn.key_layernorm    norm  d
"""

COHERE_NORMS = """
self_attn.q_norm  norm  heads d  if use_qk_norm
self_attn.k_norm  norm  kv d     if use_qk_norm
input_layernorm   norm  h
"""

ROWS = {
    "llama": LLAMA,
    "smollm3": LLAMA,
    "internlm3": LLAMA,
    "iquestcoder": LLAMA,
    "granite": LLAMA,
    "emu3_text_model": LLAMA,
    "mistral": MISTRAL,
    "ministral": replace(MISTRAL, refuse=NO_HEAD_DIM),
    "ministral3": MISTRAL,
    "cwm": Family(block=attention() + gated("mlp_bias") + NORMS, around=AROUND),
    "qwen2": Family(block=attention("True") + gated() + NORMS, around=AROUND),
    "qwen3": Family(block=FLAGGED + HEAD_NORMS + gated() + NORMS, around=AROUND),
    "gemma": Family(block=FLAGGED + gated() + NORMS, around=AROUND),
    "gemma2": GEMMA2,
    "gemma3_text": replace(GEMMA2, block=GEMMA2.block + HEAD_NORMS),
    "vaultgemma": Family(
        block=FLAGGED + gated() + "input_layernorm  norm  h\npre_feedforward_layernorm  norm  h\n",
        around=AROUND,
    ),
    "phi3": Family(block=PHI3 + fused_gated() + NORMS, around=AROUND),
    "phi": Family(
        block=attention("True", "True", last="dense")
        + PHI_NORMS
        + plain("mlp.fc1", "mlp.fc2")
        + layer_norms("input_layernorm"),
        around="""
model.embed_tokens     embedding  V h
model.final_layernorm  norm       h  bias
lm_head                head       V h  bias  if not tied
""",
        refuse={"tied": "its head has a bias and cannot be tied"},
    ),
    "olmo": Family(
        block=FLAGGED + gated(),
        around=renamed(AROUND, {"model.norm          norm       h\n": ""}),
        ends="block",
    ),
    "olmo2": OLMO2,
    "olmo3": OLMO2,
    "apertus": Family(
        block=FLAGGED
        + HEAD_NORMS
        + plain("mlp.up_proj", "mlp.down_proj", "False")
        + XIELU
        + "attention_layernorm  norm  h\nfeedforward_layernorm  norm  h\n",
        around=AROUND,
    ),
    "arcee": Family(block=FLAGGED + plain("mlp.up_proj", "mlp.down_proj", "mlp_bias") + NORMS, around=AROUND),
    "bitnet": Family(
        block=FLAGGED + gated() + NORMS + "self_attn.attn_sub_norm  norm  h\nmlp.ffn_sub_norm  norm  f\n",
        around=AROUND,
    ),
    "cohere": Family(block=FLAGGED + COHERE_NORMS + gated(), around=AROUND),
    "cohere2": Family(block=FLAGGED + "input_layernorm  norm  h\n" + gated(), around=AROUND),
    "diffllama": replace(
        MISTRAL,
        block=FLAGGED
        + gated()
        + NORMS
        + "".join(f"self_attn.lambda_{name}  other  d\n" for name in ("q1", "k1", "q2", "k2")),
    ),
    "doge": Family(
        block=FLAGGED
        + HEAD_NORMS
        + gated("mlp_bias")
        + NORMS
        + """
self_attn.A              other   kv
self_attn.dt_proj        linear  kv k  bias=attention_bias
input_residual           other   h
post_attention_residual  other   h
""",
        around=AROUND,
        refuse={"is_moe": "its mixture of experts is made of embeddings"},
    ),
    "ernie4_5": Family(block=attention("use_bias", "use_bias") + gated("use_bias") + NORMS, around=AROUND),
    "exaone4": Family(block=attention() + HEAD_NORMS + gated() + POST_NORMS, around=AROUND),
    "glm": Family(block=attention("attention_bias") + fused_gated() + NORMS, around=AROUND),
    "glm4": Family(
        block=attention("attention_bias")
        + fused_gated()
        + NORMS
        + "post_self_attn_layernorm  norm  h\npost_mlp_layernorm  norm  h\n",
        around=AROUND,
    ),
    "granite_swa": Family(block=SINKS + LLAMA.block, around=AROUND),
    "helium": Family(
        block=renamed(attention("attention_bias"), {"o_proj  linear  h q": "o_proj  linear  h h"})
        + gated("mlp_bias")
        + NORMS,
        around=AROUND,
    ),
    "hunyuan_v1_dense": Family(
        block=FLAGGED + HUNYUAN_NORMS + gated() + NORMS, around=AROUND, refuse=NO_HEAD_DIM
    ),
    "hyperclovax": Family(
        block=LLAMA.block + "post_norm1  norm  h  if use_post_norm\npost_norm2  norm  h  if use_post_norm\n",
        around=AROUND,
    ),
    "jais2": Family(
        block=FLAGGED
        + plain("mlp.up_proj", "mlp.down_proj", "mlp_bias")
        + layer_norms("input_layernorm", "post_attention_layernorm"),
        around=CLASSIC_AROUND,
    ),
    "nanochat": Family(
        block=FLAGGED + plain("mlp.fc1", "mlp.fc2", "False"),
        around=renamed(AROUND, {"model.norm          norm       h\n": ""}),
        ends="block",
    ),
    "nemotron": Family(
        block=FLAGGED
        + plain("mlp.up_proj", "mlp.down_proj", "mlp_bias")
        + layer_norms("input_layernorm", "post_attention_layernorm"),
        around=CLASSIC_AROUND,
        refuse={"num_key_value_heads is None": "its config has no num_key_value_heads"},
    ),
    "seed_oss": Family(
        block=attention("attention_bias", "attention_out_bias") + gated("mlp_bias") + NORMS, around=AROUND
    ),
    "stablelm": Family(
        block=renamed(attention("use_qkv_bias"), {"o_proj  linear  h q": "o_proj  linear  h h"})
        + gated()
        + STABLELM_NORMS,
        around=CLASSIC_AROUND,
        let={"d": "h // heads"},
    ),
    "starcoder2": Family(
        block=attention("use_bias", "use_bias")
        + plain("mlp.c_fc", "mlp.c_proj", "use_bias")
        + layer_norms("input_layernorm", "post_attention_layernorm"),
        around=CLASSIC_AROUND,
    ),
    "mllama_text_model": Family(
        block=attention(when="not crosses")
        + gated()
        + NORMS
        + attention(at="cross_attn", when="crosses")
        + """
cross_attn.q_norm        norm   d  if crosses
cross_attn.k_norm        norm   d  if crosses
cross_attn_attn_gate     other  1  if crosses
cross_attn_mlp_gate      other  1  if crosses
""",
        around=renamed(AROUND, {"V h\nmodel": "V+8 h\nmodel"}),
        each={"crosses": "layer in cross_attention_layers"},
        notes=("Its layers of cross attention are loaded too, and counted; text alone does not use them.",),
    ),
}
