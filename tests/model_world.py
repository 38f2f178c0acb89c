"""Models on a disk, and a GPU to hold them against, for the tests of the Model step."""

from __future__ import annotations

import shutil
from pathlib import Path

from hardware.fake_nvml import FakeNvml
from method_world import device

from tui_ft.demo import paths as demo_paths


def a_24gb_gpu() -> FakeNvml:
    return FakeNvml(device(0, "GeForce RTX 4090", 24, 23.5))


def a_model(folder: Path) -> Path:
    """A whole model of a folder's own: the built-in one, copied."""
    shutil.copytree(demo_paths.model_folder(), folder)
    return folder
