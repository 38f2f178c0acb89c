"""What processes cost, read from outside: CPU time and memory."""

from __future__ import annotations

import re
import time
from pathlib import Path

from tui_ft.hardware import processes

_CPU_CLOCK = 2
"""The kernel's number for "time on a CPU" in the clock id of another process."""


def tree(pid: int) -> list[int]:
    """The process and all that come from it."""
    return [pid, *processes.descendants(pid)]


def cpu_seconds(pid: int) -> float:
    """CPU seconds (user and system) of the tree so far; what has ended of it no longer counts."""
    return sum(own_cpu_seconds(member) for member in tree(pid))


def own_cpu_seconds(pid: int) -> float:
    """CPU seconds of the process alone, threads that have ended included; 0 once it is gone."""
    try:
        return time.clock_gettime(((~pid) << 3) | _CPU_CLOCK)
    except OSError:
        return 0.0


def pss_bytes(pid: int) -> int:
    """Proportional set size of the tree: pages that several processes share count in part."""
    return sum(_field(member, "smaps_rollup", "Pss") for member in tree(pid))


def rss_bytes(pid: int) -> int:
    """Resident bytes of the process alone."""
    return _field(pid, "status", "VmRSS")


def _field(pid: int, file: str, name: str) -> int:
    try:
        text = Path(f"/proc/{pid}/{file}").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0
    found = re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)
    return int(found[1]) * 1024 if found else 0
