"""Answers for operators that look at values: a simulation has none, so it says what the worst batch would."""

from __future__ import annotations

from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

_SORT_BUFFERS = 4
"""int64 buffers of one entry a row that CUDA's `index_put_(accumulate=True)` sorts with (Indexing.cu)."""


class Answers(TorchDispatchMode):
    """Answers every question about a value, below a tracer that sees the tensors it makes.

    Every label counts, so a boolean index selects every row. A question with a yes or a no ("is no token
    masked?", "does no second document begin here?") is answered by `is_plain`: True where rows are of one
    length and not packed.
    """

    def __init__(self, *, is_plain: bool) -> None:
        super().__init__()
        self._is_plain = is_plain

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        name = func._schema.name
        if name == "aten::_local_scalar_dense":
            return self._scalar(args[0])
        if name == "aten::equal":
            return True
        if name == "aten::nonzero":
            return _positions(args[0])
        if name == "aten::index" and _is_boolean(args[1]):
            return _selected(args[0], args[1][0])
        if name in ("aten::index_put", "aten::index_put_", "aten::_index_put_impl_") and _is_boolean(args[1]):
            return _put(args[0], args[1][0], in_place=name != "aten::index_put")
        if name == "bitsandbytes::int8_vectorwise_quant":
            return _eight_bit(args[0])
        if name == "bitsandbytes::int8_mixed_scaled_mm":
            return _product_of_eight_bit(args[0], args[2])
        return func(*args, **(kwargs or {}))

    def _scalar(self, tensor: torch.Tensor) -> bool | int | float:
        if tensor.dtype is torch.bool:
            return self._is_plain
        return 1.0 if tensor.is_floating_point() else 1


def _is_boolean(indices: list[torch.Tensor | None]) -> bool:
    return len(indices) == 1 and indices[0] is not None and indices[0].dtype is torch.bool


def _positions(mask: torch.Tensor) -> torch.Tensor:
    return torch.empty((mask.numel(), mask.dim()), dtype=torch.int64, device=mask.device)


def _selected(source: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """What `source[mask]` allocates: the positions first, then the rows."""
    positions = _positions(mask)
    rows = source.new_empty((mask.numel(), *source.shape[mask.dim() :]))
    del positions
    return rows


def _eight_bit(activation: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Packed rows, their scales and no outlying column (bitsandbytes/backends/cuda/ops.py)."""
    outlying = activation.abs() >= 0  # what it looks for them with
    del outlying
    rows = activation.numel() // activation.shape[-1]
    return (
        torch.empty_like(activation, dtype=torch.int8),
        torch.empty(rows, dtype=torch.float32, device=activation.device),
        torch.empty(0, dtype=torch.int64, device=activation.device),
    )


def _product_of_eight_bit(
    activation: torch.Tensor, weight: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """The product in int32, then in the activation's dtype; no outlying column is multiplied apart."""
    shape = (*activation.shape[:-1], weight.shape[0])
    product = torch.empty(shape, dtype=torch.int32, device=activation.device)
    result = activation.new_empty(shape)
    del product
    return result, activation.new_empty(0)


def _put(target: torch.Tensor, mask: torch.Tensor, *, in_place: bool) -> torch.Tensor:
    result = target if in_place else torch.empty_like(target)
    buffers = [_positions(mask)]
    buffers += [
        torch.empty(mask.numel(), dtype=torch.int64, device=mask.device) for _ in range(_SORT_BUFFERS)
    ]
    buffers.clear()
    return result
