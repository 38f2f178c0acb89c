"""A box that is played where there is none: a clock that somebody sets, a GPU at the door of NVML.

Launcher, supervisor and trainer of one case read the same small file, named by `PLAYED_BOX`, so that what is
played can change while they run. Nothing of this is known to the product.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from hardware.fake_nvml import FULL, GIB, FakeNvml

VARIABLE = "PLAYED_BOX"
TOO_HOT = 0x20
"""NVML's bit for a clock that is held down by heat."""


class PlayedBox:
    """The file that says how the box is now: by how much its clock was set, and what its GPU answers."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def shift_s(self) -> float:
        return float(self._read().get("shift_s", 0.0))

    @property
    def gpu(self) -> dict[str, Any] | None:
        found: dict[str, Any] | None = self._read().get("gpu")
        return found

    def set_clock(self, seconds: float) -> None:
        """Move the clock; against the real one, not against an earlier move."""
        self._write({"shift_s": seconds})

    def set_gpu(self, **answers: object) -> None:
        """Change what the GPU answers; the rest is a card at work with room to spare."""
        self._write({"gpu": (self.gpu or {}) | answers})

    def install(self) -> None:
        """Let this process see the played box instead of the real one. Before its other imports."""
        real, real_ns = time.time, time.time_ns
        time.time = lambda: real() + self.shift_s
        time.time_ns = lambda: real_ns() + int(self.shift_s * 1e9)
        if self.gpu is None:
            return
        from tui_ft.hardware import gpu

        gpu._has_driver = lambda: True
        gpu._load_nvml = lambda: PlayedNvml(self)  # type: ignore[assignment,return-value]

    def _read(self) -> dict[str, Any]:
        try:
            known: dict[str, Any] = json.loads(self.path.read_bytes())
        except FileNotFoundError:
            return {}
        return known

    def _write(self, changes: dict[str, object]) -> None:
        whole = self.path.with_suffix(".new")
        whole.write_text(json.dumps(self._read() | changes))
        whole.replace(self.path)  # whoever reads meanwhile reads the old one or the new one


class PlayedNvml(FakeNvml):
    """One GPU whose answers are those of the moment."""

    def __init__(self, box: PlayedBox) -> None:
        super().__init__(None)
        self._box = box

    def nvmlDeviceGetHandleByIndex(self, index: int) -> dict[str, Any]:  # noqa: N802
        return FULL | (self._box.gpu or {})


def memory(total_gib: float, used_gib: float) -> list[int]:
    """NVML's total, free and used bytes."""
    return [int(gib * GIB) for gib in (total_gib, total_gib - used_gib, used_gib)]


def of_environment() -> PlayedBox | None:
    """The box that this process is to see, if any."""
    path = os.environ.get(VARIABLE)
    return PlayedBox(Path(path)) if path else None
