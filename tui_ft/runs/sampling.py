"""The rows of hardware.jsonl: what the run's GPUs and the box do, written when it changes."""

from __future__ import annotations

import os
from collections.abc import Collection

from tui_ft.hardware import host, processes
from tui_ft.hardware.gpu import GpuReader, GpuReading
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.records import GpuSample, HardwareRow

_HOUR_S = 3600.0
_EARLY_S, _EARLY_AT_LEAST_S = 1.0, 10.0
_LATER_S, _LATER_AT_LEAST_S = 10.0, 60.0
_SLACK_S = 0.05
"""A poll comes a little early or late: that must not cost a whole row."""
_TREE_S = 15.0
"""How often the trainer's children are looked for: that reads all of /proc."""

# what is a change: smaller ones are noise, and would fill the disk with it
_BYTES_SHARE = 0.01
_UTILIZATION_POINTS = 10.0
_POWER_SHARE = 0.1
_DEGREES = 2.0


class HardwareSampler:
    """Makes the next row when one is due: at most one a second, at least one in ten; a tenth of that
    after an hour.
    """

    def __init__(
        self, run: RunDirectory, gpus: Collection[str], trainer_pid: int, reader: GpuReader | None = None
    ) -> None:
        self._run = run
        self._gpus = frozenset(gpus)
        self._trainer = trainer_pid
        self._reader = reader or GpuReader()
        self._tree: list[int] = [trainer_pid]
        self._tree_at = 0.0
        self._began: float | None = None
        self._looked_at = 0.0
        self._last: HardwareRow | None = None
        self.latest: HardwareRow | None = None
        """The newest reading, written or not."""

    def sample(self, now: float) -> HardwareRow | None:
        """Return the row to write at `now` (unix seconds), None when none is due."""
        if self._began is None or now < self._looked_at:  # the first one, or a clock that was set back
            self._began, self._looked_at, self._last = now, 0.0, None
        is_early = now - self._began < _HOUR_S
        if now - self._looked_at < (_EARLY_S if is_early else _LATER_S) - _SLACK_S:
            return None
        self._looked_at = now
        row = self.latest = self._read(now)
        at_least = _EARLY_AT_LEAST_S if is_early else _LATER_AT_LEAST_S
        if (
            self._last is not None
            and now - self._last.time < at_least - 0.5
            and not _differs(self._last, row)
        ):
            return None
        self._last = row
        return row

    def close(self) -> None:
        """Let go of the driver."""
        self._reader.close()

    def _read(self, now: float) -> HardwareRow:
        reading = self._reader.read(with_processes=False) if self._gpus else GpuReading(())
        if now - self._tree_at > _TREE_S or now < self._tree_at:
            self._tree = [self._trainer, *processes.descendants(self._trainer)]
            self._tree_at = now
        memory = host.memory()
        disk_free, inodes_free, inodes_total = _free(self._run)
        return HardwareRow(
            time=round(now, 3),
            gpus=_samples(reading, self._gpus),
            gpu_problem=reading.problem,
            trainer_rss_bytes=processes.resident_bytes(self._tree),
            memory_used_bytes=memory.used_bytes,
            memory_limit_bytes=memory.limit_bytes,
            disk_free_bytes=disk_free,
            inodes_free=inodes_free,
            inodes_total=inodes_total,
        )


def _samples(reading: GpuReading, wanted: frozenset[str]) -> list[GpuSample]:
    return [
        GpuSample(
            index=gpu.index,
            uuid=gpu.uuid,
            name=gpu.name,
            used_bytes=gpu.used_bytes,
            total_bytes=gpu.total_bytes,
            utilization=gpu.utilization,
            power_w=gpu.power_w,
            temperature_c=gpu.temperature_c,
            throttle=gpu.throttle,
        )
        for gpu in reading.gpus
        if gpu.uuid in wanted
    ]


def _free(run: RunDirectory) -> tuple[int | None, int | None, int | None]:
    """Bytes and inodes that a user may still take, and of how many inodes; what counts none says 0 of 0."""
    try:
        numbers = os.statvfs(run.path)
    except OSError:
        return None, None, None
    inodes = (numbers.f_favail, numbers.f_files) if numbers.f_files else (None, None)
    return numbers.f_bavail * numbers.f_frsize, *inodes


def _differs(old: HardwareRow, new: HardwareRow) -> bool:
    if old.gpu_problem != new.gpu_problem or len(old.gpus) != len(new.gpus):
        return True
    if any(_gpu_differs(before, after) for before, after in zip(old.gpus, new.gpus, strict=True)):
        return True
    limit = new.memory_limit_bytes
    return (
        _moved(old.trainer_rss_bytes, new.trainer_rss_bytes, 2 * _share(old.trainer_rss_bytes))
        or _moved(old.memory_used_bytes, new.memory_used_bytes, _share(limit))
        or _moved(old.disk_free_bytes, new.disk_free_bytes, _share(old.disk_free_bytes))
    )


def _gpu_differs(old: GpuSample, new: GpuSample) -> bool:
    return (
        (old.uuid, old.throttle) != (new.uuid, new.throttle)
        or _moved(old.used_bytes, new.used_bytes, _share(new.total_bytes))
        or _moved(old.utilization, new.utilization, _UTILIZATION_POINTS)
        or _moved(old.power_w, new.power_w, max(10.0, _POWER_SHARE * (old.power_w or 0)))
        or _moved(old.temperature_c, new.temperature_c, _DEGREES)
    )


def _share(whole: float | None) -> float:
    return _BYTES_SHARE * (whole or 0) or 1.0


def _moved(old: float | None, new: float | None, by: float) -> bool:
    if old is None or new is None:
        return old is not new
    return abs(new - old) >= by
