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


def _flash_backward(args: Any, kwargs: Mapping[str, Any]) -> Sizes:
    """native/transformers/cuda/flash_attn/flash_api.cpp, mha_bwd: the rows' sums, the query's gradient in
    fp32 and, where heads share keys, gradients of key and value for every query head."""
    _, query, key = args[:3]
    batch, heads, queries, head = query.shape
    keys = key.shape[2]
    rows = _up(queries, 128)
    width = _up(head, 32) if head <= 192 else _up(head, 64)
    blocks = [
        ("flash attention backward: row sums", batch * heads * rows * 4),
        ("flash attention backward: fp32 gradient of the query", batch * rows * heads * width * 4),
    ]
    if key.shape[1] != heads:
        expanded = batch * keys * heads * head * query.element_size()
        blocks += [("flash attention backward: gradients of expanded heads", expanded)] * 2
    return blocks


def _efficient_backward(args: Any, kwargs: Mapping[str, Any]) -> Sizes:
    """native/transformers/cuda/mem_eff_attention/kernel_backward.h, workspace_size: the rows' sums, and the
    query's gradient in fp32 tiles to add up in; heads wider than a tile have more, of one row of tiles."""
    _, query = args[:2]
    batch, heads, queries, head = query.shape
    tiles = _up(queries, _TILE) // _TILE * (_up(head, _TILE) // _TILE)
    return [
        ("efficient attention backward: row sums", batch * heads * queries * 4),
        ("efficient attention backward: fp32 gradient of the query", batch * heads * tiles * _TILE_BYTES),
    ]


_TILE = 64
_TILE_BYTES = 16 + _TILE * _TILE * 4
"""GradQTempStorage: a lock, a counter and the tile in fp32."""


def _up(size: int, multiple: int) -> int:
    return -(-size // multiple) * multiple


TEMPORARIES: Mapping[str, Temporary] = {
    "aten::_softmax_backward_data": Temporary(_softmax_backward, before_output=False),
    "aten::_scaled_dot_product_flash_attention_backward": Temporary(_flash_backward, before_output=False),
    "aten::_scaled_dot_product_efficient_attention_backward": Temporary(
        _efficient_backward, before_output=False
    ),
    "bitsandbytes::gemm_4bit": Temporary(_gemm_4bit, before_output=True),
}
"""By the operator's name in its schema."""
