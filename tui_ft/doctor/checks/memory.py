"""What the processes may use: memory, processors, shared memory, open files."""

from __future__ import annotations

from pathlib import Path

from tui_ft.doctor.box import Box
from tui_ft.doctor.finding import Finding, error, note, ok, warning
from tui_ft.doctor.words import are, gib

SMALL_BYTES = 8 << 30
"""Loading a model of 7B parameters part by part, and its checkpoint, take about so much (our own bound)."""
NEAR_FULL = 0.9
SMALL_SHM_BYTES = 1 << 30
"""Workers of a data loader pass batches through it; containers have 64 MiB of it unless told otherwise."""
_SHM = Path("/dev/shm")
FEW_FILES = 4096
LITTLE_LOCKED_BYTES = 64 << 20
FEW_PROCESSES = 512
_OF_LOGIN = (
    "Raise it in /etc/security/limits.conf (nofile 65536) and log in anew; in a container start that with "
    "--ulimit nofile=65536."
)


def memory_limit(box: Box) -> list[Finding]:
    """The tightest limit decides, and the kernel kills what goes beyond it (exit 137)."""
    memory, code = box.ask_memory(), "memory_limit"
    limit, whole = memory.limit_bytes, _box_bytes(box)
    if limit is None:
        return []
    of_box = f" of the box's {gib(whole)}" if memory.is_cgroup and whole is not None and whole > limit else ""
    what = f"{gib(limit)} of memory may be used{of_box}"
    if memory.used_bytes is not None:
        what += f", {gib(memory.used_bytes)} of it are in use"
    if memory.used_bytes is not None and memory.used_bytes > NEAR_FULL * limit:
        return [warning(code, f"{what}: what takes more is killed.", command="ps aux --sort=-rss | head")]
    if limit < SMALL_BYTES:
        return [
            warning(
                code,
                f"{what}: loading a 7B model or merging its adapter is killed for that.",
                "Rent with more memory, or keep to small models and adapters.",
            )
        ]
    return [ok(code, f"{what}.")]


def _box_bytes(box: Box, field: str = "MemTotal") -> int | None:
    """A field of the box's own memory, in bytes; None where it is not told."""
    for line in (box.text("/proc/meminfo") or "").splitlines():
        name, _, rest = line.partition(":")
        digits = (rest.split() or [""])[0]
        if name == field and digits.isascii() and digits.isdigit() and len(digits) < 18:
            return int(digits) * 1024
    return None


def memory_kills(box: Box) -> list[Finding]:
    """What the kernel has killed for memory in this container, since it started."""
    count = 0
    for path in ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control"):
        for line in (box.text(path) or "").splitlines():
            name, _, value = line.partition(" ")
            if name == "oom_kill" and value.strip().isdigit() and len(value) < 18:
                count = int(value)
    if not count:
        return []
    what = f"The kernel has killed {are(count, 'process', 'processes')} here for memory since the start."
    return [note("memory_kills", what, "Which run it was: `tui-ft why RUN`.")]


def swap(box: Box) -> list[Finding]:
    """Without swap, and with little memory, a moment's peak is the end."""
    whole, total = _box_bytes(box), _box_bytes(box, "SwapTotal")
    if total != 0 or whole is None or whole > 2 * SMALL_BYTES or box.is_container:
        return []
    what = f"There is no swap, and {gib(whole)} of memory: a short peak ends a run."
    steps = ("fallocate -l 16G", "chmod 600", "mkswap", "swapon")
    command = " && ".join(f"sudo {step} /swapfile" for step in steps)
    return [note("swap", what, command=command)]


def processors(box: Box) -> list[Finding]:
    """Libraries start a thread for each core of the box, also where a quota leaves but a few."""
    allowed, code = box.ask_processors(), "processors"
    seen = _cores(box)
    may = (
        f"{allowed:g} of {seen} processors"
        if seen is not None and seen > allowed
        else f"{allowed:g} processors"
    )
    what = f"{may} may be used"
    if seen is not None and allowed * 2 <= seen and not box.environment.get("OMP_NUM_THREADS"):
        return [
            warning(
                code,
                f"{what}, but libraries count all {seen} and hinder each other with as many threads.",
                command=f"export OMP_NUM_THREADS={max(int(allowed), 1)}",
            )
        ]
    return [ok(code, f"{what}.")]


def _cores(box: Box) -> int | None:
    text = box.text("/proc/stat") or ""
    count = sum(1 for line in text.splitlines() if line.startswith("cpu") and line[3:4].isdigit())
    return count or None


def shared_memory(box: Box) -> list[Finding]:
    code = "shared_memory"
    room = box.disk(_SHM)
    mount = box.mount_of(_SHM)
    if mount is None or str(mount.point) != str(_SHM) or room.total_bytes is None:
        return []
    what = f"/dev/shm has {gib(room.total_bytes)}, {gib(room.free_bytes)} free"
    if (room.free_bytes or 0) < SMALL_SHM_BYTES:
        return [
            warning(
                code,
                f"{what}: workers of the data loader, and several GPUs, end with a bus error.",
                "Start the container with --shm-size=8g, or keep training.dataloader_workers at 0.",
            )
        ]
    return [ok(code, f"{what}.")]


def locked_memory(box: Box) -> list[Finding]:
    """Several GPUs pass data through locked memory, InfiniBand does so always (NCCL, troubleshooting)."""
    most = box.ask_locked_memory()
    if len(box.gpus.gpus) < 2 or most < 0 or most >= LITTLE_LOCKED_BYTES:
        return []
    what = f"A process may lock {gib(most)} of memory: NCCL between several GPUs may fail for that."
    return [note("locked_memory", what, "Start the container with --ulimit memlock=-1.")]


def limits(box: Box) -> list[Finding]:
    """Limits of this shell, which its runs inherit."""
    code, found = "limits", []
    soft, hard = box.ask_limits()
    if 0 <= soft < FEW_FILES:
        what = f"A process may open {soft:,} files: data loaders and sharded models open thousands."
        level = warning if soft < 1024 else note
        if 0 <= hard <= soft:  # nothing can be raised from within
            outside = "Start the container with --ulimit nofile=65536."
            found.append(level(code, what, outside if box.is_container else _OF_LOGIN))
        else:
            found.append(level(code, what, command=f"ulimit -n {hard if hard > 0 else 65536}"))
    tasks = box.number("/sys/fs/cgroup/pids.max") or box.number("/sys/fs/cgroup/pids/pids.max")
    if tasks is not None and tasks < FEW_PROCESSES:
        what = f"The container may have {tasks} processes and threads: a trainer takes some hundred."
        found.append(
            warning(code, what, "Start it with --pids-limit=4096.") if tasks > 128
            else error(code, what, "Start it with --pids-limit=4096.")
        )  # fmt: skip
    return found or [ok(code, f"A process may open {soft:,} files." if soft >= 0 else "Files have no limit.")]
