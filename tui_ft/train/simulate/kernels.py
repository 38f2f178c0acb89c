"""Stands in for CUDA kernels that tensors without values do not reach: fused attention, fused activations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

aten = torch.ops.aten

_LARGEST_FLASH_HEAD = 256
_FLASH_ALIGNMENT = 8
_MASK_ALIGNMENT = 8
"""Elements to which torch pads a head and the last side of a mask (native/transformers/attention.cpp)."""

_HALF = (torch.float16, torch.bfloat16)


@dataclass(frozen=True)
class Attention:
    """A drop-in for `torch.nn.functional.scaled_dot_product_attention` as CUDA chooses its kernel.

    The rules are those of native/transformers/cuda/sdp_utils.cpp: flash attention from compute
    capability 8.0 on (`has_flash`), for 16 bits and without a mask; else the memory-efficient kernel,
    which knows no grouped heads; else plain operators.
    """

    has_flash: bool = True

    def __call__(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attn_mask: Tensor | None = None,
        dropout_p: float = 0.0,
        is_causal: bool = False,
        scale: float | None = None,
        enable_gqa: bool = False,
    ) -> Tensor:
        query, key, value = (_as_autocast(tensor) for tensor in (query, key, value))
        bias = None if attn_mask is None else _as_bias(attn_mask, query.dtype)
        if bias is None and self._takes_flash(query, value):
            return _flash(query, key, value, dropout_p, is_causal, scale)
        if key.shape[1] == query.shape[1] == value.shape[1]:
            return _efficient(query, key, value, bias, dropout_p, is_causal, scale)
        attend = aten._scaled_dot_product_attention_math
        output: Tensor = attend(
            query, key, value, bias, dropout_p, is_causal, scale=scale, enable_gqa=enable_gqa
        )[0]
        return output

    def _takes_flash(self, query: Tensor, value: Tensor) -> bool:
        head = query.shape[-1]
        fits = head == value.shape[-1] <= _LARGEST_FLASH_HEAD
        return self.has_flash and query.dtype in _HALF and fits


def _as_autocast(tensor: Tensor) -> Tensor:
    """Autocast computes attention in 16 bits (aten/src/ATen/autocast_mode.h, lower_precision_fp)."""
    kind = tensor.device.type
    return tensor.to(torch.get_autocast_dtype(kind)) if torch.is_autocast_enabled(kind) else tensor


def _as_bias(mask: Tensor, dtype: torch.dtype) -> Tensor:
    """A boolean mask becomes what is added to the scores: 0 or minus infinity in the query's dtype."""
    if mask.dtype is not torch.bool:
        return mask
    return torch.where(mask, 0.0, torch.full((), -torch.inf, dtype=dtype, device=mask.device))


def _flash(
    query: Tensor, key: Tensor, value: Tensor, dropout: float, is_causal: bool, scale: float | None
) -> Tensor:
    head = query.shape[-1]
    missing = -head % _FLASH_ALIGNMENT
    if missing:
        query, key, value = (nn.functional.pad(tensor, (0, missing)) for tensor in (query, key, value))
    scale = head**-0.5 if scale is None else scale
    output: Tensor = aten._scaled_dot_product_flash_attention(
        query, key, value, dropout, is_causal, False, scale=scale
    )[0]
    return output[..., :head] if missing else output


def _efficient(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    bias: Tensor | None,
    dropout: float,
    is_causal: bool,
    scale: float | None,
) -> Tensor:
    needs_logsumexp = torch.is_grad_enabled() and any(t.requires_grad for t in (query, key, value))
    if bias is not None:
        bias = _aligned(bias).expand(*query.shape[:-1], key.shape[-2])
    output: Tensor = aten._scaled_dot_product_efficient_attention(
        query, key, value, bias, needs_logsumexp, dropout, is_causal, scale=scale
    )[0]
    return output


def _aligned(bias: Tensor) -> Tensor:
    """The same bias in rows of a length that the kernel can read, as a view of a padded copy."""
    length = bias.shape[-1]
    missing = -length % _MASK_ALIGNMENT
    return nn.functional.pad(bias, (0, missing))[..., :length] if missing else bias


class _OneKernel(torch.autograd.Function):
    """An activation whose backward is one kernel on CUDA: it keeps its input and makes one gradient."""

    @staticmethod
    def forward(ctx: Any, operator: Callable[[Tensor], Tensor], inputs: Tensor) -> Tensor:
        ctx.save_for_backward(inputs)
        return operator(inputs)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        (inputs,) = ctx.saved_tensors
        return None, torch.empty_like(inputs)


@contextmanager
def fused_activations() -> Iterator[None]:
    """Give SiLU and Mish the backward that they have on CUDA.

    Of all operators with a CUDA kernel these two alone have a backward that torch takes apart before
    a tensor without values sees it (`CompositeImplicitAutograd` in native_functions.yaml), into eight
    temporaries. Their values are lost here: there are none.
    """
    functional = nn.functional
    silu, mish = functional.silu, functional.mish

    def fused_silu(input: Tensor, inplace: bool = False) -> Tensor:
        return _OneKernel.apply(aten.silu, input)

    def fused_mish(input: Tensor, inplace: bool = False) -> Tensor:
        return _OneKernel.apply(aten.mish, input)

    functional.silu, functional.mish = fused_silu, fused_mish
    try:
        yield
    finally:
        functional.silu, functional.mish = silu, mish
