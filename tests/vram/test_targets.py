"""Which weights get an adapter, and how many elements it has; equality with peft stands in test_shapes."""

from __future__ import annotations

import pytest

from tui_ft.errors import TuiFtError
from tui_ft.vram import catalogue, targets
from tui_ft.vram.model_config import shape_of
from tui_ft.vram.shape import ModelShape


def model(name: str) -> ModelShape:
    entry = catalogue.lookup(name)
    assert entry is not None
    return entry.shape


def trained(shape: ModelShape, chosen: str | list[str], rank: int = 16) -> int:
    return sum(found.elements(rank) for found in targets.adapted(shape, chosen))


def test_all_linear_takes_seven_layers_of_every_block_of_a_llama() -> None:
    shape = model("Llama-3.1-8B")
    assert len(targets.lora_targets(shape, "all-linear")) == 7 * 32
    assert trained(shape, "all-linear") == 41_943_040


def test_names_are_ends_of_paths() -> None:
    shape = model("Llama-3.1-8B")
    assert len(targets.lora_targets(shape, ["q_proj", "v_proj"])) == 64
    assert len(targets.lora_targets(shape, ["self_attn.q_proj"])) == 32
    assert len(targets.lora_targets(shape, ["layers.1.self_attn.q_proj"])) == 1


def test_attention_means_names_so_gpt2_s_second_c_proj_is_taken_too() -> None:
    found = targets.lora_targets(model("gpt2"), "attention")
    assert {weight.module for weight in found} == {"attn.c_attn", "attn.c_proj", "mlp.c_proj"}


def test_the_head_is_no_target() -> None:
    with pytest.raises(TuiFtError, match="no linear layer"):
        targets.adapted(model("Llama-3.1-8B"), ["lm_head"])


@pytest.mark.parametrize("chosen", [["query"], ["q_proj", "nothing"], [""], ["self_attn"]])
def test_a_name_that_no_linear_layer_has_is_refused(chosen: list[str]) -> None:
    with pytest.raises(TuiFtError, match="It has down_proj"):
        targets.adapted(model("Llama-3.1-8B"), chosen)


def test_all_linear_reaches_into_the_experts_of_a_mixture() -> None:
    shape = model("Qwen3-30B-A3B")
    found = targets.adapted(shape, "all-linear")
    widest = max(found, key=lambda adapter: adapter.elements(16))
    assert widest.weight.parameter == "gate_up_proj"
    assert (widest.experts, widest.factor) == (128, 2)
    assert trained(shape, "all-linear") == 996_507_648
    assert trained(shape, "attention") == 13_369_344


def test_gpt_oss_keeps_its_experts_without_adapters() -> None:
    roles = {weight.role for weight in targets.lora_targets(model("gpt-oss-20b"), "all-linear")}
    assert roles == {"linear"}


def test_half_of_a_fused_expert_cannot_be_named() -> None:
    config = dict(model_config("Qwen3-30B-A3B"), num_hidden_layers=2, mlp_only_layers=[0])
    with pytest.raises(TuiFtError, match="both or none"):
        targets.adapted(shape_of(config, "it"), ["gate_proj"])


def model_config(name: str) -> dict[str, object]:
    entry = catalogue.lookup(name)
    assert entry is not None
    return entry.config


def test_mamba_s_last_projection_takes_no_adapter() -> None:
    config = {"model_type": "mamba", "hidden_size": 32, "num_hidden_layers": 2, "vocab_size": 50}
    shape = shape_of(config, "it")
    with pytest.raises(TuiFtError, match="out_proj"):
        targets.adapted(shape, "all-linear")
    assert len(targets.adapted(shape, ["in_proj"])) == 2
