"""Every family's row against transformers itself: all parameters by name and shape, and what peft adapts."""

from __future__ import annotations

import json
from typing import Any

import family_defaults
import pytest
from small_configs import CASES, FIRST_CASES, case_id

from tui_ft.errors import TuiFtError
from tui_ft.vram import catalogue, targets
from tui_ft.vram.families.table import FAMILIES
from tui_ft.vram.model_config import shape_of, text_part
from tui_ft.vram.shape import ModelShape

pytestmark = [
    pytest.mark.train,
    pytest.mark.filterwarnings(
        "ignore::FutureWarning", "ignore::RuntimeWarning", "ignore::UserWarning"
    ),  # of peft
]


def on_meta(config: dict[str, Any]) -> Any:
    """The model of `config` as the trainer's loader builds it, without memory."""
    import torch
    from transformers import CONFIG_MAPPING, AutoModelForCausalLM

    made = CONFIG_MAPPING[config["model_type"]].from_dict(config)
    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(made)


def named(shape: ModelShape) -> dict[str, tuple[int, ...]]:
    found = {f"{w.module}.{w.parameter}": w.shape for w in shape.outside}
    for index, block in enumerate(shape.blocks):
        found |= {
            f"{shape.stack}.{index}.{w.module}.{w.parameter}".replace("..", "."): w.shape for w in block
        }
    return found


def quantised_elements(model: Any) -> int:
    """Elements of the layers that transformers would hand to bitsandbytes."""
    from torch import nn
    from transformers.pytorch_utils import Conv1D
    from transformers.quantizers.base import get_keys_to_not_convert
    from transformers.quantizers.quantizers_utils import should_convert_module

    kept = get_keys_to_not_convert(model)
    return sum(
        module.weight.numel()
        for name, module in model.named_modules()
        if (type(module) is nn.Linear or isinstance(module, Conv1D)) and should_convert_module(name, kept)
    )


@pytest.mark.parametrize("config", CASES, ids=case_id)
def test_every_parameter_is_counted_as_transformers_builds_it(config: dict[str, Any]) -> None:
    model = on_meta(config)
    shape = shape_of(config, "it")
    assert named(shape) == {name: tuple(p.shape) for name, p in model.named_parameters()}
    assert shape.quantizable_parameters == quantised_elements(model)


@pytest.mark.parametrize("config", FIRST_CASES, ids=case_id)
@pytest.mark.parametrize("chosen", ["all-linear", "attention"])
def test_lora_goes_where_peft_puts_it(config: dict[str, Any], chosen: str) -> None:
    from peft import LoraConfig, get_peft_model

    from tui_ft.train.methods import attention_projections

    model = on_meta(config)
    shape = shape_of(config, "it")
    modules: Any = chosen if chosen == "all-linear" else attention_projections(model)
    try:
        adapted = get_peft_model(model, LoraConfig(r=4, target_modules=modules, task_type="CAUSAL_LM"))
    except ValueError:
        with pytest.raises(TuiFtError):
            targets.lora_targets(shape, chosen)
        return
    trained = sum(p.numel() for p in adapted.parameters() if p.requires_grad)
    assert sum(found.elements(4) for found in targets.adapted(shape, chosen)) == trained


def test_the_defaults_are_those_of_the_config_classes() -> None:
    assert family_defaults.PATH.read_text(encoding="utf-8") == family_defaults.as_text()


def test_every_family_has_a_case() -> None:
    assert {text_part(config, "it")[0] for config in CASES} == set(FAMILIES)


@pytest.mark.parametrize("entry", catalogue.entries(), ids=lambda entry: entry.name)
def test_the_catalogue_is_counted_as_transformers_builds_it(entry: catalogue.Entry) -> None:
    model = on_meta(json.loads(json.dumps(entry.config)))
    assert named(entry.shape) == {name: tuple(p.shape) for name, p in model.named_parameters()}
