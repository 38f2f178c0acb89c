"""What an attempt ran with: versions, device, driver, base model, and how it was started."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import sys
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import torch

from tui_ft import __version__
from tui_ft.data.model_identity import identity_of
from tui_ft.errors import TuiFtError
from tui_ft.hardware import machine
from tui_ft.hardware.gpu import read_gpus
from tui_ft.spec.run_spec import RunSpec
from tui_ft.train.model import model_source
from tui_ft.train.precision import Precision
from tui_ft.train.tokenizer import folder_of

PACKAGES = (
    "torch", "transformers", "trl", "peft", "accelerate", "bitsandbytes", "datasets",
    "tokenizers", "safetensors", "huggingface-hub", "numpy", "pyarrow", "triton", "flash-attn", "kernels",
    "torchao", "deepspeed", "liger-kernel",
)  # fmt: skip
"""What may change the numbers of a run; one that is not installed is None."""


COMPILERS = ("cc", "gcc", "clang")
"""What triton looks for; trl's fused LM head is a triton kernel on every CUDA GPU."""


def require_compiler(device: torch.device) -> None:
    """Refuse before anything is loaded what the first training step could not do.

    Raises `TuiFtError` on a CUDA box without a C compiler.
    """
    named = os.environ.get("CC")
    if device.type != "cuda" or any(shutil.which(name) for name in (*COMPILERS, *([named] if named else []))):
        return
    raise TuiFtError(
        "There is no C compiler here, and training on a GPU compiles its loss kernel at the first step.",
        "Install one, for example with `apt-get install gcc`.",
    )


def version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def describe(device: torch.device, precision: Precision, spec: RunSpec | None = None) -> dict[str, Any]:
    """Return the content of the attempt's environment file.

    With `spec` it tells which base model that is, as far as it is on this disk by now.
    """
    found: dict[str, Any] = {
        "schema": 1,
        "python": sys.version.split()[0],
        "executable": sys.executable,
        "platform": platform.platform(),
        "command": sys.argv,
        "packages": {"tui-ft": __version__} | {name: version(name) for name in PACKAGES},
        "device": str(device),
        "precision": {
            "load": str(precision.load),
            "trainable": str(precision.trainable),
            "compute": str(precision.compute),
        },
        "threads": torch.get_num_threads(),
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version() if device.type == "cuda" else None,
        "visible_devices": os.environ.get("CUDA_VISIBLE_DEVICES"),
        "machine": msgspec.to_builtins(machine.this_machine()),
    }
    if device.type == "cuda":
        facts = torch.cuda.get_device_properties(device)
        found["driver"] = read_gpus().driver
        found["gpu"] = {
            "name": facts.name,
            "total_bytes": facts.total_memory,
            "compute_capability": f"{facts.major}.{facts.minor}",
        }
    if spec is not None:
        found["seeds"] = {"training": spec.training.seed, "data": spec.data.seed}
        found["model"] = base_model(spec)
    return found


def base_model(spec: RunSpec) -> dict[str, Any]:
    """Which base model it is: what was asked for, and what lies on the disk (None before it is fetched)."""
    source, revision = model_source(spec), spec.model.revision
    folder = Path(source) if Path(source).is_dir() else folder_of(source, revision)
    facts = _identity(folder) if folder is not None else None
    return {"id": spec.model.id, "revision": revision, **(facts or {})}


@cache
def _identity(folder: Path) -> dict[str, Any] | None:
    """A model does not change while it is trained from: it is read once a process."""
    found = identity_of(folder)
    return msgspec.to_builtins(found) if found is not None else None
