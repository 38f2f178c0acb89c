"""The GPU memory that an attempt really takes: its peaks phase by phase, and the CUDA context beside them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import torch

from tui_ft.hardware.gpu import Gpu, GpuReader
from tui_ft.runs.records import MemoryEvent, MemoryPeak, Phase
from tui_ft.train.environment import version

GROWTH = 1.01
"""A peak is written again when it has grown by a hundredth: a handful of times in a run."""

LARGEST_CONTEXT = 4 << 30
"""What is more than this beside the allocator is no CUDA context, but somebody else's memory."""

STACK = ("torch", "transformers", "trl", "peft", "accelerate", "bitsandbytes")
"""What the peaks depend on."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The caching allocator's counters, in bytes; the peaks are since the last reset."""

    allocated_peak: int
    reserved_peak: int
    reserved: int


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the peaks were measured on."""

    gpu: str
    total_bytes: int | None
    driver: str | None
    versions: dict[str, str]


class Counters(Protocol):
    """The door to CUDA; a test puts numbers of its own behind it."""

    def read(self) -> Reading: ...

    def reset(self) -> None:
        """Let the peaks begin anew at what is held now."""

    def beside(self, reserved: int) -> int | None:
        """Bytes that this process holds of the GPU beside the allocator's `reserved`; None: not known."""

    def facts(self) -> Facts: ...


def counters(device: torch.device) -> Counters | None:
    """The counters of `device`; None on a CPU, which has none."""
    return CudaCounters(device) if device.type == "cuda" else None


class CudaCounters:
    """torch's allocator and NVML; made before the process touches the GPU, to know what was there."""

    def __init__(self, device: torch.device, reader: GpuReader | None = None) -> None:
        self._device = device
        self._reader = reader or GpuReader()
        self._driver: str | None = None
        self._before = None if torch.cuda.is_initialized() else self._gpu()

    def read(self) -> Reading:
        stats = torch.cuda.memory_stats_as_nested_dict(self._device)  # the flat form costs five times as much
        if not stats:  # nothing has touched the GPU yet
            return Reading(allocated_peak=0, reserved_peak=0, reserved=0)
        allocated, reserved = stats["allocated_bytes"]["all"], stats["reserved_bytes"]["all"]
        return Reading(
            allocated_peak=allocated["peak"], reserved_peak=reserved["peak"], reserved=reserved["current"]
        )

    def reset(self) -> None:
        if torch.cuda.is_initialized():  # before that there is no allocator to reset
            torch.cuda.reset_peak_memory_stats(self._device)

    def beside(self, reserved: int) -> int | None:
        return beside_allocator(self._before, self._gpu(), os.getpid(), reserved)

    def facts(self) -> Facts:
        properties = torch.cuda.get_device_properties(self._device)
        found = {name: version(name) for name in STACK} | {"cuda": torch.version.cuda}
        return Facts(
            gpu=properties.name,
            total_bytes=int(properties.total_memory),
            driver=self._driver,
            versions={name: number for name, number in found.items() if number is not None},
        )

    def _gpu(self) -> Gpu | None:
        """The GPU of this process as NVML sees it: launch pins it by its UUID."""
        reading = self._reader.read()
        self._driver = reading.driver
        if len(reading.gpus) == 1:
            return reading.gpus[0]
        wanted = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")[0].strip()
        return next((gpu for gpu in reading.gpus if wanted and gpu.uuid.startswith(wanted)), None)


def beside_allocator(before: Gpu | None, now: Gpu | None, pid: int, reserved: int) -> int | None:
    """Bytes of the GPU that a process holds beside its allocator: CUDA's context, kernels, libraries.

    NVML's figure of the process where it shows one: by its pid or, in a container that is given the host's
    pids, the only one there. Else what the whole GPU holds more than `before`, which is right as long
    as nobody else came or went. None for what cannot be told, and for what cannot be a context.
    """
    if now is None:
        return None
    known = {process.pid: process.used_bytes for process in now.processes if process.used_bytes}
    held = known.get(pid) or (next(iter(known.values())) if len(known) == 1 else None)
    if held is None and not known:
        held = _more_than(before, now)
    if held is None or not 0 < held - reserved <= LARGEST_CONTEXT:
        return None
    return held - reserved


def _more_than(before: Gpu | None, now: Gpu) -> int | None:
    if before is None or now.is_unified or before.used_bytes is None or now.used_bytes is None:
        return None
    return now.used_bytes - before.used_bytes


class MemoryMeter:
    """Keeps the running maxima of an attempt and writes them down when they have grown."""

    def __init__(self, counters: Counters, write: Callable[[MemoryEvent], None]) -> None:
        self._counters = counters
        self._write = write
        self._phases: dict[str, MemoryPeak] = {}
        self._step = MemoryPeak(allocated_bytes=0, reserved_bytes=0)
        self._reserved = 0
        self._context: int | None = None
        self._facts: Facts | None = None
        self._written: MemoryEvent | None = None
        self.longest_row: int | None = None

    @property
    def last(self) -> MemoryEvent | None:
        """What was last written."""
        return self._written

    def leave(self, phase: Phase) -> None:
        """`phase` is over: book its peaks, and let the next one's begin."""
        self.book(phase)
        self._counters.reset()

    def begin_step(self, phase: Phase) -> None:
        """A step begins: its own peak is asked for at its end."""
        self.leave(phase)
        self._step = MemoryPeak(allocated_bytes=0, reserved_bytes=0)

    def end_step(self, phase: Phase) -> tuple[int, int]:
        """Return the step's peak of allocated bytes, and the reserved bytes now."""
        reading = self.book(phase)
        return self._step.allocated_bytes, reading.reserved

    def book(self, phase: Phase) -> Reading:
        """Book the peaks so far on `phase`, which goes on."""
        reading = self._counters.read()
        measured = MemoryPeak(allocated_bytes=reading.allocated_peak, reserved_bytes=reading.reserved_peak)
        if reading.reserved_peak:  # a phase before the GPU was touched has nothing to say
            self._phases[phase] = _larger(self._phases.get(phase), measured)
        self._step = _larger(self._step, measured)
        self._reserved = reading.reserved
        return reading

    def report(self, step: int, *, is_last: bool = False) -> None:
        """Write the maxima down if they have grown since; the last time if they differ at all."""
        allocated = max((peak.allocated_bytes for peak in self._phases.values()), default=0)
        reserved = max((peak.reserved_bytes for peak in self._phases.values()), default=0)
        before = self._written
        if not allocated or (before is not None and not _has_grown(before, allocated, reserved, is_last)):
            return
        self._measure_context()
        facts = self._facts = self._facts or self._counters.facts()
        phase: Any = max(self._phases, key=lambda name: self._phases[name].allocated_bytes)
        self._written = MemoryEvent(
            time=time.time(),
            step=step,
            allocated_bytes=allocated,
            reserved_bytes=reserved,
            phase=phase,
            phases=dict(self._phases),
            context_bytes=self._context,
            longest_row=self.longest_row,
            gpu=facts.gpu,
            total_bytes=facts.total_bytes,
            driver=facts.driver,
            versions=facts.versions,
        )
        self._write(self._written)

    def _measure_context(self) -> None:
        found = self._counters.beside(self._reserved)
        if found is not None:
            self._context = max(found, self._context or 0)


def _larger(one: MemoryPeak | None, other: MemoryPeak) -> MemoryPeak:
    if one is None:
        return other
    return MemoryPeak(
        allocated_bytes=max(one.allocated_bytes, other.allocated_bytes),
        reserved_bytes=max(one.reserved_bytes, other.reserved_bytes),
    )


def _has_grown(before: MemoryEvent, allocated: int, reserved: int, is_last: bool) -> bool:
    least = 1.0 if is_last else GROWTH
    return allocated > before.allocated_bytes * least or reserved > before.reserved_bytes * least
