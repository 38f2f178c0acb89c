"""Whose memory lies on the GPUs: the processes that NVML names and that are surely of this box."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from tui_ft.hardware import host, processes
from tui_ft.hardware.gpu import Gpu, GpuProcess, GpuReading

INITIAL_NAMESPACE = "pid:[4026531836]"
"""The kernel's fixed number of the namespace in which all pids are the driver's own (PROC_PID_INIT_INO)."""
_UNEXPLAINED_BYTES = 1 << 30
"""The driver and the CUDA contexts take up to some hundred MiB that no process is charged with."""
_GIB = 1 << 30


class Owner(NamedTuple):
    """What one process holds on one GPU; `used_bytes` is None where the driver does not say."""

    pid: int
    gpu: int
    used_bytes: int | None


def owners(reading: GpuReading) -> list[Owner]:
    """Return the GPU processes whose pids are verified: in a container they may be the host's."""
    return [
        Owner(process.pid, gpu.index, process.used_bytes)
        for gpu in reading.gpus
        for process in gpu.processes
        if _is_verified(process)
    ]


def _is_verified(process: GpuProcess) -> bool:
    if process.name is not None:
        return True
    return host.pid_namespace() == INITIAL_NAMESPACE and processes.start_time(process.pid) is not None


def hidden_owners(reading: GpuReading, holders: Collection[int] = ()) -> list[str]:
    """Return a sentence for each GPU that is used by processes which are not seen from here.

    `holders` are the indices of GPUs that a visible process has open, whatever NVML says of it.
    """
    known = owners(reading)
    where = "this box" if host.pid_namespace() == INITIAL_NAMESPACE else "this container"
    return [
        f"GPU {gpu.index}: {unexplained / _GIB:.1f} GiB used, owner not visible from {where}"
        for gpu in reading.gpus
        if (unexplained := _unexplained(gpu, known, holders)) is not None
    ]


def _unexplained(gpu: Gpu, known: Collection[Owner], holders: Collection[int]) -> int | None:
    if gpu.used_bytes is None or gpu.is_unified or gpu.used_bytes < _UNEXPLAINED_BYTES:
        return None
    shares = [owner.used_bytes for owner in known if owner.gpu == gpu.index]
    if None in shares or (not shares and gpu.index in holders):
        return None  # somebody here uses it, how much is not told
    rest = gpu.used_bytes - sum(share for share in shares if share is not None)
    return rest if rest >= _UNEXPLAINED_BYTES else None
