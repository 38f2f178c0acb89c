"""What the guard sees of the machine: the sampler's numbers, and those that only a guard needs."""

from __future__ import annotations

from pathlib import Path

from tui_ft.hardware import processes
from tui_ft.hardware.gpu import Gpu, GpuReader
from tui_ft.hardware.process_activity import is_stopped, processor_seconds
from tui_ft.health.rows import Holder, Machine
from tui_ft.runs.records import GpuSample, HardwareRow

_GIB = 1024**3
_HOLDERS_EVERY_S = 60.0
_TREE_EVERY_S = 30.0
_MOST_HOLDERS = 20
_OUR_TRAINER = "tui_ft.train"
"""The module that a trainer's command line names."""


class MachineEye:
    """Looks at the trainer's processes and at who else is on its GPUs."""

    def __init__(self, gpus: frozenset[str], reader: GpuReader | None = None) -> None:
        self._gpus = gpus
        self._reader = reader or GpuReader()
        self._holders: tuple[Holder, ...] | None = None
        self._holders_at = -_HOLDERS_EVERY_S
        self._tree: list[int] = []
        self._tree_at = -_TREE_EVERY_S
        self._used: tuple[float, dict[int, float]] | None = None

    def look(
        self, row: HardwareRow, pid: int, monotonic: float, *, is_quiet: bool, is_on_gpu: bool
    ) -> Machine:
        """Return what there is to see. `is_quiet`: nothing came for a while, so processors are looked at."""
        gpu = _fullest(row.gpus)
        if not is_quiet:
            self._used = None
        return Machine(
            time=row.time,
            utilization=max(
                (one.utilization for one in row.gpus if one.utilization is not None), default=None
            ),
            gpu_used_gib=_gib(gpu.used_bytes) if gpu is not None else None,
            gpu_total_gib=_gib(gpu.total_bytes) if gpu is not None else None,
            temperature_c=max(
                (one.temperature_c for one in row.gpus if one.temperature_c is not None), default=None
            ),
            power_w=max((one.power_w for one in row.gpus if one.power_w is not None), default=None),
            throttle=next((one.throttle for one in row.gpus if one.throttle is not None), None),
            memory_used_gib=_gib(row.memory_used_bytes),
            memory_limit_gib=_gib(row.memory_limit_bytes),
            trainer_gib=_gib(row.trainer_rss_bytes),
            disk_free_gib=_gib(row.disk_free_bytes),
            inodes_free=row.inodes_free,
            inodes_total=row.inodes_total,
            cores=self._cores(pid, monotonic) if is_quiet else None,
            is_stopped=is_stopped(pid),
            holders=self._others(pid, monotonic) if is_on_gpu and self._gpus else None,
        )

    def close(self) -> None:
        """Let go of the driver."""
        self._reader.close()

    def _cores(self, pid: int, monotonic: float) -> float | None:
        """Processors that the trainer and its children used since the last look; None at the first."""
        used = processor_seconds(self._family(pid, monotonic))
        before, self._used = self._used, (monotonic, used)
        if before is None or monotonic <= before[0]:
            return None
        taken = sum(seconds - before[1].get(one, 0.0) for one, seconds in used.items() if one in before[1])
        return max(taken, 0.0) / (monotonic - before[0])

    def _family(self, pid: int, monotonic: float) -> list[int]:
        if monotonic - self._tree_at >= _TREE_EVERY_S or pid not in self._tree:
            self._tree, self._tree_at = [pid, *processes.descendants(pid)], monotonic
        return self._tree

    def _others(self, pid: int, monotonic: float) -> tuple[Holder, ...] | None:
        """Who else holds memory there; None where our own trainer is not seen (a container's pids)."""
        if monotonic - self._holders_at >= _HOLDERS_EVERY_S:
            self._holders_at = monotonic
            ours = frozenset(self._family(pid, monotonic))
            self._holders = _holders(
                [gpu for gpu in self._reader.read().gpus if gpu.uuid in self._gpus], ours
            )
        return self._holders


def _holders(gpus: list[Gpu], ours: frozenset[int]) -> tuple[Holder, ...] | None:
    on_them = [process for gpu in gpus for process in gpu.processes]
    if not any(process.pid in ours for process in on_them):
        return None
    found = [
        Holder(
            pid=process.pid,
            gib=_gib(process.used_bytes),
            name=process.name or "",
            is_alive=Path(f"/proc/{process.pid}").exists(),
            is_ours=_OUR_TRAINER in processes.command_line(process.pid),
        )
        for process in on_them
        if process.pid not in ours
    ]
    return tuple(sorted(found, key=lambda one: -(one.gib or 0.0))[:_MOST_HOLDERS])


def _fullest(gpus: list[GpuSample]) -> GpuSample | None:
    known = [gpu for gpu in gpus if gpu.used_bytes is not None and gpu.total_bytes]
    return max(known, key=lambda gpu: (gpu.used_bytes or 0) / (gpu.total_bytes or 1), default=None)


def _gib(size: int | None) -> float | None:
    return size / _GIB if size is not None else None
