"""A 4-bit base on a CPU: kept in the layout that gradients flow through while it is trained on."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

_FLAG = "support_avx512bf16_for_cpu"
"""bitsandbytes 0.50 (nn/modules.py, Linear4bit.forward): on a CPU with AVX512-BF16 the first forward
pass in eval mode repacks the weights for a kernel that has no backward, and never packs them back. A
run that was evaluated or sampled once would go on with no gradient through those layers."""


def forbid_packing(model: nn.Module) -> None:
    """Keep the trainable layout, also through evaluations and samples on the way."""
    for module in _linears(model):
        setattr(module, _FLAG, False)


def allow_packing(model: nn.Module) -> None:
    """Training is over: compute as the library will when the result is loaded."""
    from bitsandbytes.nn.modules import has_avx512bf16

    for module in _linears(model):
        setattr(module, _FLAG, has_avx512bf16())


def _linears(model: nn.Module) -> Iterator[nn.Module]:
    return (module for module in model.modules() if hasattr(module, _FLAG))
