"""Which GPU the Method screen measures against: one of the box's, or one that somebody thinks of renting."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from tui_ft.errors import TuiFtError
from tui_ft.hardware.choose import choose_gpu
from tui_ft.hardware.gpu import Gpu, GpuReading
from tui_ft.spec.run_spec import RunSpec
from tui_ft.tui.text import gib, plain
from tui_ft.tui.widgets.gpu_strip import is_held
from tui_ft.vram.gpu_classes import CLASSES
from tui_ft.vram.holders import holders_of


@dataclass(frozen=True, kw_only=True)
class Seat:
    """A place for the run. `uuid` is None for a GPU that is not here; `name` is "" for no GPU at all.

    `holders` say who is on it. `is_chosen`: the user pointed at it, so the run is to get it; else the
    run's spec chose it.
    """

    name: str = ""
    uuid: str | None = None
    total_bytes: int | None = None
    free_bytes: int | None = None
    capability: tuple[int, int] | None = None
    holders: tuple[str, ...] = ()
    is_chosen: bool = False

    @property
    def is_rented(self) -> bool:
        """True for a GPU that the box does not have."""
        return bool(self.name) and self.uuid is None

    def is_same(self, other: Seat) -> bool:
        """True for the same GPU, whatever is free on it."""
        return (self.uuid, self.name) == (other.uuid, other.name)


def seat_of(gpu: Gpu, *, is_chosen: bool = False) -> Seat:
    """The seat that `gpu` offers now."""
    return Seat(
        name=f"GPU {gpu.index} {plain(gpu.name).removeprefix('NVIDIA ')}",
        uuid=gpu.uuid,
        total_bytes=gpu.total_bytes,
        free_bytes=gpu.free_bytes,
        capability=gpu.compute_capability,
        holders=holders_of(gpu),
        is_chosen=is_chosen,
    )


def own_seat(spec: RunSpec, reading: GpuReading) -> Seat:
    """The seat that a run of `spec` would get by itself; no GPU where none is there or allowed."""
    if not reading.gpus:
        return Seat()
    visible, order = os.environ.get("CUDA_VISIBLE_DEVICES"), os.environ.get("CUDA_DEVICE_ORDER")
    try:
        chosen = choose_gpu(reading, spec.hardware.gpus, visible, order=order)
    except TuiFtError:
        return Seat()
    gpus = [gpu for gpu in reading.gpus if gpu.uuid in chosen]
    return seat_of(min(gpus, key=lambda gpu: gpu.free_bytes or 0)) if gpus else Seat()


def seats(reading: GpuReading) -> list[Seat]:
    """Every GPU to measure against: those of the box, then those that can be rented."""
    rented = [
        Seat(
            name=kind.name,
            total_bytes=kind.total_bytes,
            free_bytes=kind.free_bytes,
            capability=kind.capability,
        )
        for kind in CLASSES
    ]
    return [seat_of(gpu, is_chosen=True) for gpu in reading.gpus] + rented


def seat_line(seat: Seat, reading: GpuReading) -> str:
    """What memory there is and how much of it is free, in one line."""
    if not seat.name:
        reason = f" ({plain(reading.problem).rstrip('.')})" if reading.problem and not reading.gpus else ""
        return f"No GPU{reason}. → measures against one to rent"
    if seat.is_rented:
        return f"Not in this box: {seat.name}, {gib(seat.free_bytes)} GiB free when idle"
    if seat.free_bytes is None or seat.total_bytes is None:
        return f"{seat.name} does not say how much of its memory is free"
    used = seat.total_bytes - seat.free_bytes
    return f"{seat.name}: {gib(seat.total_bytes)} GiB, {gib(used)} in use, {gib(seat.free_bytes)} free"


def many_line(gpus: Sequence[Gpu], seat: Seat, width: int) -> str:
    """All GPUs with the GiB that are free, the one looked at in brackets; "" where one line is enough."""
    if len(gpus) < 2:
        return ""
    cells = []
    for gpu in gpus:
        free = "–" if gpu.free_bytes is None else f"{gpu.free_bytes / 2**30:.0f}"
        text = f"{gpu.index} {'●' if is_held(gpu) else '○'} {free}"
        cells.append(f"[{text}]" if gpu.uuid == seat.uuid else f" {text} ")
    line = f"Free GiB {''.join(cells)}"
    if len(line) <= width:
        return line
    at = next((place for place, gpu in enumerate(gpus) if gpu.uuid == seat.uuid), 0)
    room = max((width - 16) // max(len(cell) for cell in cells), 1)
    start = min(max(at - room // 2, 0), max(len(cells) - room, 0))
    before, after = "…" if start else "", "…" if start + room < len(cells) else ""
    return f"Free GiB {before}{''.join(cells[start : start + room])}{after}"
