"""What each optimizer keeps for a tensor, and what it makes and drops while it steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

Shape = tuple[int, ...]

LEAST_8BIT_ELEMENTS = 4096
"""bitsandbytes keeps smaller tensors' states in 32 bit (optim/optimizer.py, min_8bit_size)."""

LEAST_PAGED_ELEMENTS = 100_000
"""bitsandbytes pages the states of larger tensors only (optim/optimizer.py, get_state_buffer)."""

QUANTILE_BLOCK = 256
"""8-bit states have one fp32 scale a block of so many elements (bitsandbytes/optim/optimizer.py)."""


@dataclass(frozen=True, slots=True)
class Optimizer:
    """`states` tensors for each that moves, in 8 bits, in 32, or (neither) in the tensor's own dtype.

    `is_factored`: one vector a side of a matrix instead. `copies`: tensors made while stepping, as many
    times all that move (`copies_all`), or one after the other, while the last one's update is still held.
    """

    states: int
    bits: int | None = None
    is_paged: bool = False
    is_factored: bool = False
    copies: int = 0
    copies_all: bool = False

    def state_bytes(self, shape: Shape, item: int) -> list[int]:
        """Bytes of each state tensor of one that moves, `item` bytes an element."""
        elements = prod(shape)
        if self.is_factored and len(shape) > 1:
            outer = prod(shape[:-2]) if len(shape) > 2 else 1
            return [outer * shape[-2] * 4, outer * shape[-1] * 4]
        if self.is_factored:
            return [elements * 4]
        if self.bits == 8 and elements >= LEAST_8BIT_ELEMENTS:
            return [elements, -(-elements // QUANTILE_BLOCK) * 4] * self.states
        return [elements * (4 if self.bits else item)] * self.states

    def pages(self, elements: int) -> bool:
        """Whether the states of a tensor lie in memory that the driver may move to the host."""
        return self.is_paged and elements >= LEAST_PAGED_ELEMENTS

    def step_bytes(self, sizes: Sequence[int]) -> int:
        """Bytes made and dropped in a step, for tensors of the given `sizes` in bytes, in their order."""
        if self.copies_all or not self.copies:
            return self.copies * sum(sizes)
        before = (0, *sizes)
        return max((self.copies * size + last for last, size in zip(before, sizes, strict=False)), default=0)


OPTIMIZERS: Mapping[str, Optimizer] = {
    "adamw_torch_fused": Optimizer(2),
    "adamw_torch": Optimizer(2, copies=1, copies_all=True),
    "adamw_bnb_8bit": Optimizer(2, bits=8),
    "paged_adamw_8bit": Optimizer(2, bits=8, is_paged=True),
    "paged_adamw_32bit": Optimizer(2, bits=32, is_paged=True),
    "adafactor": Optimizer(0, is_factored=True, copies=2),
    "lion_8bit": Optimizer(1, bits=8),
    "paged_lion_8bit": Optimizer(1, bits=8, is_paged=True),
    "sgd": Optimizer(0, copies=1, copies_all=True),
}
"""torch's AdamW and SGD step through all tensors at once and make a copy of them: the denominators, and
the decayed gradients; the fused AdamW makes none. The simulation runs those of torch and transformers and
agrees (tests/train/test_optimizer_steps.py); the 8-bit and paged ones need a GPU and are by their source."""


def optimizer(name: str) -> Optimizer:
    """The row of an optimizer; of one that is not known, plain AdamW's, which needs most."""
    return OPTIMIZERS.get(name, OPTIMIZERS["adamw_torch"])
