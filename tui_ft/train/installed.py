"""Run by the trainer's interpreter, alone: what is installed there and what torch sees, as one line of JSON.

It imports nothing of this package, so that it also answers in an interpreter that lacks it.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import platform
import sys
import sysconfig
from typing import Any

PACKAGES = (
    "tui-ft", "torch", "transformers", "trl", "peft", "accelerate", "bitsandbytes", "datasets", "tokenizers",
    "safetensors", "huggingface-hub", "msgspec", "flash-attn", "triton", "nvidia-ml-py", "pynvml", "torchao",
)  # fmt: skip
_LONGEST = 300


def version(name: str) -> str | None:
    """The installed version of a package; None where it is not there."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def folder_of(name: str) -> str | None:
    """Where a module would be imported from, without importing it."""
    found = importlib.util.find_spec(name)
    places = list(found.submodule_search_locations or []) if found else []
    return places[0] if places else None


def torch_facts() -> dict[str, Any]:
    """What torch says of itself and the GPUs; its own words where it cannot."""
    try:
        import torch
    except BaseException as error:  # noqa: BLE001 - a broken installation raises anything
        return {"problem": f"{type(error).__name__}: {words(error)}"}
    facts: dict[str, Any] = {
        "version": str(torch.__version__),
        "cuda": torch.version.cuda,
        "hip": getattr(torch.version, "hip", None),
        "threads": torch.get_num_threads(),
    }
    try:
        if torch.version.cuda:
            facts["architectures"] = list(torch.cuda.get_arch_list())
        facts["devices"] = torch.cuda.device_count()
        facts["is_available"] = torch.cuda.is_available()
        if torch.version.cuda and not facts["is_available"]:
            torch.cuda.init()  # it says why
    except Exception as error:  # noqa: BLE001 - the driver's own words are what is wanted
        facts["problem"] = words(error)
    return facts


def words(error: BaseException) -> str:
    """A library's message on one line."""
    return " ".join(str(error).split())[:_LONGEST]


def main() -> None:
    """Print the report."""
    quantizer = folder_of("bitsandbytes")
    libraries = sorted(os.listdir(quantizer)) if quantizer else []
    header = os.path.join(sysconfig.get_paths()["include"], "Python.h")  # noqa: PTH118 - as old as any Python
    report = {
        "python": platform.python_version(),
        "executable": sys.executable,
        "prefix": sys.prefix,
        "places": [place for place in sys.path if os.path.isdir(place)],  # noqa: PTH112
        "package": folder_of("tui_ft"),
        "versions": {name: version(name) for name in PACKAGES},
        "has_header": os.path.exists(header),  # noqa: PTH110
        "quantizer_libraries": [name for name in libraries if name.startswith("libbitsandbytes_")],
        "torch": torch_facts(),
    }
    sys.stdout.write(json.dumps(report) + "\n")


if __name__ == "__main__":
    main()
