"""Who holds the memory of a GPU that is not free, in sentences."""

from __future__ import annotations

from tui_ft.hardware.gpu import Gpu, GpuProcess
from tui_ft.spec.errors import printable

LEAST_HIDDEN_BYTES = 256 << 20
"""Less than this beyond the processes that are seen is the driver's own share, and nobody's work."""


def gib_text(size: int) -> str:
    """Bytes as GiB, one place; two below 1 GiB."""
    value = size / 2**30
    return f"{value:.2f} GiB" if 0 < value < 1 else f"{value:.1f} GiB"


def holders_of(gpu: Gpu) -> tuple[str, ...]:
    """One sentence a process on `gpu`, the largest first, and one for memory whose owner cannot be seen."""
    sentences = [_sentence(process) for process in gpu.processes]
    if gpu.is_unified:
        return (*sentences, "The GPU shares its memory with the system: everything that runs here counts.")
    hidden = _hidden_bytes(gpu)
    if hidden > LEAST_HIDDEN_BYTES:
        sentences.append(f"{gib_text(hidden)} are held by an owner not visible from this container.")
    if gpu.uuid.startswith("MIG-"):
        sentences.append("This is a MIG slice: only its own memory counts.")
    return tuple(sentences)


def _sentence(process: GpuProcess) -> str:
    who = printable(process.name) if process.name else "An owner not visible from this container"
    if process.used_bytes is None:
        return f"{who} (pid {process.pid}) holds memory; the driver does not say how much."
    return f"{who} (pid {process.pid}) holds {gib_text(process.used_bytes)}."


def _hidden_bytes(gpu: Gpu) -> int:
    """Memory in use that no process on the list owns; 0 where a process's share is not known."""
    if gpu.used_bytes is None or any(process.used_bytes is None for process in gpu.processes):
        return 0
    return gpu.used_bytes - sum(process.used_bytes or 0 for process in gpu.processes)
