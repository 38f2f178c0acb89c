"""What trackio samples of the GPUs, under the names of our own hardware series."""

from __future__ import annotations

import re

from tui_ft.watch.series import Series
from tui_ft.watch.sources.pace import newest

_GPU = re.compile(r"^gpu/(\d+)/(\w+)$")
_NAMES = {"utilization": "gpu_utilization", "power": "gpu_power_w", "temp": "gpu_temperature_c",
          "allocated_memory": "gpu_used_gib", "total_memory": "gpu_total_gib"}  # fmt: skip
"""trackio/gpu.py; its memory is in GiB."""
_MOST_GPUS = 64


class SystemMetrics:
    """Rows of the machine as series over seconds since the first one (`origin`, unix seconds)."""

    def __init__(self) -> None:
        self.origin: float | None = None
        self.newest: float | None = None
        self.series: dict[str, Series] = {}

    def add(self, moment: float | None, numbers: dict[str, float]) -> None:
        """Take one row; one without a time is left out."""
        if moment is None:
            return
        if self.origin is None:
            self.origin = moment
        self.newest = newest((moment,), self.newest)
        for name, value in numbers.items():
            match = _GPU.match(name)
            if match is None or match[2] not in _NAMES or int(match[1][:4]) >= _MOST_GPUS:
                continue
            shown = _NAMES[match[2]] + (f"_{match[1]}" if match[1] != "0" else "")
            self.series.setdefault(shown, Series()).add(moment - self.origin, value)

    def settle(self) -> None:
        """Fold what was added; after each batch."""
        for series in self.series.values():
            series.settle()
