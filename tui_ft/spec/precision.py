"""The one dtype policy: which precision weights are loaded in, trained in and computed in.

Trainer, simulation and estimate all ask here, so that what is predicted is what runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tui_ft.spec.run_spec import RunSpec

Dtype = Literal["bfloat16", "float16", "float32"]

ITEM_BYTES: dict[Dtype, int] = {"bfloat16": 2, "float16": 2, "float32": 4}

_SHORT: dict[str, Dtype] = {"bf16": "bfloat16", "fp16": "float16", "fp32": "float32"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Precision:
    """`load` for weights as they come from disk, `trainable` for those that move, `compute` for matmuls."""

    load: Dtype
    trainable: Dtype
    compute: Dtype

    @property
    def uses_autocast(self) -> bool:
        return self.trainable == "float32" and self.compute != "float32"


def best_compute_dtype(*, on_gpu: bool, has_bf16: bool) -> Dtype:
    """bf16 where the GPU has it (compute capability 8.0), else fp16, else fp32 on the CPU."""
    if not on_gpu:
        return "float32"
    return "bfloat16" if has_bf16 else "float16"


def decide(spec: RunSpec, *, on_gpu: bool, has_bf16: bool) -> Precision:
    """Apply the policy: frozen weights 16 bit, trained weights fp32 under autocast.

    Full fine-tuning in a pure 16-bit dtype happens only where the spec asks for it by `model.dtype`.
    """
    asked = spec.training.precision
    compute = best_compute_dtype(on_gpu=on_gpu, has_bf16=has_bf16) if asked == "auto" else _SHORT[asked]
    trains_whole = spec.method.kind == "full"
    dtype = spec.model.dtype
    if dtype == "auto":
        load: Dtype = "float32" if trains_whole else compute
        return Precision(load=load, trainable="float32", compute=compute)
    is_pure = trains_whole and dtype != "float32"
    return Precision(
        load=dtype, trainable=dtype if trains_whole else "float32", compute=dtype if is_pure else compute
    )
