"""What W&B samples of the machine while a run goes on, under the names of our own hardware series."""

from __future__ import annotations

import re

from tui_ft.watch.series import Series
from tui_ft.watch.sources.pace import newest
from tui_ft.watch.sources.wandb_message import Item

GIB = 1024**3
MIB = 1024**2
_GPU = re.compile(r"^gpu\.(?:process\.)?(\d+)\.(\w+)$")
_GPU_NAMES = {"gpu": ("gpu_utilization", 1.0), "powerWatts": ("gpu_power_w", 1.0), 
              "temp": ("gpu_temperature_c", 1.0),
              "memoryAllocatedBytes": ("gpu_used_gib", 1.0 / GIB)}  # fmt: skip
_NAMES = {"proc.memory.rssMB": ("rss_gib", MIB / GIB), "cpu": ("cpu_percent", 1.0),
          "memory_percent": ("host_used_percent", 1.0), "memory": ("host_used_percent", 1.0)}  # fmt: skip
"""Names by wandb core's monitors (core/internal/monitor), and by the Python client before 0.18."""
_MOST_GPUS = 64


class Statistics:
    """Rows of statistics as series over seconds since the first one (`origin`, unix seconds)."""

    def __init__(self) -> None:
        self.origin: float | None = None
        self.newest: float | None = None
        self.series: dict[str, Series] = {}

    def add(self, moment: float, items: list[Item]) -> None:
        """Take one row."""
        if self.origin is None:
            self.origin = moment
        self.newest = newest((moment,), self.newest)
        for item in items:
            name, factor = _known(item.name)
            try:
                value = float(item.json) * factor if name else None
            except ValueError:
                value = None
            if value is not None:
                self.series.setdefault(name, Series()).add(moment - self.origin, value)

    def settle(self) -> None:
        """Fold what was added; after each batch."""
        for series in self.series.values():
            series.settle()


def _known(name: str) -> tuple[str, float]:
    match = _GPU.match(name)
    if match is None:
        return _NAMES.get(name, ("", 1.0))
    ours, factor = _GPU_NAMES.get(match[2], ("", 1.0))
    number = int(match[1][:4])
    if not ours or number >= _MOST_GPUS or ".process." in name:
        return "", 1.0
    return (f"{ours}_{number}" if number else ours), factor
