"""Which GPU a run gets: by the spec, within what CUDA_VISIBLE_DEVICES allows, the emptiest first."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from tui_ft.errors import TuiFtError
from tui_ft.hardware.gpu import Gpu, GpuReading


def choose_gpu(
    reading: GpuReading,
    wanted: str | int | Sequence[int | str],
    visible: str | None = None,
    taken: Collection[str] = (),
    order: str | None = None,
) -> list[str]:
    """Return the UUIDs of the GPUs for a run; an empty list means: on the CPU.

    `wanted` is "auto" (one GPU, or the CPU where there is none), a count, or a list of NVML indices and
    UUIDs. `visible` is the inherited CUDA_VISIBLE_DEVICES, `order` CUDA_DEVICE_ORDER; `taken` are the
    UUIDs of runs that are starting and have not filled their memory yet.

    Raises `TuiFtError` when a wanted GPU is not there or not allowed.
    """
    allowed = allowed_gpus(reading, visible, order)
    if wanted == "auto":
        return [gpu.uuid for gpu in _emptiest(allowed, taken)[:1]]
    if isinstance(wanted, int):
        if wanted > len(allowed):
            raise TuiFtError(
                f"hardware.gpus asks for {wanted} GPUs, but {_there_are(reading, allowed)}.",
                'Ask for fewer, or for "auto".',
            )
        return [gpu.uuid for gpu in _emptiest(allowed, taken)[:wanted]]
    names = [wanted] if isinstance(wanted, str) else list(wanted)
    return list(dict.fromkeys(_find(name, allowed, reading).uuid for name in names))


def _emptiest(gpus: Sequence[Gpu], taken: Collection[str]) -> list[Gpu]:
    """Free ones before those that a starting run has, then by free memory; a tie goes to the lower index."""
    return sorted(gpus, key=lambda gpu: (gpu.uuid in taken, -(gpu.free_bytes or 0), gpu.index))


def _find(name: int | str, allowed: Sequence[Gpu], reading: GpuReading) -> Gpu:
    for gpu in allowed:
        if gpu.uuid == name or (str(name).isdigit() and gpu.index == int(name)):
            return gpu
    begins = [gpu for gpu in allowed if not str(name).isdigit() and gpu.uuid.startswith(str(name))]
    if len(begins) == 1:
        return begins[0]
    raise TuiFtError(
        f"hardware.gpus asks for the GPU {name}, but {_there_are(reading, allowed)}.",
        'Name one of these, or write "auto".',
    )


def _there_are(reading: GpuReading, allowed: Sequence[Gpu]) -> str:
    if not reading.gpus:
        reason = (reading.problem or "No GPU was found.").rstrip(".")
        return f"there is none to be seen here ({reason})"
    if not allowed:
        return "CUDA_VISIBLE_DEVICES allows none"
    names = ", ".join(f"{gpu.index} ({gpu.name})" for gpu in allowed[:8])
    limit = " allowed by CUDA_VISIBLE_DEVICES" if len(allowed) < len(reading.gpus) else ""
    return f"those{limit} here are {names}"


def allowed_gpus(reading: GpuReading, visible: str | None, order: str | None) -> list[Gpu]:
    """The GPUs that an inherited CUDA_VISIBLE_DEVICES leaves; CUDA stops at the first entry it cannot use.

    Raises `TuiFtError` where its numbers do not say which GPUs are meant.
    """
    if visible is None:
        return list(reading.gpus)
    allowed: list[Gpu] = []
    for entry in (part.strip() for part in visible.split(",")):
        gpu = _entry(entry, reading.gpus, order)
        if gpu is None:
            break
        if gpu not in allowed:
            allowed.append(gpu)
    return allowed


def _entry(entry: str, gpus: Sequence[Gpu], order: str | None) -> Gpu | None:
    if not entry.isdigit():
        matches = [gpu for gpu in gpus if entry and gpu.uuid.startswith(entry)]
        return matches[0] if len(matches) == 1 else None
    if order != "PCI_BUS_ID" and len({gpu.name for gpu in gpus}) > 1:
        raise TuiFtError(
            f"CUDA_VISIBLE_DEVICES={entry} does not say which GPU is meant: CUDA and the driver count "
            "different GPUs in different orders.",
            "Set CUDA_DEVICE_ORDER=PCI_BUS_ID, or write the UUIDs that `nvidia-smi -L` shows.",
        )
    return next((gpu for gpu in gpus if gpu.index == int(entry)), None)
