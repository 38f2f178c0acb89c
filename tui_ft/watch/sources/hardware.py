"""Following hardware.jsonl: the last row, and the curve of the memory that counts."""

from __future__ import annotations

import time

import msgspec

from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.records import HardwareRow, complete_lines, decode_hardware
from tui_ft.watch.log import clean_line
from tui_ft.watch.reading import MemoryCurve
from tui_ft.watch.series import Series
from tui_ft.watch.tail import Tail

GIB = 1024**3


class HardwareReader:
    """Follows hardware.jsonl and folds it into one curve of memory."""

    def __init__(self, run: RunDirectory) -> None:
        self._tail = Tail(run.hardware)
        self._reset()

    def _reset(self) -> None:
        self.bad = 0
        self.last: HardwareRow | None = None
        self._measured: HardwareRow | None = None
        self._origin: float | None = None
        self._gpu = Series()
        self._host = Series()

    def poll(self, end: float) -> bool:
        changed = False
        while data := self._tail.read():
            if self._tail.restarted:
                self._reset()
            changed = True
            for line in complete_lines(data):
                try:
                    self._take(decode_hardware(line))
                except (msgspec.DecodeError, UnicodeDecodeError):
                    self.bad += 1
            if time.monotonic() >= end:
                break
        self._gpu.settle()
        self._host.settle()
        return changed

    def _take(self, row: HardwareRow) -> None:
        self.last = row
        if self._origin is None:
            self._origin = row.time
        at = row.time - self._origin
        used = row.gpus[0].used_bytes if row.gpus else None
        if used is not None:
            self._gpu.add(at, used / GIB)
        if used is not None or (row.trainer_rss_bytes is not None and not len(self._gpu)):
            self._measured = row
        if row.trainer_rss_bytes is not None:
            self._host.add(at, row.trainer_rss_bytes / GIB)

    def memory(self) -> MemoryCurve | None:
        """The GPU's memory where there is one, else the trainer's resident memory.

        The numbers are those of the last row that knew them: when the trainer has gone nobody does.
        """
        row = self._measured or self.last
        if row is None or self._origin is None:
            return None
        if row.gpus or len(self._gpu):
            gpu = row.gpus[0] if row.gpus else None
            used = gpu.used_bytes if gpu is not None else None
            total = gpu.total_bytes if gpu is not None else None
            name = clean_line(gpu.name) if gpu is not None else ""
            free = total - used if total is not None and used is not None else None
            return MemoryCurve(
                is_gpu=True, series=self._gpu, origin=self._origin, name=name,
                used_gib=_gib(used), total_gib=_gib(total), free_gib=_gib(free),
            )  # fmt: skip
        limit, taken = row.memory_limit_bytes, row.memory_used_bytes
        return MemoryCurve(
            is_gpu=False, series=self._host, origin=self._origin,
            used_gib=_gib(row.trainer_rss_bytes), total_gib=_gib(limit),
            free_gib=_gib(limit - taken if limit is not None and taken is not None else None),
        )  # fmt: skip


def _gib(size: int | None) -> float | None:
    return size / GIB if size is not None else None
