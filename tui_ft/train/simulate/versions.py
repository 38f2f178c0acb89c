"""The versions that a simulation, and what was extracted from it, holds for."""

from __future__ import annotations

import importlib.metadata

PACKAGES = ("torch", "transformers", "trl", "peft", "accelerate", "bitsandbytes")


def versions() -> dict[str, str]:
    """Version by package, for those that are installed."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
