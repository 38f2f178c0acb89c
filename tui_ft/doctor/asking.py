"""What a box asks the system for, each in one function that tests replace."""

from __future__ import annotations

import os
import resource
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tui_ft.doctor.gpu_facts import GpuFacts
    from tui_ft.hardware.gpu import GpuReading


class Room(NamedTuple):
    """Room on a file system, for an ordinary user; None is not known, and what is not counted there."""

    free_bytes: int | None = None
    total_bytes: int | None = None
    free_inodes: int | None = None
    total_inodes: int | None = None


def room_of(path: Path) -> Room:
    """The room on the file system of a path, which need not exist yet. Never raises."""
    for folder in (path, *path.parents):
        try:
            numbers = os.statvfs(folder)
        except FileNotFoundError:
            continue
        except (OSError, ValueError):
            break
        size = numbers.f_frsize
        inodes = (numbers.f_favail, numbers.f_files) if numbers.f_files else (None, None)  # btrfs counts none
        return Room(numbers.f_bavail * size, numbers.f_blocks * size, *inodes)
    return Room()


def open_file_limits() -> tuple[int, int]:
    """The soft and the hard limit of open files, -1 for none."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)


def locked_memory_limit() -> int:
    """How many bytes a process may lock in memory, -1 for any."""
    return resource.getrlimit(resource.RLIMIT_MEMLOCK)[0]


def own_terminal_size() -> tuple[int, int] | None:
    """Columns and lines of the terminal that is written to; None where there is none."""
    for number in (1, 2, 0):
        try:
            size = os.get_terminal_size(number)
        except OSError:
            continue
        return (size.columns, size.lines)
    return None


def gpus() -> GpuReading:
    """The GPUs, by NVML; it is loaded when it is asked."""
    from tui_ft.hardware.gpu import read_gpus

    return read_gpus()


def gpu_facts() -> GpuFacts:
    """What NVML says of them beyond that."""
    from tui_ft.doctor.gpu_facts import read_gpu_facts

    return read_gpu_facts()
