"""bitsandbytes' layers around tensors without values, with the statistics that real ones keep."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

if TYPE_CHECKING:
    from transformers import BitsAndBytesConfig, PreTrainedModel

BLOCK = 64
"""Elements of a weight that share one absmax (transformers gives bitsandbytes no other)."""

NESTED_BLOCK = 256
"""absmax values that share one absmax of their own (double quantisation)."""

_CODE = 16
_NESTED_CODE = 256


def quantize(
    model: PreTrainedModel, config: BitsAndBytesConfig, skip: Callable[[str], bool] | None = None
) -> None:
    """Replace the linear layers that transformers replaces: all but the head, `Conv1D` too.

    bitsandbytes' own parameters cannot hold a tensor without values, so that a layer is put together
    from its parts. `skip` takes the place of transformers' choice of what stays as it is.
    """
    from transformers.pytorch_utils import Conv1D

    skipped = skip or _skipped(model, config)
    make = _linear_8bit if config.load_in_8bit else _linear_4bit
    for name, module in list(model.named_modules()):
        if (type(module) is nn.Linear or isinstance(module, Conv1D)) and not skipped(name):
            model.set_submodule(name, make(module, config))
    attributes: Any = model
    attributes.is_quantized = True
    attributes.is_loaded_in_8bit = bool(config.load_in_8bit)
    attributes.is_loaded_in_4bit = not config.load_in_8bit
    attributes.quantization_method = config.quant_method
    attributes.config.quantization_config = config
    model.requires_grad_(False)


def _skipped(model: PreTrainedModel, config: BitsAndBytesConfig) -> Callable[[str], bool]:
    from transformers.quantizers.base import HfQuantizer
    from transformers.quantizers.quantizers_utils import should_convert_module

    names = HfQuantizer.get_modules_to_not_convert(
        model,
        config.llm_int8_skip_modules,
        getattr(model, "_keep_in_fp32_modules", None),
    )
    return lambda name: not should_convert_module(name, names)


def _shape(module: nn.Module) -> tuple[int, int]:
    """(out, in) of a linear layer; GPT-2's `Conv1D` keeps its weight the other way round."""
    weight: Any = module.weight
    rows, columns = weight.shape
    return (rows, columns) if isinstance(module, nn.Linear) else (columns, rows)


def _empty_layer(kind: type[nn.Module], module: nn.Module) -> Any:
    layer: Any = object.__new__(kind)
    nn.Module.__init__(layer)
    layer.out_features, layer.in_features = _shape(module)
    bias: Any = module.bias
    layer.register_parameter("bias", None if bias is None else nn.Parameter(bias.data, requires_grad=False))
    return layer


def _linear_4bit(module: nn.Module, config: BitsAndBytesConfig) -> Any:
    import bitsandbytes as bnb

    layer = _empty_layer(bnb.nn.Linear4bit, module)
    weight: Any = module.weight
    layer.compute_dtype = config.bnb_4bit_compute_dtype
    layer.compute_type_is_set = layer.compute_dtype is not None
    layer.quant_storage = config.bnb_4bit_quant_storage
    layer.support_avx512bf16_for_cpu = False
    elements = layer.out_features * layer.in_features
    packed = -(-elements // (2 * layer.quant_storage.itemsize))
    data = torch.empty((packed, 1), dtype=layer.quant_storage, device=weight.device)
    parameter: Any = nn.Parameter(data, requires_grad=False)
    parameter.quant_state = _state(layer, weight, config)
    parameter.quant_type, parameter.blocksize = config.bnb_4bit_quant_type, BLOCK
    parameter.compress_statistics = config.bnb_4bit_use_double_quant
    parameter.quant_storage, parameter.bnb_quantized = layer.quant_storage, True
    layer.weight, layer.quant_state = parameter, parameter.quant_state
    return layer


def _state(layer: Any, weight: torch.Tensor, config: BitsAndBytesConfig) -> Any:
    """A `QuantState` as bitsandbytes.functional.quantize_4bit makes it."""
    from bitsandbytes.functional import QuantState

    blocks = -(-layer.out_features * layer.in_features // BLOCK)
    whole = {
        "shape": torch.Size((layer.out_features, layer.in_features)),
        "code": torch.empty(_CODE, device=weight.device),
        "blocksize": BLOCK,
        "quant_type": config.bnb_4bit_quant_type,
        "dtype": weight.dtype,
    }
    if not config.bnb_4bit_use_double_quant:
        return QuantState(absmax=torch.empty(blocks, device=weight.device), **whole)
    nested = QuantState(
        absmax=torch.empty(-(-blocks // NESTED_BLOCK), device=weight.device),
        blocksize=NESTED_BLOCK,
        code=torch.empty(_NESTED_CODE, device=weight.device),
        dtype=torch.float32,
    )
    return QuantState(
        absmax=torch.empty(blocks, dtype=torch.uint8, device=weight.device),
        offset=torch.empty((), device=weight.device),
        state2=nested,
        **whole,
    )


def _linear_8bit(module: nn.Module, config: BitsAndBytesConfig) -> Any:
    import bitsandbytes as bnb

    layer = _empty_layer(bnb.nn.Linear8bitLt, module)
    weight: Any = module.weight
    data = torch.empty(_shape(module), dtype=torch.int8, device=weight.device)
    parameter: Any = nn.Parameter(data, requires_grad=False)
    parameter.CB = parameter.data
    parameter.SCB = torch.empty(layer.out_features, device=weight.device)
    parameter.has_fp16_weights = False
    layer.weight, layer.index = parameter, None
    layer.state = bnb.MatmulLtState()
    layer.state.threshold = config.llm_int8_threshold
    layer.state.has_fp16_weights = False
    layer.state.use_pool = config.llm_int8_threshold > 0
    return layer


def statistics_of(tensor: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """What a bitsandbytes weight keeps beside its packed bytes."""
    state = getattr(tensor, "quant_state", None)
    if state is not None:
        nested = () if state.state2 is None else (state.state2.absmax, state.state2.code)
        found = (state.absmax, state.code, state.offset, *nested)
    else:
        found = (getattr(tensor, "SCB", None),)
    return tuple(part for part in found if isinstance(part, torch.Tensor))


def elements_of(tensor: torch.Tensor) -> int:
    """The elements that a weight stands for; a 4-bit one is packed in half as many bytes."""
    shape = getattr(getattr(tensor, "quant_state", None), "shape", None)
    return tensor.numel() if shape is None else torch.Size(shape).numel()
