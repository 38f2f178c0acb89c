"""The one dtype policy: which precision weights are loaded in, trained in and computed in."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from tui_ft.errors import TuiFtError
from tui_ft.spec.run_spec import RunSpec

_NAMES = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}
_DTYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16, "float32": torch.float32}


@dataclass(frozen=True, kw_only=True)
class Precision:
    """`load` for weights as they come from disk, `trainable` for those that move, `compute` for matmuls."""

    load: torch.dtype
    trainable: torch.dtype
    compute: torch.dtype

    @property
    def uses_autocast(self) -> bool:
        return self.trainable is torch.float32 and self.compute is not torch.float32

    def autocast(self, device: torch.device) -> torch.autocast:
        """A context in which trained and frozen weights of different dtypes work together."""
        return torch.autocast(device.type, dtype=self.compute, enabled=self.uses_autocast)


def training_device() -> torch.device:
    return torch.device("cuda") if torch.cuda.is_available() else torch.device("cpu")


def best_compute_dtype(device: torch.device) -> torch.dtype:
    """bf16 where the GPU has it, else fp16, else fp32 on the CPU."""
    if device.type != "cuda":
        return torch.float32
    return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16


def decide(spec: RunSpec, device: torch.device) -> Precision:
    """Apply the policy: frozen weights 16 bit, trained weights fp32 under autocast.

    Full fine-tuning in a pure 16-bit dtype happens only where the spec asks for it by `model.dtype`.
    Raises `TuiFtError` for a precision that the device cannot compute in.
    """
    asked = spec.training.precision
    compute = best_compute_dtype(device) if asked == "auto" else _NAMES[asked]
    if device.type == "cpu" and compute is torch.float16:
        raise TuiFtError("training.precision = fp16 cannot be trained on a CPU.", "Use auto, fp32 or bf16.")
    if device.type == "cuda" and compute is torch.bfloat16 and best_compute_dtype(device) is torch.float16:
        raise TuiFtError("This GPU has no bf16.", "Use training.precision = auto or fp16.")
    trained_whole = spec.method.kind == "full"
    dtype = spec.model.dtype
    if dtype != "auto":
        load = _DTYPES[dtype]
        return Precision(
            load=load,
            trainable=load if trained_whole else torch.float32,
            compute=load if trained_whole and load is not torch.float32 else compute,
        )
    return Precision(
        load=torch.float32 if trained_whole else compute, trainable=torch.float32, compute=compute
    )
