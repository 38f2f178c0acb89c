"""The training libraries' versions, read from their metadata: nothing of them is imported."""

from __future__ import annotations

import importlib.metadata
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from tui_ft import settings
from tui_ft.user_paths import user_path

ABOVE_TORCH = ("transformers", "trl", "peft", "accelerate", "bitsandbytes")


def versions() -> Mapping[str, str]:
    """The versions that the trainer's interpreter has; what cannot be found out is left out."""
    return _versions_of(settings.trainer_python())


def stack_text(found: Mapping[str, str]) -> str | None:
    """The libraries above torch in one string, by which measured runs are compared."""
    return ", ".join(f"{name} {found[name]}" for name in ABOVE_TORCH if name in found) or None


@cache
def _versions_of(python: str) -> Mapping[str, str]:
    paths = sys.path if python == sys.executable else _packages_of(user_path(python))
    found: dict[str, str] = {}
    for name in ("torch", *ABOVE_TORCH):
        first = next(iter(importlib.metadata.distributions(name=name, path=paths)), None)
        if first is not None and first.version:
            found[name] = first.version
    return found


def _packages_of(python: Path) -> list[str]:
    """Where the packages of another virtual environment lie."""
    return [str(folder) for folder in (python.parent.parent / "lib").glob("python3*/site-packages")]
