"""The answer of an estimate: named parts that add up, three totals, an interval, and what it rests on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Basis = Literal["closed_form", "simulated", "measured"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Bytes alive on one GPU at the moment of the peak, by what they are."""

    weights: int = 0
    adapter: int = 0
    gradients: int = 0
    optimizer: int = 0
    activations: int = 0
    loss: int = 0
    workspace: int = 0

    @property
    def total(self) -> int:
        return (
            self.weights
            + self.adapter
            + self.gradients
            + self.optimizer
            + self.activations
            + self.loss
            + self.workspace
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """GPU memory of a run, in bytes, on the fullest of its GPUs.

    `parts` add up to `allocated`, the peak of the caching allocator's allocated bytes. `needed` is the
    least device memory with which the run does not run out, CUDA context included; `low` and `high` bound
    it. `nvidia_smi` is what nvidia-smi will show. `peak_phase` is when the peak comes.

    `validated`: the case lies inside what was checked against the simulation. `notes` are sentences for
    the user: what is assumed, what widened the interval.
    """

    parts: Parts
    needed_bytes: int
    nvidia_smi_bytes: int
    low_bytes: int
    high_bytes: int
    context_bytes: int
    trainable_parameters: int
    basis: Basis
    validated: bool
    peak_phase: str
    notes: tuple[str, ...] = ()

    @property
    def allocated_bytes(self) -> int:
        return self.parts.total
