"""Which weights move: one function a method, each preparing a loaded base model for training."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from tui_ft.errors import TuiFtError
from tui_ft.spec.run_spec import RunSpec

if TYPE_CHECKING:
    from peft import PeftConfig
    from transformers import PreTrainedModel

Prepare = Callable[["PreTrainedModel", RunSpec], "PeftConfig | None"]
"""Marks what is trained in the model itself, or returns the adapter that goes on top of it."""


def prepare_full(model: PreTrainedModel, spec: RunSpec) -> None:
    """Every weight moves."""
    model.requires_grad_(True)


def prepare_last_layers(model: PreTrainedModel, spec: RunSpec) -> None:
    """The last k blocks and the final norm move; embeddings, head and earlier blocks stay.

    Raises `TuiFtError` when the model has fewer blocks than asked for.
    """
    layers = decoder_layers(model)
    count = spec.method.layers or 0
    if not 1 <= count <= len(layers):
        raise TuiFtError(
            f"method.layers = {count}, but the model has {len(layers)} layers.",
            f"Choose 1 to {len(layers)}.",
        )
    model.requires_grad_(False)
    layers[-count:].requires_grad_(True)
    norm = final_norm(model)
    if norm is not None:
        norm.requires_grad_(True)


def prepare_lora(model: PreTrainedModel, spec: RunSpec) -> PeftConfig:
    """A low-rank adapter beside the chosen linear layers; LoRA (2106.09685), rsLoRA, DoRA, PiSSA.

    Raises `TuiFtError` when a target names no linear layer of this model.
    """
    from peft import LoraConfig

    method = spec.method
    targets = method.targets if isinstance(method.targets, str) else list(method.targets or [])
    if targets == "attention":
        targets = attention_projections(model)
    elif isinstance(targets, list):
        check_targets(model, targets)
    options: dict[str, Any] = {}
    if method.variant == "rslora":
        options["use_rslora"] = True
    elif method.variant == "dora":
        options["use_dora"] = True
    elif method.variant == "pissa":
        options["init_lora_weights"] = "pissa"
    return LoraConfig(
        r=method.rank,
        lora_alpha=method.alpha,
        lora_dropout=method.dropout,
        target_modules=targets,
        task_type="CAUSAL_LM",
        **options,
    )


METHODS: dict[str, Prepare] = {
    "full": prepare_full,
    "last_layers": prepare_last_layers,
    "lora": prepare_lora,
}


def decoder_layers(model: PreTrainedModel) -> nn.ModuleList:
    """Return the stack of decoder blocks: the longest `ModuleList` directly under a base model.

    Raises `TuiFtError` for a model that has none.
    """
    stacks = [m for m in model.base_model.modules() if isinstance(m, nn.ModuleList)]
    if not stacks:
        raise TuiFtError(
            f"{type(model).__name__} has no stack of layers to choose from.", "Use method.kind = lora."
        )
    config = model.config.get_text_config()
    wanted = getattr(config, "num_hidden_layers", None)
    return next((stack for stack in stacks if len(stack) == wanted), max(stacks, key=len))


def final_norm(model: PreTrainedModel) -> nn.Module | None:
    """Return the norm between the last block and the head, whatever the family calls it."""
    for name in ("norm", "ln_f", "final_layernorm", "final_layer_norm", "final_norm"):
        found = getattr(model.base_model, name, None)
        if isinstance(found, nn.Module):
            return found
    return None


def linear_names(model: nn.Module) -> list[str]:
    """The distinct last names of the linear layers, the head left out; quantised ones are linear too."""
    found = {
        name.rsplit(".", 1)[-1]
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) or type(module).__name__ == "Conv1D"
    }
    return sorted(found - {"lm_head", "score"})


def attention_projections(model: nn.Module) -> list[str]:
    """The names of the linear layers inside attention blocks."""
    found = {
        name.rsplit(".", 1)[-1]
        for name, module in model.named_modules()
        if (isinstance(module, nn.Linear) or type(module).__name__ == "Conv1D") and is_attention(name)
    }
    return sorted(found)


def is_attention(path: str) -> bool:
    """Whether a module lies inside an attention block: families write "attn", "self_attention", …"""
    return "attn" in path.lower() or "attention" in path.lower()


def check_targets(model: nn.Module, targets: list[str]) -> None:
    names = linear_names(model)
    for target in targets:
        if target.rsplit(".", 1)[-1] not in names:
            raise TuiFtError(
                f"method.targets names {target!r}, which is no linear layer of this model.",
                f"It has {', '.join(names)}.",
            )


def cast_trainable(model: nn.Module, dtype: torch.dtype) -> None:
    """Give every weight that moves `dtype`, QLoRA's adapters too: bf16 would lose small updates,
    and a resumed run would not be the run that was stopped."""
    for parameter in model.parameters():
        if parameter.requires_grad and parameter.dtype is not dtype:
            parameter.data = parameter.data.to(dtype)


def count_parameters(model: nn.Module) -> tuple[int, int]:
    """Return (trained, all) parameters; a 4-bit weight counts as the elements that it stands for."""
    trained = whole = 0
    for parameter in model.parameters():
        shape = getattr(getattr(parameter, "quant_state", None), "shape", None)
        elements = shape.numel() if isinstance(shape, torch.Size) else parameter.numel()
        whole += elements
        trained += elements if parameter.requires_grad else 0
    return trained, whole
