"""Following hardware.jsonl: the last row, all its numbers as curves, and the memory that counts."""

from __future__ import annotations

from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.records import HardwareRow, decode_hardware
from tui_ft.watch.log import clean_line
from tui_ft.watch.reading import MemoryCurve
from tui_ft.watch.series import Series
from tui_ft.watch.sources.row_file import RowFile
from tui_ft.watch.sources.table import MetricTable

GIB = 1024**3


class HardwareReader(RowFile[HardwareRow]):
    """Follows hardware.jsonl; `origin` is the unix time of its first row."""

    def __init__(self, run: RunDirectory) -> None:
        super().__init__(run.hardware, decode_hardware)

    def reset(self) -> None:
        self.last: HardwareRow | None = None
        self.origin: float | None = None
        self._measured: HardwareRow | None = None
        self._table = MetricTable()
        self._has_gpu = False

    def take(self, rows: list[HardwareRow]) -> None:
        for row in rows:
            self._look(row)
        self._table.add([numbers_of(row, self.origin or 0.0) for row in rows])

    def _look(self, row: HardwareRow) -> None:
        self.last = row
        if self.origin is None:
            self.origin = row.time
        has_gpu = bool(row.gpus) and row.gpus[0].used_bytes is not None
        self._has_gpu = self._has_gpu or has_gpu
        if has_gpu or (row.trainer_rss_bytes is not None and not self._has_gpu):
            self._measured = row

    def series(self) -> dict[str, Series]:
        """All curves by name, over seconds since `origin`."""
        return self._table.named_series()

    def _curve(self, name: str) -> Series:
        return self._table.series.get(name) or Series()

    def memory(self) -> MemoryCurve | None:
        """The GPU's memory where there is one, else the trainer's resident memory.

        The numbers are those of the last row that knew them: when the trainer has gone nobody does.
        """
        row = self._measured or self.last
        if row is None or self.origin is None:
            return None
        if row.gpus or self._has_gpu:
            gpu = row.gpus[0] if row.gpus else None
            used = gpu.used_bytes if gpu is not None else None
            total = gpu.total_bytes if gpu is not None else None
            name = clean_line(gpu.name) if gpu is not None else ""
            return MemoryCurve(
                is_gpu=True, series=self._curve("gpu_used_gib"), origin=self.origin, name=name,
                used_gib=_gib(used), total_gib=_gib(total or None), free_gib=_gib(_left(total, used)),
            )  # fmt: skip
        limit, taken = row.memory_limit_bytes, row.memory_used_bytes
        return MemoryCurve(
            is_gpu=False, series=self._curve("rss_gib"), origin=self.origin,
            used_gib=_gib(row.trainer_rss_bytes), total_gib=_gib(limit or None),
            free_gib=_gib(_left(limit, taken)),
        )  # fmt: skip


def numbers_of(row: HardwareRow, origin: float) -> dict[str, float | None]:
    """A row as the series have it: memory and disk in GiB, per cent, watts, degrees Celsius.

    The second GPU and those after it carry a number behind the name: `gpu_power_w_1`.
    """
    numbers: dict[str, float | None] = {"step": row.time - origin}
    for place, gpu in enumerate(row.gpus):
        behind = f"_{place}" if place else ""
        numbers[f"gpu_utilization{behind}"] = gpu.utilization
        numbers[f"gpu_power_w{behind}"] = gpu.power_w
        numbers[f"gpu_temperature_c{behind}"] = gpu.temperature_c
        numbers[f"gpu_used_gib{behind}"] = _gib(gpu.used_bytes)
        numbers[f"gpu_total_gib{behind}"] = _gib(gpu.total_bytes)
    numbers["rss_gib"] = _gib(row.trainer_rss_bytes)
    numbers["host_used_gib"] = _gib(row.memory_used_bytes)
    numbers["host_total_gib"] = _gib(row.memory_limit_bytes)
    numbers["disk_free_gib"] = _gib(row.disk_free_bytes)
    return numbers


def _left(whole: int | None, used: int | None) -> int | None:
    """What is free; not known where it is not known of how much, or a row counts none at all."""
    return max(whole - used, 0) if whole and used is not None else None


def _gib(size: int | None) -> float | None:
    return size / GIB if size is not None else None
