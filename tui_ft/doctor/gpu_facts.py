"""What NVML says of GPUs that nobody needs but the doctor: faults of the memory, modes, the driver's CUDA."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")
_UNCORRECTED, _VOLATILE = 1, 0
"""NVML_MEMORY_ERROR_TYPE_UNCORRECTED and NVML_VOLATILE_ECC: since the driver was loaded."""
_COMPUTE_MODES = {0: "default", 1: "exclusive thread", 2: "prohibited", 3: "exclusive process"}


@dataclass(frozen=True, kw_only=True)
class GpuFault:
    """One GPU; None is "not told". `remapped` are rows of its memory that were replaced as broken."""

    index: int
    uncorrected_errors: int | None = None
    remapped: int | None = None
    is_remap_pending: bool = False
    has_remap_failed: bool = False
    compute_mode: str | None = None


@dataclass(frozen=True, kw_only=True)
class GpuFacts:
    """`cuda` is the newest CUDA version that the driver runs, such as (12, 4)."""

    cuda: tuple[int, int] | None = None
    gpus: tuple[GpuFault, ...] = ()


def load_nvml() -> Any:
    """The module pynvml; None where it is not installed."""
    try:
        import pynvml
    except ImportError:
        return None
    return pynvml


def read_gpu_facts(nvml: Any = None) -> GpuFacts:
    """Ask NVML; empty where there is none. Never raises. `nvml` stands in for the module in tests."""
    nvml = nvml or load_nvml()
    if nvml is None:
        return GpuFacts()
    try:
        nvml.nvmlInit()
    except (nvml.NVMLError, OSError):
        return GpuFacts()

    def ask(query: Callable[[], T]) -> T | None:
        try:
            return query()
        except (nvml.NVMLError, OSError, AttributeError, ValueError):
            return None  # this driver or this GPU does not know it

    try:
        version = ask(lambda: int(nvml.nvmlSystemGetCudaDriverVersion()))
        count = ask(lambda: int(nvml.nvmlDeviceGetCount())) or 0
        handles = [(at, ask(partial(nvml.nvmlDeviceGetHandleByIndex, at))) for at in range(count)]
        return GpuFacts(
            cuda=(version // 1000, version % 1000 // 10) if version else None,
            gpus=tuple(_fault(at, handle, nvml, ask) for at, handle in handles if handle is not None),
        )
    finally:
        ask(lambda: nvml.nvmlShutdown())


def _fault(index: int, handle: Any, nvml: Any, ask: Callable[[Callable[[], Any]], Any]) -> GpuFault:
    rows = ask(lambda: nvml.nvmlDeviceGetRemappedRows(handle))
    pending = ask(lambda: nvml.nvmlDeviceGetRetiredPagesPendingStatus(handle))
    mode = ask(lambda: nvml.nvmlDeviceGetComputeMode(handle))
    return GpuFault(
        index=index,
        uncorrected_errors=ask(
            lambda: int(nvml.nvmlDeviceGetTotalEccErrors(handle, _UNCORRECTED, _VOLATILE))
        ),
        remapped=rows[1] if rows else None,
        is_remap_pending=bool((rows and rows[2]) or pending == 1),
        has_remap_failed=bool(rows and rows[3]),
        compute_mode=_COMPUTE_MODES.get(mode) if mode is not None else None,
    )
