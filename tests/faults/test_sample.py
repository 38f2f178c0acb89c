"""A short sample of the fault matrix, drawn anew each time: a failure names the seed that repeats it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

MATRIX = Path(__file__).with_name("matrix.py")


@pytest.mark.train
def test_a_sample_of_the_faults(tmp_path: Path) -> None:
    command = [sys.executable, str(MATRIX), "--instants", "6", "--cuts", "3", "--cold", "0"]
    played = subprocess.run(
        [*command, "--root", str(tmp_path)],
        capture_output=True, text=True, timeout=900, check=False, env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert played.returncode == 0, played.stdout[-6000:] + played.stderr[-2000:]
    assert "0 failures" in played.stdout
