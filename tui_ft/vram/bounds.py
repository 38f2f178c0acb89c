"""What no model can do: settings that are absurd for this shape are refused before a number is made."""

from __future__ import annotations

from tui_ft.errors import TuiFtError
from tui_ft.spec.support import SUPPORT
from tui_ft.vram.shape import ModelShape
from tui_ft.vram.targets import lora_targets
from tui_ft.vram.workload import Workload

_TARGETED = frozenset({"lora", "adalora", "adapter", "ia3"})
_SHARDED = frozenset({"fsdp", "zero2", "zero3"})


def check_bounds(shape: ModelShape, workload: Workload, capability: tuple[int, int] | None = None) -> None:
    """Raise `TuiFtError` for the first setting that this model, or these GPUs, cannot have.

    `capability` is the compute capability of the GPUs; None is not known.
    """
    _check_combination(workload)
    _check_length(shape, workload)
    _check_method(shape, workload)
    _check_gpus(workload, capability)


def _check_combination(workload: Workload) -> None:
    support = SUPPORT[workload.method, workload.objective]
    if support.state == "never":
        raise TuiFtError(
            f"{workload.method} × {workload.objective} cannot run: {support.reason}.",
            "Choose another method, for example lora.",
        )


def _check_length(shape: ModelShape, workload: Workload) -> None:
    length = workload.seq_length + workload.virtual_tokens
    if shape.context is None or length <= shape.context:
        return
    virtual = f" and {workload.virtual_tokens} virtual ones" if workload.virtual_tokens else ""
    raise TuiFtError(
        f"{shape.name} reads at most {shape.context} tokens, but data.max_length asks for "
        f"{workload.seq_length}{virtual}.",
        f"Use {shape.context - workload.virtual_tokens} or less.",
    )


def _check_method(shape: ModelShape, workload: Workload) -> None:
    if workload.method == "last_layers" and workload.trained_layers > shape.layers:
        raise TuiFtError(
            f"{shape.name} has {shape.layers} layers, but method.layers asks for {workload.trained_layers}.",
            f"Use {shape.layers} or fewer.",
        )
    if workload.rank > shape.hidden:
        raise TuiFtError(
            f"method.rank = {workload.rank} is above the width of {shape.name}, {shape.hidden}: "
            "such an adapter is larger than what it adapts.",
            "Use 8 to 64, or full fine-tuning.",
        )
    if workload.method in _TARGETED and shape.counted == "architecture":
        lora_targets(shape, workload.targets or "all-linear")
    if workload.quantization and not shape.quantizable_parameters:
        raise TuiFtError(
            f"{shape.name} has no layer to quantise: {workload.quantization} saves nothing.",
            "Use LoRA without quantization.",
        )


def _check_gpus(workload: Workload, capability: tuple[int, int] | None) -> None:
    if workload.attention == "flash_attention_2" and capability is not None and capability < (8, 0):
        raise TuiFtError(
            f"flash_attention_2 needs capability 8.0, and the GPU has {capability[0]}.{capability[1]}.",
            "Use model.attention = sdpa.",
        )
    if workload.gpus > 1 and workload.strategy == "single":
        raise TuiFtError(
            f"{workload.gpus} GPUs cannot share a run with hardware.strategy = single.",
            "Use ddp, fsdp, zero2 or zero3, or one GPU.",
        )
    if workload.gpus == 1 and workload.strategy in _SHARDED:
        raise TuiFtError(
            f"hardware.strategy = {workload.strategy} shares a run among GPUs, but there is only one.",
            "Ask for more GPUs, or use single.",
        )
