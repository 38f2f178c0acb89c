"""From tensors to the card: what the allocator holds beyond them, and the CUDA context."""

from __future__ import annotations

from dataclasses import dataclass

from tui_ft.vram.workload import Workload

MIB = 1 << 20

MEASURED_CONTEXT = {(7, 5): 141 * MIB}
"""By compute capability: bytes of a process beyond what torch reserves, after some steps (T4, torch 2.10
to 2.14; the fitcheck-llm archive, facts on GPU memory)."""

ASSUMED_CONTEXT = 500 * MIB
LEAST_CONTEXT, MOST_CONTEXT = 141 * MIB, 800 * MIB
"""For a GPU that was never measured, and what it is surely between."""

CUBLAS = 8519680
HOPPER_CUBLAS = 32 * MIB
"""cuBLAS's workspace, one for the forward and one for the backward thread, never freed
(aten/src/ATen/cuda/CublasHandlePool.cpp)."""

HOPPER = (9, 0)

NCCL = 512 * MIB
"""Buffers of the communication between GPUs; 0.2 to 1 GiB are reported (facts: not measured)."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Shares of the allocated bytes: the least capacity lies above them by `needed`, what the allocator
    reserves by `reserved`; `most` bounds the former."""

    needed: float
    reserved: float
    most: float


TRAINED_BASE = Spread(needed=0.06, reserved=0.09, most=0.18)
ADAPTER = Spread(needed=0.045, reserved=0.055, most=0.20)
ADAPTER_ON_PACKED = Spread(needed=0.095, reserved=0.13, most=0.21)
"""From replays of the grid's simulated traces through the allocator (benchmark `test_vram_grid`, n = 131):
three in four need and reserve no more than this, and none needs more than `most`. Small models and long
rows lie at the upper end: a few large blocks leave gaps that nothing else fills."""


@dataclass(frozen=True, slots=True)
class Context:
    """Bytes of the CUDA context; `is_known` where this kind of GPU was measured."""

    nbytes: int
    least: int
    most: int
    is_known: bool


def spread(workload: Workload) -> Spread:
    """How far the allocator's share goes for this kind of run."""
    if workload.method in ("full", "last_layers"):
        return TRAINED_BASE
    return ADAPTER_ON_PACKED if workload.quantization else ADAPTER


def context(workload: Workload) -> Context:
    """The context of one process on the GPU of `workload`."""
    shared = NCCL if workload.gpus > 1 else 0
    known = MEASURED_CONTEXT.get(workload.capability) if workload.capability else None
    if known is not None:
        return Context(known + shared, known, known + 2 * shared, is_known=not shared)
    return Context(ASSUMED_CONTEXT + shared, LEAST_CONTEXT, MOST_CONTEXT + 2 * shared, is_known=False)


def workspace(workload: Workload) -> int:
    """Bytes of cuBLAS's workspaces."""
    is_hopper = workload.capability is not None and workload.capability >= HOPPER
    return 2 * (HOPPER_CUBLAS if is_hopper else CUBLAS)
