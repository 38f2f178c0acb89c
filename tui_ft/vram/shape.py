"""What a model is made of: every parameter tensor with its shape and its part, without torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Literal

Role = Literal[
    "linear", "conv1d", "custom_linear", "embedding", "head", "norm", "bias", "experts", "router", "other"
]
"""`linear` and `conv1d` are what bitsandbytes quantises and LoRA targets; fused `experts` are not quantised.

`custom_linear` is of a class made from nn.Linear: LoRA targets it, bitsandbytes leaves it alone.
"""

Counted = Literal["architecture", "header", "unknown"]
"""By a known architecture, exact; by the headers of the weights, exact in number only; or not at all."""


@dataclass(frozen=True, slots=True)
class Weight:
    """One parameter tensor. `module` is its path below the block or the model ("self_attn.q_proj")."""

    module: str
    parameter: str
    shape: tuple[int, ...]
    role: Role

    @property
    def elements(self) -> int:
        return prod(self.shape)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelShape:
    """A causal language model. `blocks` are its decoder layers in order, equal ones the same tuple.

    `family` is the `model_type` of the text config, `stack` the path of the decoder layers. A field is
    None where the family has no such thing.
    `notes` are sentences for the user (a vision tower left out, experts that stay 16 bit).
    """

    name: str
    family: str
    hidden: int
    intermediate: int
    heads: int
    kv_heads: int
    head_dim: int
    vocabulary: int
    context: int | None
    is_tied: bool
    outside: tuple[Weight, ...]
    blocks: tuple[tuple[Weight, ...], ...]
    stack: str = "model.layers"
    experts: int | None = None
    experts_per_token: int | None = None
    expert_intermediate: int | None = None
    sliding_window: int | None = None
    counted: Counted = "architecture"
    notes: tuple[str, ...] = ()

    @property
    def layers(self) -> int:
        return len(self.blocks)

    def weights(self) -> Iterator[Weight]:
        """Every parameter tensor once; a tied head is not repeated."""
        yield from self.outside
        for block in self.blocks:
            yield from block

    @property
    def parameters(self) -> int:
        return sum(weight.elements for weight in self.weights())

    @property
    def quantizable_parameters(self) -> int:
        """Elements that bitsandbytes quantises: linear layers, the head left out."""
        return sum(weight.elements for weight in self.weights() if weight.role in ("linear", "conv1d"))
