"""The dtype policy of the spec as torch dtypes, and whether this device can compute in them."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from tui_ft.errors import TuiFtError
from tui_ft.spec import precision as policy
from tui_ft.spec.run_spec import RunSpec

DTYPES: dict[policy.Dtype, torch.dtype] = {
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
    "float32": torch.float32,
}


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


def decide(spec: RunSpec, device: torch.device) -> Precision:
    """Apply the policy of `tui_ft.spec.precision` on `device`.

    Raises `TuiFtError` for a precision that the device cannot compute in.
    """
    has_bf16 = device.type != "cuda" or torch.cuda.is_bf16_supported(including_emulation=False)
    names = policy.decide(spec, on_gpu=device.type == "cuda", has_bf16=has_bf16)
    if device.type == "cpu" and names.compute == "float16" and spec.training.precision == "fp16":
        raise TuiFtError("training.precision = fp16 cannot be trained on a CPU.", "Use auto, fp32 or bf16.")
    if device.type == "cuda" and spec.training.precision == "bf16" and not has_bf16:
        raise TuiFtError("This GPU has no bf16.", "Use training.precision = auto or fp16.")
    return as_torch(names)


def as_torch(names: policy.Precision) -> Precision:
    """The same policy in torch's own terms."""
    return Precision(
        load=DTYPES[names.load], trainable=DTYPES[names.trainable], compute=DTYPES[names.compute]
    )
