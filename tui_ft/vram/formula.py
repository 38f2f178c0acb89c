"""The general formula for what a step computes, where no coefficients were extracted: some percent off."""

from __future__ import annotations

from dataclasses import dataclass

from tui_ft.spec.precision import ITEM_BYTES
from tui_ft.vram.shape import ModelShape
from tui_ft.vram.workload import Workload

CHUNK = 4096
TILE = 32768
"""Tokens and vocabulary entries of one tile of trl's fused head (trl/trainer/utils.py, kernels)."""


@dataclass(frozen=True, slots=True)
class Moving:
    """Bytes that live inside a step at its peak."""

    activations: int
    loss: int


def moving(shape: ModelShape, workload: Workload) -> Moving:
    """Activations and loss of one micro-batch (facts: vram, 3c and 3d), in bytes."""
    rows = workload.batch_size
    length = workload.seq_length + workload.virtual_tokens
    tokens = rows * length
    compute = ITEM_BYTES[workload.precision.compute]
    hidden, wide = shape.hidden, _mlp_width(shape)
    query, key = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
    score = _layer_scores(shape, workload, rows, length)
    layer = tokens * (5 * wide * compute + hidden * (8 + 2 * compute) + (2 * query + 4 * key) * compute)
    layer += score + (8 * tokens * workload.rank * 4 if workload.method in ("lora", "adalora") else 0)
    if workload.quantization:
        layer += hidden * shape.intermediate * compute
    if workload.gradient_checkpointing:
        activations = shape.layers * tokens * hidden * compute + layer
    else:
        activations = shape.layers * layer
    labelled = rows * max(length - 1, 1)
    tile = min(labelled, CHUNK) * min(shape.vocabulary, TILE) * compute
    loss = tile + labelled * hidden * (4 + 2 * compute)
    if workload.method == "full":
        loss += shape.vocabulary * hidden * 4
    return Moving(activations=activations, loss=loss)


def _mlp_width(shape: ModelShape) -> int:
    if shape.experts_per_token and shape.expert_intermediate:
        return shape.experts_per_token * (shape.expert_intermediate + shape.hidden)
    return shape.intermediate


def score_bytes(shape: ModelShape, workload: Workload) -> int:
    """Bytes of eager attention's scores: of one layer, or of all where nothing is computed again."""
    length = workload.seq_length + workload.virtual_tokens
    layer = _layer_scores(shape, workload, workload.batch_size, length)
    return layer if workload.gradient_checkpointing else shape.layers * layer


def _layer_scores(shape: ModelShape, workload: Workload, rows: int, length: int) -> int:
    if workload.attention == "eager":
        return 3 * shape.heads * rows * length * length * 4
    return 3 * rows * length * length if workload.is_padded or workload.is_packed else 0
