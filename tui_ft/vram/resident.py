"""What stays on the GPU from load to end: weights, adapter, gradients, optimizer states, tensor by tensor."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tui_ft.spec.precision import ITEM_BYTES
from tui_ft.vram.shape import ModelShape, Weight
from tui_ft.vram.workload import Workload

ALIGNMENT = 512
"""Bytes to which the caching allocator rounds a request up (c10/cuda/CUDACachingAllocator.cpp)."""

SEGMENT = 2 << 20
"""A request of 10 MiB and more gets a segment rounded up to this; a rest up to 1 MiB is not split off."""

_LEAST_LARGE = 10 << 20
_LEAST_SPLIT = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Resident:
    """Bytes on one GPU before anything is computed. `trainable` counts elements."""

    weights: int
    adapter: int
    gradients: int
    optimizer: int
    trainable: int
    largest_trainable: int


def allocated(nbytes: int) -> int:
    """Bytes of the block that a fresh request of `nbytes` gets, the unsplit rest of its segment included."""
    rounded = -(-nbytes // ALIGNMENT) * ALIGNMENT
    if rounded < _LEAST_LARGE:
        return rounded
    segment = -(-rounded // SEGMENT) * SEGMENT
    return segment if segment - rounded <= _LEAST_SPLIT else rounded


def resident(shape: ModelShape, workload: Workload) -> Resident:
    """Weights, adapter, gradients and optimizer states of `workload`, in bytes."""
    trained = list(trainable_tensors(shape, workload))
    trains_base = workload.method in ("full", "last_layers")
    item = ITEM_BYTES[workload.precision.trainable]
    adapter_item = 2 if workload.adapter_dtype != "float32" else 4
    frozen = ITEM_BYTES[workload.precision.load]
    in_base = {id(weight) for weight in _trained_weights(shape, workload)}
    weights = sum(
        allocated(weight.elements * item)
        if id(weight) in in_base
        else _frozen_bytes(weight, workload, frozen)
        for weight in shape.weights()
    )
    per_element = item if trains_base else adapter_item
    moved = sum(allocated(elements * per_element) for elements in trained)
    return Resident(
        weights=weights,
        adapter=0 if trains_base else moved,
        gradients=moved,
        optimizer=sum(optimizer_bytes(workload.optimizer, elements, per_element) for elements in trained),
        trainable=sum(trained),
        largest_trainable=max(trained, default=0) * per_element,
    )


def trainable_tensors(shape: ModelShape, workload: Workload) -> Iterator[int]:
    """Elements of every tensor that moves: of the base itself, or of what is put beside it."""
    if workload.method in ("full", "last_layers"):
        yield from (weight.elements for weight in _trained_weights(shape, workload))
    elif workload.method in ("lora", "adalora"):
        for weight in _targets(shape, workload):
            rows, columns = weight.shape
            yield workload.rank * columns
            yield workload.rank * rows
            if workload.variant == "dora":
                yield rows
    elif workload.method == "adapter":
        for _ in shape.blocks:
            yield from (workload.rank * shape.hidden,) * 4
    elif workload.method == "ia3":
        for weight in _targets(shape, workload):
            yield weight.shape[0]
    elif workload.method == "prefix":
        yield workload.virtual_tokens * shape.layers * 2 * shape.kv_heads * shape.head_dim
    else:
        yield workload.virtual_tokens * shape.hidden


def optimizer_bytes(optimizer: str, elements: int, item: int) -> int:
    """Bytes of the optimizer's states for one tensor of `elements` elements of `item` bytes."""
    if optimizer == "sgd":
        return 0
    if optimizer == "adafactor":
        return allocated(int(2 * elements**0.5) * 4)
    states = 1 if "lion" in optimizer else 2
    if "8bit" in optimizer and elements >= LEAST_8BIT_ELEMENTS:
        return states * (allocated(elements) + allocated(-(-elements // QUANTILE_BLOCK) * 4))
    return states * allocated(elements * (4 if "8bit" in optimizer or "32bit" in optimizer else item))


LEAST_8BIT_ELEMENTS = 4096
QUANTILE_BLOCK = 256
"""bitsandbytes keeps smaller tensors in 32 bit, and one fp32 scale a block (bitsandbytes/optim/optimizer.py)."""


def _trained_weights(shape: ModelShape, workload: Workload) -> Iterable[Weight]:
    if workload.method == "full":
        return list(shape.weights())
    if workload.method != "last_layers":
        return []
    last = shape.blocks[-workload.trained_layers :]
    norms = [w for w in shape.outside if w.role == "norm"]
    return [weight for block in last for weight in block] + norms


def _targets(shape: ModelShape, workload: Workload) -> Iterator[Weight]:
    for weight in shape.weights():
        if weight.role not in ("linear", "conv1d"):
            continue
        last = weight.module.rsplit(".", 1)[-1]
        if (
            workload.targets == "all-linear"
            or last in workload.targets
            or (workload.targets == "attention" and "attn" in weight.module)
        ):
            yield weight


def _frozen_bytes(weight: Weight, workload: Workload, item: int) -> int:
    """A frozen tensor: packed with its scales if it is quantised (facts: vram, 3a), else in the load dtype."""
    elements = weight.elements
    if workload.quantization is None or weight.role not in ("linear", "conv1d"):
        return allocated(elements * item)
    if workload.quantization == "int8":
        return allocated(elements) + allocated(weight.shape[0] * 4)
    blocks = -(-elements // 64)
    packed = allocated(-(-elements // 2)) + allocated(64)
    if not workload.double_quantization:
        return packed + allocated(blocks * 4)
    return packed + allocated(blocks) + allocated(-(-blocks // 256) * 4) + allocated(1024) + allocated(4)
