"""The machine under a run: who it is, its memory against the cgroup's limit, its disk and processor share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

_CGROUP_ROOT = Path("/sys/fs/cgroup")
_NO_LIMIT_BYTES = 1 << 60
"""cgroup v1 writes "no limit" as a number near 2**63."""


class Place(NamedTuple):
    """Where a pid means something: the same host, the same boot, the same pid namespace."""

    host: str
    boot_id: str
    pid_namespace: str


class Memory(NamedTuple):
    """Memory in bytes; None is not known. `is_cgroup` tells a container's limit from the box's RAM."""

    used_bytes: int | None
    limit_bytes: int | None
    is_cgroup: bool = False


class Disk(NamedTuple):
    """Room on the file system of a path, for an ordinary user; None is not known."""

    free_bytes: int | None
    total_bytes: int | None
    free_inodes: int | None


def _read(path: Path | str) -> str | None:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return None


@cache
def boot_id() -> str:
    """This boot of the kernel; empty where the kernel does not say."""
    return (_read("/proc/sys/kernel/random/boot_id") or "").strip()


@cache
def pid_namespace() -> str:
    """The namespace that our pids belong to, such as `pid:[4026531836]`; empty when not known."""
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""


def hostname() -> str:
    """The host's name."""
    return os.uname().nodename


def here() -> Place:
    """Where this process runs."""
    return Place(hostname(), boot_id(), pid_namespace())


# --- memory ----------------------------------------------------------------------------------------


def _own_groups(root: Path, controller: str) -> Iterator[Path]:
    """Yield our cgroup's folder and its parents: v2 for controller "", else v1's."""
    for line in (_read("/proc/self/cgroup") or "").splitlines():
        _, names, path = line.split(":", 2)
        if controller not in names.split(","):
            continue
        top = root / controller if controller else root
        folder = top / path.lstrip("/")
        while True:
            if folder.is_dir():
                yield folder
            if folder == top or top not in folder.parents:
                break
            folder = folder.parent
        return
    # a container may see its own group as the root, or another path than it has
    yield root / controller if controller else root


def _number(path: Path) -> int | None:
    text = (_read(path) or "").strip()
    return int(text) if text.isdigit() else None


def _keyed(path: Path) -> dict[str, int]:
    pairs = (line.split() for line in (_read(path) or "").splitlines())
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdigit()}


def _box_memory() -> Memory:
    fields: dict[str, int] = {}
    for line in (_read("/proc/meminfo") or "").splitlines():
        name, _, rest = line.partition(":")
        if name in ("MemTotal", "MemAvailable"):
            fields[name] = int(rest.split()[0]) * 1024
    total, available = fields.get("MemTotal"), fields.get("MemAvailable")
    used = total - available if total is not None and available is not None else None
    return Memory(used, total)


def memory(root: Path = _CGROUP_ROOT) -> Memory:
    """Return memory in use against what may be used: the tightest cgroup limit, else the box's RAM.

    The page cache that can be dropped does not count as used.
    """
    box = _box_memory()
    tightest: Memory | None = None
    for controller, limit_name, used_name, cache_name in (
        ("", "memory.max", "memory.current", "inactive_file"),
        ("memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        for folder in _own_groups(root, controller):
            limit = _number(folder / limit_name)
            if limit is None or limit >= _NO_LIMIT_BYTES:
                continue
            if tightest is not None and limit >= (tightest.limit_bytes or 0):
                continue
            used = _number(folder / used_name)
            if used is not None:
                used = max(0, used - _keyed(folder / "memory.stat").get(cache_name, 0))
            tightest = Memory(used, limit, True)
    if tightest is None or (box.limit_bytes is not None and (tightest.limit_bytes or 0) > box.limit_bytes):
        return box
    return tightest


def oom_kills(root: Path = _CGROUP_ROOT) -> int | None:
    """Return how many processes of our cgroup the kernel has killed for memory; None when not told."""
    for controller, name in (("", "memory.events"), ("memory", "memory.oom_control")):
        for folder in _own_groups(root, controller):
            count = _keyed(folder / name).get("oom_kill")
            if count is not None:
                return count
    return None


# --- disk and processors ---------------------------------------------------------------------------


def disk(path: Path) -> Disk:
    """Return the room on the file system of `path`, which need not exist yet; None where not known."""
    for folder in (path, *path.parents):
        try:
            numbers = os.statvfs(folder)
        except FileNotFoundError:
            continue
        except OSError:
            break
        free, total = numbers.f_bavail * numbers.f_frsize, numbers.f_blocks * numbers.f_frsize
        inodes = numbers.f_favail if numbers.f_files else None  # btrfs and others count none
        return Disk(free, total, inodes)
    return Disk(None, None, None)


def processors(root: Path = _CGROUP_ROOT) -> float:
    """Return how many processors we may use: the scheduler's set, cut by the cgroup's quota."""
    allowed = float(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    for folder in _own_groups(root, ""):
        quota, _, period = (_read(folder / "cpu.max") or "").partition(" ")
        if quota.isdigit() and period.strip().isdigit() and int(period) > 0:
            allowed = min(allowed, int(quota) / int(period))
    for folder in _own_groups(root, "cpu"):
        ticks, period_ticks = _number(folder / "cpu.cfs_quota_us"), _number(folder / "cpu.cfs_period_us")
        if ticks and period_ticks:
            allowed = min(allowed, ticks / period_ticks)
    return max(allowed, 0.1)
