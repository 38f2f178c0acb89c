"""Makes a question of a spec, a model and the GPUs of the box."""

from __future__ import annotations

import os
from collections.abc import Iterable

from tui_ft.errors import TuiFtError
from tui_ft.guide.question import Question
from tui_ft.hardware.choose import allowed_gpus
from tui_ft.hardware.gpu import Gpu, GpuReading
from tui_ft.spec.run_spec import RunSpec
from tui_ft.vram import calibration
from tui_ft.vram.assess import assess
from tui_ft.vram.shape import ModelShape


def ask(
    spec: RunSpec,
    shape: ModelShape,
    reading: GpuReading,
    *,
    goals: Iterable[str] = ("sft",),
    rows: int | None = None,
    gpu_memory_bytes: int | None = None,
    gpu: str | None = None,
    gpus: int | None = None,
    capability: tuple[int, int] | None = None,
    longest_row: int | None = None,
) -> Question:
    """The question about `spec` on the GPU that its run would get, the others beside it.

    `gpu_memory_bytes` pretends that each GPU has that much free; `gpus` that there are so many of them
    (without a pretended memory: that no more may be used); `capability` that they are of that kind.
    `gpu` is the UUID of one that the user points at.

    Raises `TuiFtError` for settings that cannot be and for GPUs that are not there.
    """
    place = assess(
        spec, shape, reading, longest_row=longest_row, gpu_memory_bytes=gpu_memory_bytes, gpu=gpu,
        with_step_downs=False,
    )  # fmt: skip
    free = place.free_bytes
    if gpu_memory_bytes is not None and free is not None:
        further = (free,) * ((gpus or 1) - 1)
    else:
        further = tuple(one.free_bytes or 0 for one in _others(reading, place.gpu, gpus))
    chosen = place.gpu
    return Question(
        shape=shape,
        spec=spec,
        goals=frozenset(goals),
        rows=rows,
        free_bytes=free,
        total_bytes=place.total_bytes,
        further_free_bytes=further,
        capability=capability or place.capability,
        longest_row=longest_row,
        notes=(*place.holders, *place.notes),
        calibration=calibration.find(chosen.name, reading.driver) if chosen is not None else None,
    )


def _others(reading: GpuReading, chosen: Gpu | None, limit: int | None) -> list[Gpu]:
    """The GPUs like the chosen one that a run may use too, emptiest first."""
    if chosen is None:
        return []
    visible, order = os.environ.get("CUDA_VISIBLE_DEVICES"), os.environ.get("CUDA_DEVICE_ORDER")
    allowed = allowed_gpus(reading, visible, order)
    others = [gpu for gpu in allowed if gpu.uuid != chosen.uuid and gpu.name == chosen.name]
    others.sort(key=lambda gpu: -(gpu.free_bytes or 0))
    if limit is not None and limit > len(others) + 1:
        raise TuiFtError(
            f"{limit} GPUs are asked about, and {len(others) + 1} can be used here.",
            "Say what each of them has with --gpu-memory GIB.",
        )
    return others if limit is None else others[: limit - 1]
