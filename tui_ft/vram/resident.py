"""What stays on the GPU from load to end: weights, adapter, gradients, optimizer states, tensor by tensor."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from tui_ft.spec.precision import ITEM_BYTES
from tui_ft.vram.blocks import allocated, packed, rounded
from tui_ft.vram.optimizers import Shape, optimizer
from tui_ft.vram.shape import ModelShape, Weight
from tui_ft.vram.targets import adapted
from tui_ft.vram.workload import Workload

_BLOCK = 64
_NESTED_BLOCK = 256
"""Elements that share an absmax, and absmax values that share one (bitsandbytes/functional.py)."""

QUANTISED = ("linear", "conv1d")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resident:
    """Bytes on one GPU before anything is computed; `gradients` are those of everything that moves.

    `optimizer` leaves out `paged`: states that the driver may move to host memory. `trainable` counts
    elements, `step` is what the optimizer makes and drops while it steps.
    """

    weights: int
    adapter: int
    gradients: int
    optimizer: int
    paged: int
    step: int
    trainable: int


def resident(shape: ModelShape, workload: Workload) -> Resident:
    """Weights, adapter, gradients and optimizer states of `workload`, in bytes."""
    moved = trainable_shapes(shape, workload)
    trains_base = workload.method in ("full", "last_layers")
    item = ITEM_BYTES[workload.precision.trainable] if trains_base else _adapter_item(workload)
    used = optimizer(workload.optimizer)
    sizes = [prod(one) * item for one in moved]
    resting = [one for one in moved if not used.pages(prod(one))]
    paged = [one for one in moved if used.pages(prod(one))]
    return Resident(
        weights=_weights(shape, workload),
        adapter=0 if trains_base else packed(sizes),
        gradients=packed(reversed(sizes)),  # the last layer's come first
        optimizer=packed(size for one in resting for size in used.state_bytes(one, item)),
        paged=sum(allocated(size) for one in paged for size in used.state_bytes(one, item)),
        step=used.step_bytes([allocated(size) for size in sizes]),
        trainable=sum(prod(one) for one in moved),
    )


def trainable_shapes(shape: ModelShape, workload: Workload) -> list[Shape]:
    """The shape of every tensor that moves: of the base itself, or of what is put beside it."""
    if workload.method == "full":
        return [weight.shape for weight in shape.weights()]
    if workload.method == "last_layers":
        return [weight.shape for weight in _last(shape, workload)]
    if workload.method in ("lora", "adalora"):
        return list(_low_rank(shape, workload))
    if workload.method == "ia3":
        return [(one.weight.shape[-2],) for one in adapted(shape, workload.targets)]
    if workload.method == "adapter":
        down, up = (workload.rank, shape.hidden), (shape.hidden, workload.rank)
        return [down, up, down, up] * shape.layers
    if workload.method == "prefix":
        return [(workload.virtual_tokens, shape.layers * 2 * shape.kv_heads * shape.head_dim)]
    return [(workload.virtual_tokens, shape.hidden)]


def _low_rank(shape: ModelShape, workload: Workload) -> Iterator[Shape]:
    for one in adapted(shape, workload.targets):
        rows, columns = one.weight.shape[-2:]
        rank = workload.rank * one.factor * one.experts
        yield (rank, columns)
        yield (rows, rank)
        if workload.variant == "dora":
            yield (rows,)


def _last(shape: ModelShape, workload: Workload) -> list[Weight]:
    """The weights of the last blocks, and of the norm behind them."""
    blocks = shape.blocks[-workload.trained_layers :] if workload.trained_layers else ()
    norms = [weight for weight in shape.outside if weight.role == "norm"]
    return [weight for block in blocks for weight in block] + norms


def _adapter_item(workload: Workload) -> int:
    return 4 if workload.adapter_dtype == "float32" else 2


def _weights(shape: ModelShape, workload: Workload) -> int:
    """Bytes of the base: equal blocks are looked at once."""
    item = ITEM_BYTES[workload.precision.load]
    if workload.method == "full":
        item = ITEM_BYTES[workload.precision.trainable]
    total = sum(_frozen(weight, workload, item) for weight in shape.outside)
    known: dict[int, int] = {}
    for block in shape.blocks:
        if id(block) not in known:
            known[id(block)] = sum(_frozen(weight, workload, item) for weight in block)
        total += known[id(block)]
    if workload.method == "last_layers":
        trained = ITEM_BYTES[workload.precision.trainable]
        total += sum(
            rounded(weight.elements * trained) - rounded(weight.elements * item)
            for weight in _last(shape, workload)
        )
    return total


def _frozen(weight: Weight, workload: Workload, item: int) -> int:
    """A tensor of the base: packed with its statistics if it is quantised, else in its dtype."""
    elements = weight.elements
    if workload.quantization is None or weight.role not in QUANTISED:
        return rounded(elements * item)
    if workload.quantization == "int8":
        return rounded(elements) + rounded(weight.shape[0] * 4)
    blocks = -(-elements // _BLOCK)
    packed = rounded(-(-elements // 2)) + rounded(16 * 4)
    if not workload.double_quantization:
        return packed + rounded(blocks * 4)
    nested = -(-blocks // _NESTED_BLOCK)
    return packed + rounded(blocks) + rounded(nested * 4) + rounded(256 * 4) + rounded(4)
