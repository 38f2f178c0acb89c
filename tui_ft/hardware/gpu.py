"""The GPUs of the box as NVML sees them; every query may fail alone and then is None."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any, NamedTuple, TypeVar

from tui_ft.hardware import host, processes

T = TypeVar("T")

_THROTTLE_REASONS = (
    (0x0000000000000040, "too hot (hardware)"),
    (0x0000000000000020, "too hot"),
    (0x0000000000000080, "power brake"),
    (0x0000000000000004, "power limit"),
    (0x0000000000000008, "hardware slowdown"),
)
"""NVML's clock event bits that cost speed, worst first; idle and application clocks are no throttling."""


class GpuProcess(NamedTuple):
    """A process on a GPU. `name` only where the pid is surely one of this machine's own.

    In a container NVML may give the host's pids, and no memory: then `used_bytes` is None.
    """

    pid: int
    used_bytes: int | None
    name: str | None


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU, or one MIG slice, at one moment. None is "not known", never zero.

    `is_unified`: it has no memory of its own, the numbers are the box's RAM.
    """

    index: int
    uuid: str
    name: str
    total_bytes: int | None = None
    free_bytes: int | None = None
    used_bytes: int | None = None
    utilization: float | None = None
    power_w: float | None = None
    temperature_c: float | None = None
    throttle: str | None = None
    processes: tuple[GpuProcess, ...] = ()
    compute_capability: tuple[int, int] | None = None
    is_unified: bool = False


class GpuReading(NamedTuple):
    """All GPUs, and a sentence where there are none to be read for a reason worth telling.

    `driver` is the version of the NVIDIA driver.
    """

    gpus: tuple[Gpu, ...]
    problem: str | None = None
    driver: str | None = None


class GpuReader:
    """Reads GPUs again and again; NVML is initialised once, because that can take seconds."""

    def __init__(self, nvml: Any = None) -> None:
        self._given = nvml
        self._nvml: Any = None
        self._driver: str | None = None
        self._driver_error: type[Exception] = OSError  # never raised by NVML's own calls

    def read(self, *, with_processes: bool = True) -> GpuReading:
        """Return all GPUs now. Never raises: what NVML refuses is None, or the reading's `problem`."""
        problem = self._open()
        if problem is not None:
            return GpuReading((), problem)
        count = self._ask(self._nvml.nvmlDeviceGetCount)
        if count is None:
            self._nvml = None  # the driver went away (an update): initialise again next time
            return GpuReading((), "The NVIDIA driver does not answer.")
        gpus: list[Gpu] = []
        unreadable = 0
        for index in range(count):
            handle = self._ask(self._nvml.nvmlDeviceGetHandleByIndex, index)
            if handle is None:
                unreadable += 1
                continue
            gpus += self._devices(index, handle, with_processes)
        lost = f"{unreadable} of {count} GPUs cannot be read (fallen off the bus?)." if unreadable else None
        return GpuReading(tuple(gpus), lost, self._driver)

    def close(self) -> None:
        """Let go of the driver."""
        if self._nvml is not None:
            self._ask(self._nvml.nvmlShutdown)
            self._nvml = None

    def _open(self) -> str | None:
        if self._nvml is not None:
            return None
        if self._given is None and not _has_driver():
            return NO_DRIVER
        nvml = self._given or _load_nvml()
        if nvml is None:
            return "The package nvidia-ml-py is missing, so GPUs cannot be read."
        self._driver_error = nvml.NVMLError
        try:
            nvml.nvmlInit()
        except nvml.NVMLError as error:
            return _driver_problem(nvml, error)
        self._nvml = nvml
        self._driver = _text(self._ask(lambda: nvml.nvmlSystemGetDriverVersion())) or None
        return None

    def _ask(self, query: Callable[..., T], *arguments: Any) -> T | None:
        try:
            return query(*arguments)
        except (self._driver_error, OSError, AttributeError, UnicodeDecodeError, ValueError):
            return None  # a query that this driver or this GPU does not know

    def _devices(self, index: int, handle: Any, with_processes: bool) -> Iterator[Gpu]:
        """Yield the GPU, or its MIG slices: a job can be given a slice only."""
        nvml = self._nvml
        whole = self._gpu(index, handle, with_processes)
        slices = []
        modes = self._ask(lambda: nvml.nvmlDeviceGetMigMode(handle))
        if modes is not None and modes[0] == 1:
            for number in range(self._ask(lambda: nvml.nvmlDeviceGetMaxMigDeviceCount(handle)) or 0):
                slice_handle = self._ask(nvml.nvmlDeviceGetMigDeviceHandleByIndex, handle, number)
                if slice_handle is not None:
                    slices.append(self._slice(whole, slice_handle, with_processes))
        yield from slices or [whole]

    def _slice(self, whole: Gpu, handle: Any, with_processes: bool) -> Gpu:
        """A MIG slice has its own memory and processes; power, heat and speed are the whole GPU's."""
        mine = self._gpu(whole.index, handle, with_processes)
        return replace(
            mine,
            name=mine.name or whole.name,
            power_w=whole.power_w,
            temperature_c=whole.temperature_c,
            throttle=whole.throttle,
            compute_capability=mine.compute_capability or whole.compute_capability,
        )

    def _gpu(self, index: int, handle: Any, with_processes: bool) -> Gpu:
        nvml, ask = self._nvml, self._ask
        total, free, used, is_unified = self._memory(handle)
        rates = ask(lambda: nvml.nvmlDeviceGetUtilizationRates(handle))
        power = ask(lambda: nvml.nvmlDeviceGetPowerUsage(handle))
        heat = ask(lambda: nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU))
        capability = ask(lambda: nvml.nvmlDeviceGetCudaComputeCapability(handle))
        return Gpu(
            index=index,
            uuid=_text(ask(lambda: nvml.nvmlDeviceGetUUID(handle))) or str(index),
            name=_text(ask(lambda: nvml.nvmlDeviceGetName(handle))),
            total_bytes=total,
            free_bytes=free,
            used_bytes=used,
            utilization=float(rates.gpu) if rates is not None else None,
            power_w=power / 1000 if power is not None else None,
            temperature_c=float(heat) if heat is not None else None,
            throttle=_throttle(ask(lambda: _clock_bits(nvml, handle))),
            processes=self._processes(handle) if with_processes else (),
            compute_capability=(capability[0], capability[1]) if capability is not None else None,
            is_unified=is_unified,
        )

    def _memory(self, handle: Any) -> tuple[int | None, int | None, int | None, bool]:
        """Total, free and used bytes; version 2 leaves the driver's own share out of `used`."""
        nvml = self._nvml
        info = self._ask(
            lambda: nvml.nvmlDeviceGetMemoryInfo(handle, version=nvml.nvmlMemory_v2)
        ) or self._ask(lambda: nvml.nvmlDeviceGetMemoryInfo(handle))
        if info is not None:
            return int(info.total), int(info.free), int(info.used), False
        box = host.memory()  # GB10, Jetson and some Grace: NVML says "not supported"
        if box.limit_bytes is None or box.used_bytes is None:
            return box.limit_bytes, None, None, True
        return box.limit_bytes, box.limit_bytes - box.used_bytes, box.used_bytes, True

    def _processes(self, handle: Any) -> tuple[GpuProcess, ...]:
        nvml = self._nvml
        used: dict[int, int | None] = {}
        for query in ("nvmlDeviceGetComputeRunningProcesses", "nvmlDeviceGetGraphicsRunningProcesses"):
            for entry in self._ask(lambda query=query: getattr(nvml, query)(handle)) or ():
                known = used.get(entry.pid)
                used[entry.pid] = known if entry.usedGpuMemory is None else entry.usedGpuMemory
        return tuple(
            GpuProcess(pid, memory or None, _verified_name(pid))
            for pid, memory in sorted(used.items(), key=lambda item: -(item[1] or 0))
        )


NO_DRIVER = "No NVIDIA driver is installed here."
_LIBRARY = "libnvidia-ml.so.1"
"""NVML, by the name under which pynvml loads it, too."""
_reader: GpuReader | None = None


def read_gpus(nvml: Any = None) -> GpuReading:
    """Return the GPUs now, with their processes. `nvml` stands in for the module pynvml in tests.

    Never raises: no driver, a broken one and no GPU are a reading with a `problem`.
    """
    global _reader
    if nvml is not None:
        return GpuReader(nvml).read()
    if _reader is None:
        _reader = GpuReader()
    return _reader.read()


def _has_driver() -> bool:
    """Ask before pynvml is imported: that takes two megabytes, for nothing where there is no driver."""
    import ctypes

    try:
        ctypes.CDLL(_LIBRARY)
    except OSError:
        return False
    return True


def _load_nvml() -> ModuleType | None:
    try:
        import pynvml
    except ImportError:
        return None
    return pynvml  # type: ignore[no-any-return]


def _driver_problem(nvml: Any, error: Exception) -> str:
    code = getattr(error, "value", None)
    if code == nvml.NVML_ERROR_LIBRARY_NOT_FOUND:
        return NO_DRIVER
    if code == nvml.NVML_ERROR_DRIVER_NOT_LOADED:
        return "The NVIDIA driver is not loaded."
    if code == nvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH:
        return "The NVIDIA driver and its library differ in version: restart the machine or the container."
    return f"The NVIDIA driver cannot be read: {error}."


def _text(value: object) -> str:
    """Older bindings return bytes; a name is never trusted to be printable."""
    if value is None:
        return ""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return "".join(letter for letter in text if letter.isprintable())


def _clock_bits(nvml: Any, handle: Any) -> int:
    query = getattr(nvml, "nvmlDeviceGetCurrentClocksEventReasons", None)
    query = query or nvml.nvmlDeviceGetCurrentClocksThrottleReasons
    return int(query(handle))


def _throttle(bits: int | None) -> str | None:
    return next((word for bit, word in _THROTTLE_REASONS if bits and bits & bit), None)


def _verified_name(pid: int) -> str | None:
    """The name of `pid` if it surely is a GPU process of this machine.

    A container's NVML may give the host's pids, which name unrelated processes here.
    """
    arguments = processes.command_line(pid)
    if not arguments:
        return None
    if any(file.target.startswith("/dev/nvidia") for file in processes.open_files(pid)):
        return _text(arguments[0].rpartition("/")[2])
    return None  # unrelated, or another user's, which does not show what it has open
