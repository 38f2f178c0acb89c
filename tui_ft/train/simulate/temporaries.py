"""Memory that a CUDA kernel allocates and frees inside one operator, where no tensor shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Sizes = Iterable[tuple[str, int]]
"""(what, bytes) for each block, in the order in which they are allocated."""


@dataclass(frozen=True)
class Temporary:
    """`sizes` computes the blocks from the operator's arguments."""

    sizes: Callable[[Any, Mapping[str, Any]], Sizes]
    before_output: bool


def uses_cublas(name: str) -> bool:
    """Whether an operator multiplies matrices through cuBLAS and so needs its workspace."""
    return name in _GEMMS


_GEMMS = frozenset({"aten::mm", "aten::addmm", "aten::bmm", "aten::baddbmm", "bitsandbytes::gemm_4bit"})


def _softmax_backward(args: Any, kwargs: Mapping[str, Any]) -> Sizes:
    """aten/src/ATen/native/cuda/SoftMax.cu: `tmp = grad * output` in the gradient's dtype."""
    grad = args[0]
    return [("softmax backward: gradient x output", grad.numel() * grad.element_size())]


def _gemm_4bit(args: Any, kwargs: Mapping[str, Any]) -> Sizes:
    """bitsandbytes/backends/cuda/ops.py: the whole weight in the compute dtype and, with nested
    statistics, absmax in fp32 twice: dequantised, and with its offset."""
    activation, _, shape, _, blocksize = args[:5]
    elements = shape[0] * shape[1]
    blocks = []
    if kwargs.get("absmax_8bit") is not None:
        absmax = -(-elements // blocksize) * 4
        blocks = [("bitsandbytes absmax", absmax), ("bitsandbytes absmax with offset", absmax)]
    return [*blocks, ("bitsandbytes dequantised weight", elements * activation.element_size())]


TEMPORARIES: Mapping[str, Temporary] = {
    "aten::_softmax_backward_data": Temporary(_softmax_backward, before_output=False),
    "bitsandbytes::gemm_4bit": Temporary(_gemm_4bit, before_output=True),
}
"""By the operator's name in its schema."""
