"""A small model, specs for it, and GPUs with somebody on them."""

from __future__ import annotations

from tui_ft.hardware.gpu import Gpu, GpuProcess, GpuReading
from tui_ft.spec import overrides
from tui_ft.spec.run_spec import RunSpec
from tui_ft.vram.catalogue import lookup
from tui_ft.vram.result import Estimate, Parts
from tui_ft.vram.shape import ModelShape

GIB = 2**30


def shape_of(name: str) -> ModelShape:
    entry = lookup(name)
    assert entry is not None
    return entry.shape


def spec_of(*changes: str, model: str = "Qwen/Qwen3-8B") -> RunSpec:
    return overrides.apply(RunSpec(), [f"model.id={model}", *changes])


def estimate_of(needed: float, low: float | None = None, context: float = 0.0) -> Estimate:
    """An estimate by its needed GiB; everything in it are weights."""
    size = int(needed * GIB)
    return Estimate(
        parts=Parts(weights=size - int(context * GIB)),
        needed_bytes=size,
        nvidia_smi_bytes=size,
        low_bytes=int((needed if low is None else low) * GIB),
        high_bytes=size,
        context_bytes=int(context * GIB),
        trainable_parameters=1000,
        basis="closed_form",
        validated=True,
        peak_phase="backward",
    )


def gpu(
    index: int = 0,
    *,
    total: float | None = 24.0,
    free: float | None = 24.0,
    name: str = "NVIDIA L4",
    processes: tuple[GpuProcess, ...] = (),
    capability: tuple[int, int] | None = (8, 9),
    uuid: str = "",
    is_unified: bool = False,
) -> Gpu:
    total_bytes = None if total is None else int(total * GIB)
    free_bytes = None if free is None else int(free * GIB)
    known = total_bytes is not None and free_bytes is not None
    return Gpu(
        index=index,
        uuid=uuid or f"GPU-{index:04d}",
        name=name,
        total_bytes=total_bytes,
        free_bytes=free_bytes,
        used_bytes=total_bytes - free_bytes if known else None,  # type: ignore[operator]
        processes=processes,
        compute_capability=capability,
        is_unified=is_unified,
    )


def reading(*gpus: Gpu, problem: str | None = None, driver: str | None = "570.1") -> GpuReading:
    return GpuReading(gpus, problem, driver)
