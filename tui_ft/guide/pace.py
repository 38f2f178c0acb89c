"""How long a run takes: from what an earlier run measured, else from the work that its GPU has to do."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from tui_ft.guide.peak_flops import peak_flops
from tui_ft.guide.volume import Volume, devices
from tui_ft.spec.display import effective_batch
from tui_ft.spec.intervals import steps_between_evaluations
from tui_ft.spec.precision import decide
from tui_ft.spec.resolve import METHOD_KEYS
from tui_ft.spec.run_spec import RunSpec
from tui_ft.vram.shape import ModelShape
from tui_ft.vram.workload import BF16_CAPABILITY

MFU_LOW, MFU_HIGH = 0.25, 0.45
"""Share of its peak that a GPU reaches in training (facts: domain, i)."""

DEQUANTIZING = 1.4
"""Upper bound of how much longer a step takes whose base is dequantised on the way (our own number)."""

LAUNCH_LOW_S, LAUNCH_HIGH_S = 0.4e-3, 1.5e-3
"""Least time of one pass of a micro-batch through a layer: kernels are started one after the other, however
small they are (our own numbers; a GPU that waits for them reaches no share of its peak)."""

SAME_LOW, SAME_HIGH = 0.9, 1.15
"""How far a run strays from one with the same settings; evaluations and rows of other lengths."""

ALIKE_LOW, ALIKE_HIGH = 0.6, 1.6
"""The same for one with the same model, method and GPU and other settings."""

USUAL_LAYERS = 32
"""Of a model whose shape is not known: those of 7 and 8 billion parameters have so many."""

LAST_LAYERS: int = METHOD_KEYS["last_layers"]["layers"]

Basis = Literal["measured", "formula", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """How fast an earlier run of ours was. `gpu` is empty for one on the CPU.

    `is_same`: its settings are those that speed depends on, not only model, method and GPU.
    """

    run: str
    tokens_per_s: float
    steps: int
    gpu: str
    is_same: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Time and tokens of a whole run. None is "not known"; `text` says what it rests on, or why not known.

    Seconds are those of training and evaluation; loading, saving and idle time come on top.
    """

    volume: Volume
    tokens: float | None = None
    low_s: float | None = None
    high_s: float | None = None
    basis: Basis = "unknown"
    text: str = ""


def pace(
    spec: RunSpec,
    amount: Volume,
    *,
    shape: ModelShape | None = None,
    gpu: str | None = None,
    capability: tuple[int, int] | None = None,
    measured: Measured | None = None,
) -> Pace:
    """Time of `spec` on a GPU of the name `gpu` (None: on the CPU), reading `amount`.

    `measured` of an earlier run goes before the formula, which needs `shape`. `capability` decides
    whether there is bf16.
    """
    rows = amount.rows_seen(effective_batch(spec, devices(spec)))
    if rows is None or amount.row_tokens is None:
        why = "the data is not checked yet" if amount.rows is None else "the rows' lengths are not known"
        return Pace(volume=amount, text=why)
    tokens = rows * amount.row_tokens
    tested = _evaluated_rows(spec, amount) * amount.row_tokens
    if measured is not None and measured.tokens_per_s > 0:
        low, high = (SAME_LOW, SAME_HIGH) if measured.is_same else (ALIKE_LOW, ALIKE_HIGH)
        passes = _passes(spec, shape.layers if shape is not None else USUAL_LAYERS)
        seconds = (tokens + tested / passes) / measured.tokens_per_s
        alike = "the same settings" if measured.is_same else "other settings"
        text = f"measured: {measured.tokens_per_s:,.0f} tokens/s in {measured.run}, {alike}"
        return Pace(volume=amount, tokens=tokens, low_s=seconds * low, high_s=seconds * high,
                    basis="measured", text=text)  # fmt: skip
    if gpu is None:
        return Pace(volume=amount, tokens=tokens, text="no GPU, and no such run was measured here")
    if shape is None or shape.counted != "architecture":
        return Pace(volume=amount, tokens=tokens, text="the model's layers are not known")
    has_bf16 = capability is None or capability >= BF16_CAPABILITY
    dtype = decide(spec, on_gpu=True, has_bf16=has_bf16).compute
    peak = peak_flops(gpu, dtype)
    if peak is None:
        return Pace(volume=amount, tokens=tokens, text=f"no peak is known for {gpu} in {dtype}")
    low, high = _by_formula(spec, amount, shape, peak, rows, tested)
    text = f"by formula: {MFU_LOW:.0%} to {MFU_HIGH:.0%} of {peak / 1e12:,.0f} TFLOP/s"
    return Pace(volume=amount, tokens=tokens, low_s=low, high_s=high, basis="formula", text=text)


def flops_per_token(spec: RunSpec, shape: ModelShape) -> float:
    """Products and sums that one trained token costs.

    Two a weight for each pass: forward, back to the activations, back to the weights where they are
    trained, and once more forward with gradient checkpointing (facts: domain, i).
    """
    return 2.0 * _passes(spec, shape.layers) * active_parameters(shape)


def active_parameters(shape: ModelShape) -> float:
    """Weights that a token is multiplied by: of a mixture its own experts, of the embedding only a head."""
    share = 1.0
    if shape.experts and shape.experts_per_token:
        share = min(shape.experts_per_token / shape.experts, 1.0)
    total = 0.0
    for weight in shape.weights():
        if weight.role == "embedding" and not shape.is_tied:
            continue  # a row is looked up
        total += weight.elements * (share if weight.role == "experts" else 1.0)
    return total


def _passes(spec: RunSpec, layers: int) -> float:
    """Passes through the weights that training takes, in forward ones; back go only the last layers there."""
    back = 2.0 if spec.method.kind in ("full", "last_layers") else 1.0
    again = 1.0 if spec.training.gradient_checkpointing and spec.method.kind != "prefix" else 0.0
    if spec.method.kind != "last_layers":
        return 1.0 + back + again
    share = min((spec.method.layers or LAST_LAYERS) / max(layers, 1), 1.0)
    return 1.0 + (back + again) * share


def _by_formula(
    spec: RunSpec, amount: Volume, shape: ModelShape, peak: float, rows: float, tested: float
) -> tuple[float, float]:
    """Least and most seconds. The GPU computes padding too; and no layer is faster than its kernels start."""
    gpus = devices(spec)
    padded = rows * (amount.padded_tokens or amount.row_tokens or 0.0)
    flops = flops_per_token(spec, shape) * padded + 2.0 * active_parameters(shape) * tested
    slower = DEQUANTIZING if spec.method.quantization else 1.0
    batches = math.ceil(padded / max(_batch_tokens(spec, amount), 1.0))
    layer_passes = batches * shape.layers * _passes(spec, shape.layers)
    low = max(flops / (peak * MFU_HIGH), layer_passes * LAUNCH_LOW_S)
    high = max(flops * slower / (peak * MFU_LOW), layer_passes * LAUNCH_HIGH_S * slower)
    return low / gpus, high / gpus


def _batch_tokens(spec: RunSpec, amount: Volume) -> float:
    """Tokens of one micro-batch, padding included."""
    row = spec.data.max_length if spec.data.packing else amount.padded_tokens or amount.row_tokens or 1.0
    return spec.training.batch_size * row


def _evaluated_rows(spec: RunSpec, amount: Volume) -> float:
    """Held-out rows that the evaluations of the whole run read."""
    if not amount.held_out_rows or not amount.steps or not amount.steps_per_epoch:
        return 0.0
    every = steps_between_evaluations(spec, amount.steps_per_epoch)
    return math.ceil(amount.steps / every) * amount.held_out_rows
