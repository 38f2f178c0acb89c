"""Points of MLflow's metrics put into the table of a run, whichever store they come from."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterable

from tui_ft.watch.names import SeriesNames
from tui_ft.watch.series import Series
from tui_ft.watch.sources.final_metrics import FinalMetrics
from tui_ft.watch.sources.pace import newest
from tui_ft.watch.sources.table import MetricTable

Point = tuple[str, int, float, float]
"""Key, step, value, unix seconds."""

_SYSTEM = re.compile(r"^system/(?:gpu_(\d+)_)?(\w+)$")
_SYSTEM_NAMES = {
    "utilization_percentage": ("gpu_utilization", 1.0), "power_usage_watts": ("gpu_power_w", 1.0),
    "memory_usage_megabytes": ("gpu_used_gib", 1e6 / 1024**3),
    "cpu_utilization_percentage": ("cpu_percent", 1.0),
    "system_memory_usage_percentage": ("host_used_percent", 1.0),
}  # fmt: skip
"""mlflow/system_metrics/metrics; its megabytes are millions of bytes."""


class MetricPoints:
    """Fills a table with points in the order in which they were written."""

    def __init__(self, table: MetricTable) -> None:
        self.table = table
        self.newest: float | None = None
        self.origin: float | None = None
        self.hardware: dict[str, Series] = {}
        self.final = FinalMetrics()
        self._names = SeriesNames()

    def add(self, points: Iterable[Point]) -> None:
        """Take points of any keys."""
        columns: dict[str, tuple[list[int], list[float], list[float]]] = {}
        for key, step, value, at in points:
            steps, values, times = columns.setdefault(key, ([], [], []))
            steps.append(step)
            values.append(value)
            times.append(at)
        for key, (steps, values, times) in columns.items():
            self.newest = newest(times, self.newest)
            if key in ("epoch", "train/epoch"):
                self.table.epoch = values[-1]
            elif key.startswith("system/"):
                self._add_hardware(key, values, times)
            elif self.final.takes(key):
                self.final.add(key, steps, values, times)
            else:
                self.table.extend(self._names.of(key), steps, values, times)
        for key, steps, values, whens in self.final.given_out():
            self.table.extend(self._names.of(key), steps, values, whens)

    def _add_hardware(self, key: str, values: list[float], times: list[float]) -> None:
        match = _SYSTEM.match(key)
        name, factor = _SYSTEM_NAMES.get(match[2], ("", 1.0)) if match else ("", 1.0)
        if not match or not name:
            return
        if self.origin is None:
            self.origin = times[0]
        shown = f"{name}_{match[1]}" if match[1] not in (None, "0") else name
        series = self.hardware.setdefault(shown, Series())
        for value, at in zip(values, times, strict=True):
            series.add(at - self.origin, value * factor)
        series.settle()


def value_of(value: object, is_nan: object = 0) -> float | None:
    """A metric as MLflow keeps it: NaN is a mark of its own, infinity the largest number there is."""
    if is_nan:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    number = float(value)
    return math.copysign(math.inf, number) if abs(number) == sys.float_info.max else number
