"""What an attempt ran with: versions, device, driver, and how it was started."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import sys
from typing import Any

import torch

from tui_ft import __version__
from tui_ft.errors import TuiFtError
from tui_ft.train.precision import Precision

PACKAGES = (
    "torch", "transformers", "trl", "peft", "accelerate", "bitsandbytes", "datasets",
    "tokenizers", "safetensors",
)  # fmt: skip


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


def describe(device: torch.device, precision: Precision) -> dict[str, Any]:
    """Return the content of the attempt's environment file."""
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
        "visible_devices": os.environ.get("CUDA_VISIBLE_DEVICES"),
    }
    if device.type == "cuda":
        facts = torch.cuda.get_device_properties(device)
        found["gpu"] = {
            "name": facts.name,
            "total_bytes": facts.total_memory,
            "compute_capability": f"{facts.major}.{facts.minor}",
        }
    return found
