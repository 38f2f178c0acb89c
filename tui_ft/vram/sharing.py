"""What is left on each GPU when several share a run: the standard formulas, checked on no machine."""

from __future__ import annotations

from dataclasses import replace

from tui_ft.spec.precision import ITEM_BYTES
from tui_ft.vram.result import Parts
from tui_ft.vram.shape import ModelShape
from tui_ft.vram.workload import Workload

BUCKET_ELEMENTS = 500_000_000
"""DeepSpeed's default `reduce_bucket_size`."""


def on_each(parts: Parts, shape: ModelShape, workload: Workload) -> Parts:
    """The parts on one of `workload.gpus` GPUs; activations are never shared among data-parallel ones."""
    if workload.gpus < 2:
        return parts
    return {"ddp": _ddp, "fsdp": _sharded, "zero3": _sharded, "zero2": _zero2}[workload.strategy](
        parts, shape, workload
    )


def _ddp(parts: Parts, shape: ModelShape, workload: Workload) -> Parts:
    """Everything everywhere, and the buckets: one more copy of the gradients."""
    return replace(parts, gradients=2 * parts.gradients)


def _sharded(parts: Parts, shape: ModelShape, workload: Workload) -> Parts:
    """Weights, gradients and states cut in n; two whole blocks are gathered at a time."""
    count = workload.gpus
    blocks = {id(block): block for block in shape.blocks}.values()
    block = max((sum(weight.elements for weight in block) for block in blocks), default=0)
    gathered = 2 * block * ITEM_BYTES[workload.precision.compute]
    return replace(
        parts,
        weights=parts.weights // count,
        adapter=parts.adapter // count,
        gradients=parts.gradients // count,
        optimizer=parts.optimizer // count,
        workspace=parts.workspace + gathered,
    )


def _zero2(parts: Parts, shape: ModelShape, workload: Workload) -> Parts:
    """Weights whole, gradients and states cut in n, and a bucket to reduce in."""
    count = workload.gpus
    bucket = min(BUCKET_ELEMENTS * ITEM_BYTES[workload.precision.compute], 2 * parts.gradients)
    return replace(
        parts,
        gradients=parts.gradients // count,
        optimizer=parts.optimizer // count,
        workspace=parts.workspace + bucket,
    )
