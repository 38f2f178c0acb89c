"""Who else holds memory of the GPUs: runs of ours, others, and processes that are gone."""

from __future__ import annotations

from collections.abc import Mapping

from tui_ft.doctor import people
from tui_ft.doctor.box import Box
from tui_ft.doctor.finding import Finding, note, warning
from tui_ft.doctor.words import are, gib, short
from tui_ft.hardware.gpu import Gpu, GpuProcess

MUCH = 0.02
"""A driver keeps up to this share of a card for itself (our own bound, from H200 and RTX cards)."""
_LEAST_BYTES = 1 << 30


def gpu_users(box: Box) -> list[Finding]:
    """One finding a GPU that others hold memory of."""
    if not box.gpus.gpus:
        return []
    ours, taken = box.own_processes, people.own_gpus(box)
    return [
        finding for gpu in box.gpus.gpus if (finding := _of(gpu, ours, taken.get(gpu.uuid), box)) is not None
    ]


def _of(gpu: Gpu, ours: Mapping[int, str], owner: str | None, box: Box) -> Finding | None:
    """`owner` is the run of ours that has this GPU. In a container the driver may give pids of the host: only
    those that surely are processes of this machine, which the reading names, are accused.
    """
    used = gpu.used_bytes
    if used is None or gpu.is_unified:
        return None
    runs = [ours[process.pid] for process in gpu.processes if process.pid in ours]
    runs += [owner] if owner is not None and not runs else []
    others = [
        process
        for process in gpu.processes
        if process.pid not in ours and (not box.is_container or process.name is not None)
    ]
    dead = [process for process in others if not box.is_container and not people.lives(box, process.pid)]
    seen = [process for process in gpu.processes if process.pid in ours or process in others]
    known = sum(process.used_bytes or 0 for process in seen)
    has_silent = any(process.used_bytes is None for process in seen)
    unseen = used - known
    if dead:
        held = sum(process.used_bytes or 0 for process in dead)
        what = f"GPU {gpu.index}: {gib(held)} is held by {are(len(dead), 'process', 'processes')} that ended"
        numbers = ", ".join(str(process.pid) for process in dead[:4])
        return warning("gpu_users", f"{what} ({numbers}).", command=f"sudo fuser -v /dev/nvidia{gpu.index}")
    if others:
        held = sum(process.used_bytes or 0 for process in others)
        amount = gib(held) if held else "memory"
        what = f"GPU {gpu.index}: {amount} is held by others: {_names(others, box)}"
        return warning("gpu_users", f"{what}.", command=f"ps -o pid,user,etime,args -p {_pids(others)}")
    if not runs and not has_silent and unseen > max(_LEAST_BYTES, MUCH * (gpu.total_bytes or 0)):
        what = (
            f"GPU {gpu.index}: {gib(used)} is in use, and by whom cannot be seen from here: another "
            "container, or a process that was killed."
        )
        return warning("gpu_users", what, command=f"sudo fuser -v /dev/nvidia{gpu.index}")
    if runs:
        what = f"GPU {gpu.index}: {gib(used)} in use by your run {short(runs[0], 60)}."
        return note("gpu_users", what)
    return None


def _names(processes: list[GpuProcess], box: Box) -> str:
    named = [f"{process.pid} {_name(process, box)}".strip() for process in processes[:3]]
    more = f" and {len(processes) - 3} more" if len(processes) > 3 else ""
    return ", ".join(named) + more


def _name(process: GpuProcess, box: Box) -> str:
    """Its name and user where it is surely one of this machine."""
    if process.name is None:
        return ""
    user = people.owner_of(box, process.pid)
    return short(process.name, 40) + (f" of {short(user, 30)}" if user else "")


def _pids(processes: list[GpuProcess]) -> str:
    return ",".join(str(process.pid) for process in processes)
