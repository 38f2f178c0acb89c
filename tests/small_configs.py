"""Small configs of every family, and of what varies inside one: flags, missing keys, kinds of layers."""

from __future__ import annotations

from typing import Any

BASE = {
    "hidden_size": 48,
    "intermediate_size": 80,
    "num_hidden_layers": 4,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "vocab_size": 97,
    "max_position_embeddings": 64,
}
"""Sizes that no two families' defaults share, so that a key taken from the wrong place is seen."""

NO_TOKENS = {"pad_token_id": None, "bos_token_id": None, "eos_token_id": None}
"""The classes' own token ids lie outside so small a vocabulary."""

GPT2 = {"n_embd": 48, "n_layer": 3, "n_head": 6, "vocab_size": 97, "n_positions": 40}
MOE = {"moe_intermediate_size": 36, "num_experts": 5, "num_experts_per_tok": 2}
LOCAL_MOE = {"num_local_experts": 5, "num_experts_per_tok": 2}
EXPERTS = {"num_experts": 5, "num_experts_per_tok": 2}
ERNIE = {"moe_num_experts": 5, "moe_k": 2, "moe_intermediate_size": 36}
JAMBA = {"attn_layer_period": 4, "attn_layer_offset": 2, "mamba_d_state": 5, "use_mamba_kernels": False}
MAMBA2 = {"mamba_n_heads": 8, "mamba_n_groups": 2, "mamba_d_state": 5, "mamba_d_conv": 3}
DELTA = {
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 4,
    "linear_key_head_dim": 10,
    "linear_value_head_dim": 14,
    "linear_conv_kernel_dim": 3,
}
NEMOTRON = {"mamba_num_heads": 8, "mamba_head_dim": 6, "n_groups": 2, "ssm_state_size": 5, "conv_kernel": 3}
GROUPS = {"n_group": 1, "topk_group": 1}
KIMI = {
    "kv_lora_rank": 20,
    "qk_nope_head_dim": 10,
    "qk_rope_head_dim": 6,
    "v_head_dim": 14,
    "num_key_value_heads": 6,
    "num_local_experts": 4,
    "n_shared_experts": 2,
    "moe_intermediate_size": 36,
    "num_experts_per_tok": 2,
    **GROUPS,
}
KIMI_LAYERS = {
    "head_dim": 7,
    "num_heads": 5,
    "short_conv_kernel_size": 3,
    "full_attn_layers": [2],
    "kda_layers": [1, 3, 4],
}
INDEX = {"index_head_dim": 18, "index_n_heads": 5}
PADDED = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "num_key_value_heads": ...}
MODERNBERT = {
    "norm_bias": True,
    "attention_bias": True,
    "mlp_bias": True,
    "classifier_bias": True,
    "decoder_bias": False,
}
COHERE_DENSE = {"first_k_dense_replace": 2, "prefix_dense_intermediate_size": 100, "num_shared_experts": 2}
MINIMAX3 = {
    "layer_types": ["minimax_m3_sparse", "full_attention"] * 2,
    "mlp_layer_types": ["dense", "sparse"] * 2,
    "dense_intermediate_size": 100,
    "index_head_dim": 18,
    "index_n_heads": 5,
}
GEMMA3N = {
    "num_hidden_layers": 6,
    "num_kv_shared_layers": 1,
    "vocab_size_per_layer_input": 90,
    "hidden_size_per_layer_input": 9,
    "altup_num_inputs": 3,
    "laurel_rank": 11,
    "layer_types": ["full_attention"] * 6,
}
GEMMA4 = {
    "layer_types": ["sliding_attention", "full_attention"] * 2,
    "vocab_size_per_layer_input": 90,
    "hidden_size_per_layer_input": 9,
}
ABSENT: dict[str, Any] = {
    "num_attention_heads": 32,
    "hidden_size": 64,
    "num_key_value_heads": ...,
    "head_dim": ...,
    "tie_word_embeddings": ...,
}
"""`...` leaves the key out; 32 heads can share what any class takes for the number of their groups."""

TOKENS = {"bos_token_id": 1, "eos_token_id": [2, 3]}
BIASED = {"attention_bias": True, "mlp_bias": True, "tie_word_embeddings": True, "head_dim": 12}
LATENT = {
    "kv_lora_rank": 20,
    "q_lora_rank": 28,
    "qk_nope_head_dim": 10,
    "qk_rope_head_dim": 6,
    "v_head_dim": 14,
    "num_key_value_heads": 6,
}
ROUTED = {"n_routed_experts": 4, "n_shared_experts": 2, "moe_intermediate_size": 36, "num_experts_per_tok": 2}
DEEPSEEK = {**LATENT, **ROUTED, **GROUPS, "first_k_dense_replace": 2}

VARIANTS: dict[str, list[dict[str, Any]]] = {
    "llama": [{}, BIASED, {"num_key_value_heads": None, "head_dim": None}],
    "smollm3": [{}, {**BIASED, "tie_word_embeddings": False}],
    "internlm3": [{}, BIASED, {"qkv_bias": True, "bias": True}],
    "iquestcoder": [{}, BIASED],
    "granite": [{}, BIASED],
    "granite_swa": [{}, BIASED],
    "arcee": [{}, BIASED],
    "helium": [{"head_dim": 8}, {**BIASED, "head_dim": 8}],
    "hyperclovax": [{}, BIASED, {"use_post_norm": False}],
    "jais2": [{}, {"attention_bias": False, "mlp_bias": False, "tie_word_embeddings": True}],
    "cwm": [{"head_dim": 8, **TOKENS}, {**BIASED, **TOKENS}],
    "mistral": [{"num_attention_heads": 8}, {"head_dim": 10}],
    "ministral": [{"num_attention_heads": 8, "head_dim": 6}],
    "ministral3": [{"num_attention_heads": 8}],
    "qwen2": [{"num_key_value_heads": 3}, {"tie_word_embeddings": True, "head_dim": 10}],
    "qwen3": [{}, BIASED],
    "gemma": [{}, BIASED, {"tie_word_embeddings": False}],
    "gemma2": [{}, BIASED],
    "gemma3_text": [{}, {**BIASED, "sliding_window": 32}],
    "vaultgemma": [{}, BIASED],
    "phi3": [{}],
    "phi": [{}, {"qk_layernorm": True}],
    "olmo": [{}, BIASED],
    "olmo2": [{}, BIASED],
    "olmo3": [{}, BIASED],
    "apertus": [{"hidden_act": "silu"}, {**BIASED, "hidden_act": "xielu"}],
    "bitnet": [{}, {"attention_bias": True, "tie_word_embeddings": True}],
    "cohere": [{}, {**BIASED, "use_qk_norm": True}],
    "cohere2": [{}, BIASED],
    "diffllama": [{}, BIASED],
    "doge": [{}, BIASED],
    "ernie4_5": [{}, {"use_bias": True, "head_dim": 12, "tie_word_embeddings": False}],
    "exaone4": [{}, BIASED],
    "glm": [{}, {"attention_bias": False, "head_dim": 12}],
    "glm4": [{}, {"attention_bias": False, "head_dim": 12}],
    "hunyuan_v1_dense": [{"head_dim": 12}],
    "nanochat": [{}, BIASED],
    "nemotron": [{}, BIASED],
    "seed_oss": [{}, {**BIASED, "attention_out_bias": True}, {"attention_bias": False}],
    "stablelm": [
        {},
        {"use_qkv_bias": True, "qk_layernorm": True},
        {"use_parallel_residual": True, "tie_word_embeddings": True},
    ],
    "starcoder2": [{}, {"use_bias": False, "tie_word_embeddings": False, "head_dim": 12}],
    "deepseek_v2": [DEEPSEEK, {**DEEPSEEK, "q_lora_rank": None, "attention_bias": True}],
    "deepseek_v3": [DEEPSEEK, {**DEEPSEEK, "q_lora_rank": None, "attention_bias": True}],
    "deepseek_v32": [
        {**DEEPSEEK, "index_head_dim": 18, "index_n_heads": 5},
        {**DEEPSEEK, "mlp_layer_types": ["sparse", "dense", "sparse", "sparse"]},
    ],
    "glm4_moe_lite": [
        {**LATENT, **ROUTED},
        {**LATENT, **ROUTED, "mlp_layer_types": ["sparse", "dense", "sparse", "sparse"]},
    ],
    "axk1": [
        {**LATENT, **ROUTED, **GROUPS},
        {**LATENT, **ROUTED, **GROUPS, "first_k_dense_replace": 0, "moe_layer_freq": 2},
    ],
    "youtu": [LATENT, {**LATENT, "q_lora_rank": None, "attention_bias": True}],
    "minicpm3": [LATENT, {**LATENT, "v_head_dim": None, "mlp_bias": True}],
    "mixtral": [LOCAL_MOE, {**LOCAL_MOE, "head_dim": 12, "tie_word_embeddings": True}],
    "qwen3_moe": [MOE, {**MOE, "mlp_only_layers": [1], "decoder_sparse_step": 2}],
    "gpt_oss": [LOCAL_MOE, {**LOCAL_MOE, "attention_bias": False, "head_dim": 12}],
    "qwen2_moe": [
        {**MOE, "shared_expert_intermediate_size": 44},
        {**MOE, "mlp_only_layers": [1], "decoder_sparse_step": 2, "qkv_bias": False},
    ],
    "olmoe": [EXPERTS, {**EXPERTS, "attention_bias": True, "tie_word_embeddings": True}],
    "flex_olmo": [EXPERTS, {**EXPERTS, **BIASED}],
    "phimoe": [LOCAL_MOE, {**LOCAL_MOE, **BIASED, "lm_head_bias": True}],
    "granitemoe": [LOCAL_MOE, {**LOCAL_MOE, **BIASED}],
    "granitemoeshared": [LOCAL_MOE, {**LOCAL_MOE, **BIASED, "shared_intermediate_size": 28}],
    "granitemoe_swa": [LOCAL_MOE, {**LOCAL_MOE, **BIASED, "shared_intermediate_size": 28}],
    "glm4_moe": [
        {**ROUTED, **GROUPS, "first_k_dense_replace": 2},
        {**ROUTED, **GROUPS, "use_qk_norm": True, "attention_bias": True, "head_dim": 12},
    ],
    "solar_open": [{**ROUTED, **GROUPS}, {**ROUTED, **GROUPS, "attention_bias": True, "head_dim": 12}],
    "dots1": [{**ROUTED, "first_k_dense_replace": 1}, {**ROUTED, **BIASED}],
    "ernie4_5_moe": [
        ERNIE,
        {**ERNIE, "use_bias": True, "tie_word_embeddings": False},
        {**ERNIE, "use_bias": True, "moe_num_shared_experts": 0, "moe_layer_interval": 2},
        {**ERNIE, "moe_layer_start_index": 0, "moe_layer_end_index": 1, "tie_word_embeddings": False},
    ],
    "exaone_moe": [
        {**MOE, "num_shared_experts": 2, "first_k_dense_replace": 2},
        {**MOE, "head_dim": 12, "mlp_layer_types": ["sparse", "dense", "sparse", "sparse"]},
    ],
    "afmoe": [{**MOE, "num_dense_layers": 2}, {**MOE, **BIASED, "num_shared_experts": 1}],
    "beam": [{**MOE, **GROUPS}, {**MOE, **GROUPS, **BIASED, "mlp_layer_types": ["sparse", "dense"] * 2}],
    "flint": [MOE, {**MOE, **BIASED, "mlp_only_layers": [2], "shared_expert_intermediate_size": 28}],
    "hy_v3": [MOE, {**MOE, **BIASED, "num_shared_experts": 2}],
    "kolibri1": [MOE, {**MOE, "shared_expert_intermediate_size": 28, "tie_word_embeddings": True}],
    "mellum": [MOE, {**MOE, **BIASED, "mlp_layer_types": ["sparse", "dense"] * 2}],
    "laguna": [
        {**MOE, "shared_expert_intermediate_size": 28},
        {**MOE, **BIASED, "num_attention_heads_per_layer": [6, 4, 6, 4], "gating": "per-element"},
    ],
    "hunyuan_v1_moe": [
        {"num_experts": 4, "moe_topk": 2, "head_dim": 12},
        {"num_experts": 4, "moe_topk": [2] * 4, "head_dim": 12, "attention_bias": True},
    ],
    "minimax_m2": [LOCAL_MOE, {**LOCAL_MOE, "head_dim": 12, "tie_word_embeddings": True}],
    "mimo_v2_flash": [
        {**ROUTED, "v_head_dim": 10},
        {**ROUTED, **BIASED, "layer_types": ["full_attention", "sliding_attention"] * 2},
    ],
    "llama4_text": [
        {**LOCAL_MOE, "intermediate_size_mlp": 100, "interleave_moe_layer_step": 2},
        {**LOCAL_MOE, **BIASED, "moe_layers": [0, 3]},
    ],
    "jamba": [
        {**JAMBA, **EXPERTS},
        {**JAMBA, **EXPERTS, "expert_layer_period": 1, "expert_layer_offset": 0, "mamba_dt_rank": 7},
    ],
    "bamba": [{**MAMBA2, "attn_layer_indices": [2]}, {**MAMBA2, **BIASED, "mamba_proj_bias": True}],
    "falcon_h1": [
        {**MAMBA2, "mamba_d_ssm": 32},
        {**MAMBA2, **BIASED, "mamba_d_ssm": None, "mamba_rms_norm": True, "projectors_bias": True},
    ],
    "granitemoehybrid": [
        {**MAMBA2, **LOCAL_MOE, "layer_types": ["mamba", "attention", "mamba", "mamba"]},
        {**MAMBA2, "num_local_experts": 0, "shared_intermediate_size": 44, "mamba_conv_bias": False},
    ],
    "qwen3_next": [
        {**DELTA, **MOE, "shared_expert_intermediate_size": 28},
        {**DELTA, **MOE, **BIASED, "mlp_only_layers": [1], "full_attention_interval": 2},
    ],
    "qwen3_5_text": [DELTA, {**DELTA, **BIASED, "full_attention_interval": 2}],
    "qwen3_5_moe_text": [
        {**DELTA, **MOE, "shared_expert_intermediate_size": 28},
        {**DELTA, **MOE, **BIASED, "layer_types": ["full_attention", "linear_attention"] * 2},
    ],
    "olmo_hybrid": [{}, {**DELTA, **BIASED}, {"num_hidden_layers": 2}],
    "lfm2": [
        {"full_attn_idxs": [1]},
        {"block_ff_dim": 100, "block_multiple_of": 8, "conv_bias": True, "tie_embedding": False},
        {"block_auto_adjust_ff_dim": False, "layer_types": ["conv", "full_attention"] * 2},
        {"block_ffn_dim_multiplier": 1.5, "block_multiple_of": 16},
    ],
    "lfm2_moe": [
        {**MOE, "layer_types": ["conv", "full_attention"] * 2},
        {**MOE, "layer_types": ["conv"] * 4, "num_dense_layers": 1, "conv_bias": True},
    ],
    "lfm3": [{}, {**BIASED, "use_sandwich_norm": False, "use_attention_gate": False, "conv_bias": True}],
    "minimax": [LOCAL_MOE, {**LOCAL_MOE, "head_dim": 12, "layer_types": ["linear_attention"] * 4}],
    "nemotron_h": [
        {**NEMOTRON, **ROUTED, "hybrid_override_pattern": "M-M*E"},
        {**NEMOTRON, "hybrid_override_pattern": "M-M*-"},
        {**NEMOTRON, **ROUTED, "layers_block_type": ["moe", "mlp", "mamba"], "mlp_bias": True},
        {**NEMOTRON, **ROUTED, "moe_latent_size": 22, "mamba_n_groups": 1, "use_bias": True},
    ],
    "glm_moe_dsa": [{**DEEPSEEK, **INDEX}, {**DEEPSEEK, **INDEX, "indexer_types": ["full", "shared"] * 2}],
    "kimi_linear": [
        {**KIMI, "linear_head_dim": 7, "linear_num_heads": 5},
        {**KIMI, "linear_attn_config": KIMI_LAYERS, "q_lora_rank": 28},
        {**KIMI, "layer_types": ["full_attention", "linear_attention"] * 2, "attention_bias": True},
    ],
    "bailing_hybrid": [
        {**KIMI, "layer_group_size": 3, "head_dim": 7},
        {**KIMI, "attention_bias": True, "first_k_dense_replace": 1, "short_conv_kernel_size": 3},
    ],
    "recurrent_gemma": [{}, {"lru_width": 60, "attention_bias": True, "num_hidden_layers": 5}],
    "modernbert-decoder": [PADDED, {**PADDED, **MODERNBERT}],
    "cohere2_moe": [
        {**EXPERTS, "head_dim": 12, "layer_norm_eps": 1e-5},
        {**EXPERTS, **BIASED, **COHERE_DENSE},
    ],
    "minimax_m3_vl_text": [
        {**LOCAL_MOE, "shared_intermediate_size": 28},
        {**LOCAL_MOE, **MINIMAX3},
    ],
    "aria_text": [
        {"moe_num_experts": 5, "moe_num_shared_experts": 2},
        {"moe_num_experts": 5, "attention_bias": True, "mlp_bias": True, "head_dim": 12},
    ],
    "jetmoe": [{**LOCAL_MOE, "kv_channels": 10}, {**LOCAL_MOE, "tie_word_embeddings": False}],
    "gemma3n_text": [
        {**GEMMA3N, "num_kv_shared_layers": 0},
        {**GEMMA3N, "head_dim": 12, "attention_bias": True, "intermediate_size": [80] * 6},
    ],
    "gemma4_text": [
        GEMMA4,
        {**GEMMA4, "num_kv_shared_layers": 2, "use_double_wide_mlp": True, "attention_bias": True},
        {**GEMMA4, "attention_k_eq_v": True, "num_global_key_value_heads": 1, "global_head_dim": 20},
        {**GEMMA4, **MOE, "enable_moe_block": True, "top_k_experts": 2, "hidden_size_per_layer_input": 0},
    ],
    "gemma4_unified_text": [
        {"layer_types": ["sliding_attention", "full_attention"] * 2},
        {"num_global_key_value_heads": 1, "attention_k_eq_v": True, "attention_bias": True},
        {"per_layer_config": {"03": {"head_dim": 14, "num_key_value_heads": 1}}},
    ],
    "gpt_neox": [{}, {"attention_bias": False, "tie_word_embeddings": True}],
    "gpt_neox_japanese": [
        {"intermediate_multiple_size": 4},
        {"intermediate_multiple_size": 3, "tie_word_embeddings": False},
    ],
    "persimmon": [{}, {"qk_layernorm": False, "tie_word_embeddings": True}],
    "biogpt": [{}, {"tie_word_embeddings": False}],
    "falcon": [
        {},
        {"bias": True, "multi_query": False, "parallel_attn": False},
        {"new_decoder_architecture": True, "num_kv_heads": 2, "tie_word_embeddings": False},
        {"new_decoder_architecture": True, "num_kv_heads": 2, "num_ln_in_parallel_attn": 1},
        {"ffn_hidden_size": 100},
    ],
    "opt": [
        {"ffn_dim": 80},
        {"ffn_dim": 80, "word_embed_proj_dim": 20, "tie_word_embeddings": False},
        {"ffn_dim": 80, "enable_bias": False, "layer_norm_elementwise_affine": False},
        {"ffn_dim": 80, "do_layer_norm_before": False},
    ],
}

STATES = {"hidden_size": 48, "num_hidden_layers": 3, "vocab_size": 97, "expand": 2, "state_size": 6}
DBRX = {
    "d_model": 48,
    "n_heads": 6,
    "n_layers": 3,
    "vocab_size": 97,
    "attn_config": {"kv_n_heads": 2, "clip_qkv": 8, "rope_theta": 10000.0},
    "ffn_config": {"ffn_hidden_size": 80, "moe_num_experts": 5, "moe_top_k": 2},
}
LONGCAT = {
    "num_layers": 3,
    "num_hidden_layers": 6,
    "ffn_hidden_size": 80,
    "n_routed_experts": 4,
    "zero_expert_num": 2,
    "expert_ffn_hidden_size": 36,
    "moe_topk": 2,
}
NEO = {
    "hidden_size": 48,
    "num_layers": 4,
    "num_heads": 6,
    "vocab_size": 97,
    "attention_types": [[["global", "local"], 2]],
}
XGLM = {"d_model": 48, "ffn_dim": 80, "num_layers": 3, "attention_heads": 6, "vocab_size": 97}
SIGLIP = {"hidden_size": 40, "intermediate_size": 56, "num_hidden_layers": 2, "num_attention_heads": 4}
GEMMA3_TEXT = {**BASE, **NO_TOKENS, "model_type": "gemma3_text"}
SENSES = {
    "vision_config": {**SIGLIP, "num_key_value_heads": 4, "head_dim": 10, "position_embedding_size": 30},
    "audio_config": {"hidden_size": 32, "num_hidden_layers": 2, "subsampling_conv_channels": [16, 8]},
}
GEMMA3_4B = {"hidden_size": 48, "intermediate_size": 80, "num_hidden_layers": 3, "model_type": "gemma3_text"}
LLAMA4_TEXT = {**BASE, **NO_TOKENS, **LOCAL_MOE, "intermediate_size_mlp": 100, "model_type": "llama4_text"}
SPECIALS = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
MLLAMA_TEXT = {**BASE, **SPECIALS, "cross_attention_layers": [1, 3], "model_type": "mllama_text_model"}
GEMMA3 = {
    "model_type": "gemma3",
    **NO_TOKENS,
    "boi_token_index": 1,
    "eoi_token_index": 2,
    "image_token_index": 3,
}

OTHERS: list[dict[str, Any]] = [
    {"model_type": "gpt2", **NO_TOKENS, **GPT2},
    {"model_type": "gpt2", **NO_TOKENS, **GPT2, "n_inner": 100, "tie_word_embeddings": False},
    *({"model_type": family, **NO_TOKENS, **GPT2} for family in ("gpt-sw3", "gptj", "codegen", "openai-gpt")),
    *({"model_type": kind, **NO_TOKENS, **GPT2, "tie_word_embeddings": True} for kind in ("gptj", "codegen")),
    {"model_type": "gpt_bigcode", **NO_TOKENS, **GPT2},
    {"model_type": "gpt_bigcode", **NO_TOKENS, **GPT2, "multi_query": False, "n_inner": 100},
    {"model_type": "ctrl", **NO_TOKENS, **GPT2, "dff": 80},
    {"model_type": "bloom", **NO_TOKENS, "hidden_size": 48, "n_layer": 3, "n_head": 6, "vocab_size": 97},
    {"model_type": "bloom", **NO_TOKENS, "n_embed": 36, "n_layer": 3, "n_head": 6, "vocab_size": 97},
    {"model_type": "mpt", **NO_TOKENS, "d_model": 48, "n_layers": 3, "n_heads": 6, "vocab_size": 97},
    {"model_type": "gpt_neo", **NO_TOKENS, **NEO},
    {"model_type": "gpt_neo", **NO_TOKENS, **NEO, "intermediate_size": 100},
    {"model_type": "mamba", **NO_TOKENS, "hidden_size": 48, "num_hidden_layers": 3, "vocab_size": 97},
    {"model_type": "falcon_mamba", **NO_TOKENS, "hidden_size": 48, "num_hidden_layers": 3, "vocab_size": 97},
    {"model_type": "mamba", **NO_TOKENS, **STATES, "time_step_rank": 7, "use_bias": True},
    {"model_type": "mamba2", **NO_TOKENS, **STATES, "num_heads": 12, "head_dim": 8, "n_groups": 2},
    {"model_type": "longcat_flash", **BASE, **NO_TOKENS, **LATENT, **LONGCAT},
    {"model_type": "dbrx", **NO_TOKENS, **DBRX},
    {"model_type": "longcat_flash", **BASE, **NO_TOKENS, **LATENT, **LONGCAT, "attention_bias": True},
    {"model_type": "xglm", **NO_TOKENS, **XGLM},
    {**GEMMA3, "text_config": GEMMA3_TEXT, "vision_config": {**SIGLIP, "vision_use_head": False}},
    {**GEMMA3, "text_config": GEMMA3_TEXT, "vision_config": {**SIGLIP, "patch_size": 14, "image_size": 56}},
    {**GEMMA3, "text_config": GEMMA3_TEXT, "vision_config": SIGLIP, "tie_word_embeddings": False},
    {**GEMMA3, "text_config": {**GEMMA3_TEXT, "tie_word_embeddings": False}, "vision_config": SIGLIP},
    {**GEMMA3, "text_config": {**NO_TOKENS, **GEMMA3_4B}, "vision_config": SIGLIP},
    {"model_type": "gemma4", "text_config": {**BASE, **NO_TOKENS, **GEMMA4}},
    {"model_type": "gemma4", "text_config": {**BASE, **NO_TOKENS, **GEMMA4}, **SENSES},
    {"model_type": "llama4", "text_config": LLAMA4_TEXT, "vision_config": {"num_hidden_layers": 1}},
    {"model_type": "llama4", "text_config": LLAMA4_TEXT, "tie_word_embeddings": True},
    {"model_type": "qwen3_5", "text_config": {**BASE, **NO_TOKENS, **DELTA}},
    {"model_type": "qwen3_5", "text_config": {**BASE, **NO_TOKENS, **DELTA}, "tie_word_embeddings": True},
    {"model_type": "qwen3_5_moe", "text_config": {**BASE, **NO_TOKENS, **DELTA, **MOE}},
    {"model_type": "mllama", "text_config": MLLAMA_TEXT},
    {"model_type": "emu3", "text_config": {**BASE, **SPECIALS, "attention_bias": True, "mlp_bias": False}},
]


def _case(family: str, changes: dict[str, Any]) -> dict[str, Any]:
    merged = {"model_type": family, **BASE, **NO_TOKENS, **changes}
    return {key: value for key, value in merged.items() if value is not ...}


NEVER_ABSENT = {"ministral", "hunyuan_v1_dense", "hunyuan_v1_moe", "nemotron", "beam", "helium", "bitnet"}
"""Families of which no model can be built, or none that would run, without those keys."""

CASES = [
    *(_case(family, changes) for family, found in VARIANTS.items() for changes in found),
    *(_case(family, found[0] | ABSENT) for family, found in VARIANTS.items() if family not in NEVER_ABSENT),
    *OTHERS,
]

FIRST_CASES = list({config["model_type"]: config for config in reversed(CASES)}.values())
"""One config a family."""


def case_id(config: dict[str, Any]) -> str:
    return str(config["model_type"])
