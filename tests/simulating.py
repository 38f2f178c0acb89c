"""Runs a script that simulates CUDA: in a process of its own, for its library must come before torch."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent

needs_compiler = pytest.mark.skipif(
    not any(shutil.which(name) for name in ("g++", "c++", "clang++")), reason="no C++ compiler"
)


def output_of(script: Path, shim_folder: Path, *arguments: str) -> str:
    """What the script printed; the library is compiled into `shim_folder`."""
    environment = os.environ | {
        "PYTHONPATH": str(TESTS.parent),
        "TUI_FT_SHIM_FOLDER": str(shim_folder),
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, str(script), *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout
