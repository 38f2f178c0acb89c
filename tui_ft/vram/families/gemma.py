"""Rows of Gemma 3n and 4: inputs of their own to every layer, keys shared by layers, heads of two widths."""

from __future__ import annotations

from tui_ft.vram.families.layout import Family
from tui_ft.vram.families.parts import AROUND, SANDWICH_NORMS, gated, renamed, when

PER_LAYER = """
per_layer_input_gate       linear  P h
per_layer_projection       linear  h P
post_per_layer_input_norm  norm    h
"""

PER_LAYER_AROUND = """
model.embed_tokens_per_layer      embedding  vocab_size_per_layer_input L*P
model.per_layer_model_projection  linear     L*P h
model.per_layer_projection_norm   norm       P
"""

ALTUP = """
altup.correct_output_scale  other   h
altup.correction_coefs      linear  altup_num_inputs altup_num_inputs
altup.prediction_coefs      linear  altup_num_inputs*altup_num_inputs altup_num_inputs
altup.modality_router       linear  altup_num_inputs h
altup.router_norm           norm    h
laurel.linear_left          linear  laurel_rank h
laurel.linear_right         linear  h laurel_rank
laurel.post_laurel_norm     norm    h
"""

GEMMA_ATTENTION = """
self_attn.q_proj  linear  heads*wide h   bias=attention_bias
self_attn.q_norm  norm    wide
self_attn.k_norm  norm    wide           if owns_keys
self_attn.k_proj  linear  groups*wide h  bias=attention_bias  if owns_keys
self_attn.v_proj  linear  groups*wide h  bias=attention_bias  if owns_values
self_attn.o_proj  linear  h heads*wide   bias=attention_bias
"""

GEMMA4_EXPERTS = """
router.proj                   linear   E h
router.scale                  other    h
router.per_expert_scale       other    E
experts.gate_up_proj          experts  E 2*m h
experts.down_proj             experts  E h m
post_feedforward_layernorm_1  norm     h
post_feedforward_layernorm_2  norm     h
pre_feedforward_layernorm_2   norm     h
"""

SLIDES = (
    "layer < L - 1 and (layer_types[layer] == 'sliding_attention' if layer_types else (layer + 1) % 6 != 0)"
)

GEMMA4_EACH = {
    "slides": SLIDES,
    "owns_keys": "layer < L - num_kv_shared_layers",
    "owns_values": "owns_keys and (slides or not attention_k_eq_v)",
    "own": "of_layer(per_layer_config, layer)",
    "wide": "get(own, 'head_dim') or head_dim if per_layer_config else "
    "head_dim if slides else 512 if global_head_dim is None else global_head_dim",
    "groups": "get(own, 'num_key_value_heads') or kv if per_layer_config else "
    "num_global_key_value_heads if attention_k_eq_v and num_global_key_value_heads and not slides else kv",
    "width": "2 * f if use_double_wide_mlp and not owns_keys else f",
}

ROWS = {
    "gemma3n_text": Family(
        block=renamed(GEMMA_ATTENTION, {"owns_values": "owns_keys"})
        + gated(width="width")
        + SANDWICH_NORMS
        + ALTUP
        + PER_LAYER,
        around=renamed(AROUND, {"model.norm ": PER_LAYER_AROUND.lstrip() + "model.norm "})
        + """
model.altup_projections.*         linear  h h  repeat=altup_num_inputs-1
model.altup_unembed_projections.*  linear  h h  repeat=altup_num_inputs-1
""",
        ends="around",
        let={"P": "hidden_size_per_layer_input"},
        each={
            "owns_keys": "layer < L - num_kv_shared_layers",
            "wide": "d",
            "groups": "kv",
            "width": "at(f, layer)",
        },
    ),
    "gemma4_text": Family(
        block=GEMMA_ATTENTION
        + gated(width="width")
        + SANDWICH_NORMS
        + when("P", PER_LAYER)
        + when("enable_moe_block", GEMMA4_EXPERTS),
        around=renamed(AROUND, {"model.norm ": when("P", PER_LAYER_AROUND) + "model.norm "}),
        let={"P": "hidden_size_per_layer_input", "top": "top_k_experts"},
        each=GEMMA4_EACH,
        has_own_layers=True,
    ),
    "gemma4_unified_text": Family(
        block=GEMMA_ATTENTION + gated(width="width") + SANDWICH_NORMS,
        around=AROUND,
        each=GEMMA4_EACH,
        has_own_layers=True,
    ),
}
