"""Totals that the makers publish, against configs that are not of the catalogue."""

from __future__ import annotations

from typing import Any

import pytest

from tui_ft.vram.model_config import shape_of


def sizes(
    family: str, hidden: int, layers: int, heads: int, vocabulary: int, wide: int | None = None, **others: Any
) -> dict[str, Any]:
    found = {
        "model_type": family,
        "hidden_size": hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "vocab_size": vocabulary,
        **others,
    }
    return found if wide is None else {**found, "intermediate_size": wide}


LATENT = {
    "kv_lora_rank": 512,
    "qk_nope_head_dim": 128,
    "qk_rope_head_dim": 64,
    "v_head_dim": 128,
}
V2_LITE = {
    **LATENT,
    "q_lora_rank": None,
    "moe_intermediate_size": 1408,
    "n_shared_experts": 2,
    "n_routed_experts": 64,
    "first_k_dense_replace": 1,
}
V3 = {
    **LATENT,
    "q_lora_rank": 1536,
    "moe_intermediate_size": 2048,
    "n_shared_experts": 1,
    "n_routed_experts": 256,
    "first_k_dense_replace": 3,
}
QWEN_MOE = {
    "moe_intermediate_size": 1408,
    "shared_expert_intermediate_size": 5632,
    "num_experts": 60,
    "num_key_value_heads": 16,
}
GPT_OSS = {
    "num_key_value_heads": 8,
    "head_dim": 64,
    "num_local_experts": 128,
    "quantization_config": {"quant_method": "mxfp4"},
}

PUBLISHED = {
    "falcon-7b": (6_921_720_704, sizes("falcon", 4544, 32, 71, 65024, num_kv_heads=71, multi_query=True)),
    "pythia-1.4b": (1_414_647_808, sizes("gpt_neox", 2048, 24, 16, 50304, 8192)),
    "phi-2": (2_779_683_840, sizes("phi", 2560, 32, 32, 51200, 10240)),
    "stablelm-2-1.6b": (1_644_515_328, sizes("stablelm", 2048, 24, 32, 100352, 5632, use_qkv_bias=True)),
    "starcoder2-3b": (3_030_371_328, sizes("starcoder2", 3072, 30, 24, 49152, 12288, num_key_value_heads=2)),
    "opt-1.3b": (1_315_758_080, sizes("opt", 2048, 24, 32, 50272, ffn_dim=8192)),
    "opt-350m": (
        331_196_416,
        sizes("opt", 1024, 24, 16, 50272, ffn_dim=4096, word_embed_proj_dim=512, do_layer_norm_before=False),
    ),
    "bloom-560m": (559_214_592, sizes("bloom", 1024, 24, 16, 250880)),
    "gpt-j-6b": (6_050_882_784, sizes("gptj", 4096, 28, 16, 50400)),
    "OLMoE-1B-7B": (6_919_161_856, sizes("olmoe", 2048, 16, 16, 50304, 1024, num_experts=64)),
    "DeepSeek-V2-Lite": (15_706_484_224, sizes("deepseek_v2", 2048, 27, 16, 102400, 10944, **V2_LITE)),
    # the published 671,026,419,200 count 58 x 256 numbers that balance the experts and are no parameters here
    "DeepSeek-V3": (671_026_404_352, sizes("deepseek_v3", 7168, 61, 128, 129280, 18432, **V3)),
    "Qwen1.5-MoE-A2.7B": (14_315_784_192, sizes("qwen2_moe", 2048, 24, 16, 151936, 5632, **QWEN_MOE)),
    "glm-4-9b": (9_399_951_360, sizes("glm", 4096, 40, 32, 151552, 13696, num_key_value_heads=2)),
    "gemma-2b": (2_506_172_416, sizes("gemma", 2048, 18, 8, 256000, 16384, num_key_value_heads=1)),
    "gemma-7b": (8_537_680_896, sizes("gemma", 3072, 28, 16, 256000, 24576)),
    "command-r": (34_980_831_232, sizes("cohere", 8192, 40, 64, 256000, 22528)),
    "gpt-oss-120b": (116_829_156_672, sizes("gpt_oss", 2880, 36, 64, 201088, 2880, **GPT_OSS)),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_count_is_the_published_one(name: str) -> None:
    total, config = PUBLISHED[name]
    assert shape_of(config, name).parameters == total
