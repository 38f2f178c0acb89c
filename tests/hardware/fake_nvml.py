"""A stand-in for the module pynvml: devices as dictionaries, each query refusable by itself."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

GIB = 1 << 30
FULL = {
    "UUID": "GPU-1111", "Name": "NVIDIA H100", "memory": (80 * GIB, 60 * GIB, 20 * GIB), "util": 75,
    "power": 350_000, "heat": 64, "capability": (9, 0), "reasons": 0, "compute": [], "graphics": [],
}  # fmt: skip


class NVMLError(Exception):
    def __init__(self, value: int = 999) -> None:
        super().__init__(f"NVML error {value}")
        self.value = value


class FakeNvml:
    """What a device lacks in its dictionary, NVML refuses with "not supported"."""

    NVMLError = NVMLError
    NVML_ERROR_LIBRARY_NOT_FOUND = 12
    NVML_ERROR_DRIVER_NOT_LOADED = 9
    NVML_ERROR_LIB_RM_VERSION_MISMATCH = 18
    NVML_TEMPERATURE_GPU = 0
    nvmlMemory_v2 = 0x2000028  # noqa: N815

    def __init__(self, *devices: dict[str, Any] | None, init_error: int | None = None) -> None:
        self.devices = list(devices)
        self.init_error = init_error
        self.inits = 0

    def nvmlInit(self) -> None:  # noqa: N802
        self.inits += 1
        if self.init_error is not None:
            raise NVMLError(self.init_error)

    def nvmlShutdown(self) -> None:  # noqa: N802
        self.inits -= 1

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return len(self.devices)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> dict[str, Any]:  # noqa: N802
        device = self.devices[index]
        if device is None:
            raise NVMLError(15)
        return device

    def _ask(self, device: dict[str, Any], key: str) -> Any:
        if key not in device:
            raise NVMLError(3)
        return device[key]

    def nvmlDeviceGetUUID(self, device: dict[str, Any]) -> Any:  # noqa: N802
        return self._ask(device, "UUID")

    def nvmlDeviceGetName(self, device: dict[str, Any]) -> Any:  # noqa: N802
        return self._ask(device, "Name")

    def nvmlDeviceGetMemoryInfo(self, device: dict[str, Any], version: int = 1) -> Any:  # noqa: N802
        if version != 1 and device.get("only_v1"):
            raise NVMLError(25)
        total, free, used = self._ask(device, "memory")
        return SimpleNamespace(total=total, free=free, used=used)

    def nvmlDeviceGetUtilizationRates(self, device: dict[str, Any]) -> Any:  # noqa: N802
        return SimpleNamespace(gpu=self._ask(device, "util"), memory=0)

    def nvmlDeviceGetPowerUsage(self, device: dict[str, Any]) -> Any:  # noqa: N802
        return self._ask(device, "power")

    def nvmlDeviceGetTemperature(self, device: dict[str, Any], sensor: int) -> Any:  # noqa: N802
        return self._ask(device, "heat")

    def nvmlDeviceGetCudaComputeCapability(self, device: dict[str, Any]) -> Any:  # noqa: N802
        return self._ask(device, "capability")

    def nvmlDeviceGetCurrentClocksThrottleReasons(self, device: dict[str, Any]) -> Any:  # noqa: N802
        return self._ask(device, "reasons")

    def nvmlDeviceGetComputeRunningProcesses(self, device: dict[str, Any]) -> Any:  # noqa: N802
        return [SimpleNamespace(pid=p, usedGpuMemory=m) for p, m in self._ask(device, "compute")]

    def nvmlDeviceGetGraphicsRunningProcesses(self, device: dict[str, Any]) -> Any:  # noqa: N802
        return [SimpleNamespace(pid=p, usedGpuMemory=m) for p, m in self._ask(device, "graphics")]

    def nvmlDeviceGetMigMode(self, device: dict[str, Any]) -> Any:  # noqa: N802
        return (1 if self._ask(device, "slices") else 0, 0)

    def nvmlDeviceGetMaxMigDeviceCount(self, device: dict[str, Any]) -> int:  # noqa: N802
        return 7

    def nvmlDeviceGetMigDeviceHandleByIndex(self, device: dict[str, Any], number: int) -> Any:  # noqa: N802
        slices = self._ask(device, "slices")
        if number >= len(slices):
            raise NVMLError(6)
        return slices[number]
