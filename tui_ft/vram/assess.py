"""The whole answer for one spec on this box: estimate, GPU, who holds the rest, verdict, and what would fit.

Command line, screens, review and guide all ask here, so that they say the same.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from tui_ft.errors import TuiFtError
from tui_ft.hardware.choose import allowed_gpus, choose_gpu
from tui_ft.hardware.gpu import Gpu, GpuReading
from tui_ft.spec.run_spec import RunSpec
from tui_ft.spec.support import support
from tui_ft.vram import calibration
from tui_ft.vram.bounds import check_bounds
from tui_ft.vram.estimate import estimate as closed_form
from tui_ft.vram.holders import holders_of
from tui_ft.vram.result import Estimate
from tui_ft.vram.shape import ModelShape
from tui_ft.vram.situation import Pricing, Situation, StepDown
from tui_ft.vram.step_downs import step_downs
from tui_ft.vram.verdict import Verdict, judge, worst
from tui_ft.vram.workload import Workload, from_spec


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """Will it fit, and what if not. `gpu` is the tightest of `gpus`, the chosen ones; None without one.

    `free_bytes` and `total_bytes` are those of `gpu`, or the pretended memory; None is not known.
    `capability` is the least of the GPUs'; `verdicts` are those on each of `gpus`, `verdict` is the worst.
    `holders` and `notes` are sentences for the user.
    """

    spec: RunSpec
    shape: ModelShape
    workload: Workload
    capability: tuple[int, int] | None
    estimate: Estimate
    gpus: tuple[Gpu, ...]
    gpu: Gpu | None
    free_bytes: int | None
    total_bytes: int | None
    is_pretended: bool
    holders: tuple[str, ...]
    verdicts: tuple[Verdict, ...]
    verdict: Verdict
    step_downs: tuple[StepDown, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the run would go: the GPUs, the free bytes of each, and what must be said about them.

    `is_short`: more GPUs are asked for than there are.
    """

    gpus: tuple[Gpu, ...]
    free: tuple[int | None, ...]
    total_bytes: int | None
    notes: tuple[str, ...]
    is_pretended: bool = False
    is_short: bool = False


UNKNOWN_SHAPE = "What its layers compute is not known: a rough number, and no verdict."


def assess(
    spec: RunSpec,
    shape: ModelShape,
    reading: GpuReading,
    *,
    longest_row: int | None = None,
    gpu_memory_bytes: int | None = None,
    gpu: str | None = None,
    taken: Collection[str] = (),
    adapter_dtype: str = "float32",
    capability: tuple[int, int] | None = None,
    estimated: Estimate | None = None,
    with_step_downs: bool = True,
) -> Assessment:
    """Assess `spec` on a model of `shape`, on the GPUs of `reading` that a run of it would get.

    `gpu` is the UUID of one that the user points at instead. `gpu_memory_bytes` pretends that each GPU
    has that much free. `estimated` replaces the closed form (a simulation, a measurement). `taken` are
    UUIDs of GPUs on which a run of ours is starting. `capability` is that of a GPU that is pretended.

    Raises `TuiFtError` for settings that cannot be and for a GPU that is not there.
    """
    place = _place(spec, reading, gpu, gpu_memory_bytes, taken)
    capability = _capability(place) or capability
    workload = from_spec(spec, capability=capability, longest_row=longest_row, adapter_dtype=adapter_dtype)
    check_bounds(shape, workload, capability)
    price = _pricing(place, reading.driver)
    estimate = estimated or price(shape, workload)
    tightest = min(range(len(place.free)), key=lambda at: place.free[at] or 0, default=None)
    free = None if tightest is None else place.free[tightest]
    is_known = shape.counted == "architecture" or estimated is not None
    verdicts = tuple(judge(estimate, one if is_known else None) for one in place.free)
    verdict = worst((*verdicts, "unknown") if place.is_short else verdicts)
    steps: tuple[StepDown, ...] = ()
    if with_step_downs and free is not None and verdict in ("tight", "does_not_fit"):
        steps = step_downs(
            Situation(
                spec=spec,
                shape=shape,
                workload=workload,
                estimate=estimate,
                free_bytes=free,
                free_here=_free_here(reading, place, spec),
                price=price,
                capability=capability,
                longest_row=longest_row,
                adapter_dtype=adapter_dtype,
            )
        )
    chosen = place.gpus[tightest] if tightest is not None and place.gpus else None
    return Assessment(
        spec=spec,
        shape=shape,
        workload=workload,
        capability=capability,
        estimate=estimate,
        gpus=place.gpus,
        gpu=chosen,
        free_bytes=free,
        total_bytes=place.total_bytes if chosen is None else chosen.total_bytes,
        is_pretended=place.is_pretended,
        holders=_holders(place.gpus),
        verdicts=verdicts if place.gpus else (),
        verdict=verdict,
        step_downs=steps,
        notes=(*_not_startable(spec), *(() if is_known else (UNKNOWN_SHAPE,)), *place.notes, *shape.notes),
    )


def _not_startable(spec: RunSpec) -> tuple[str, ...]:
    can = support(spec)
    return () if can.state == "runs" else (f"This version cannot start it: {can.reason}.",)


def _holders(gpus: tuple[Gpu, ...]) -> tuple[str, ...]:
    """Who holds the rest of each GPU; its number stands before where there are several."""
    if len(gpus) == 1:
        return holders_of(gpus[0])
    return tuple(f"GPU {one.index}: {sentence}" for one in gpus for sentence in holders_of(one))


def _place(
    spec: RunSpec, reading: GpuReading, gpu: str | None, pretended: int | None, taken: Collection[str]
) -> _Place:
    if pretended is not None:
        free = _share(pretended, pretended, spec)
        return _Place((), (free,), pretended, (), is_pretended=True)
    if not reading.gpus and not isinstance(spec.hardware.gpus, list):
        problem = (reading.problem or "No GPU was found.",)
        return _Place((), (), None, problem)
    chosen, missing = _chosen(spec, reading, gpu, taken)
    notes = [reading.problem] if reading.problem else []
    notes += [
        f"The GPU {one.index} does not say how much of its memory is free."
        for one in chosen
        if one.free_bytes is None
    ]
    if missing:
        notes.append(missing)
    elif not chosen:
        notes.append("CUDA_VISIBLE_DEVICES allows no GPU.")
    frees = tuple(_share(one.free_bytes, one.total_bytes, spec) for one in chosen)
    return _Place(chosen, frees, None, tuple(notes), is_short=bool(missing))


def _chosen(
    spec: RunSpec, reading: GpuReading, gpu: str | None, taken: Collection[str]
) -> tuple[tuple[Gpu, ...], str]:
    """The GPUs of the run; and a sentence where more are asked for than there are."""
    wanted: str | int | Sequence[int | str] = [gpu] if gpu is not None else spec.hardware.gpus
    missing = ""
    if isinstance(wanted, int) and wanted > (here := len(_allowed(reading))):
        missing = f"{wanted} GPUs are asked for, and {here} can be used here."
        wanted = max(here, 1)
    visible = None if gpu is not None else os.environ.get("CUDA_VISIBLE_DEVICES")
    uuids = choose_gpu(reading, wanted, visible, taken, os.environ.get("CUDA_DEVICE_ORDER"))
    by_uuid = {one.uuid: one for one in reading.gpus}
    return tuple(by_uuid[uuid] for uuid in uuids), missing


def _allowed(reading: GpuReading) -> list[Gpu]:
    """The GPUs that a run may use here; none where the environment does not say which."""
    try:
        return allowed_gpus(
            reading, os.environ.get("CUDA_VISIBLE_DEVICES"), os.environ.get("CUDA_DEVICE_ORDER")
        )
    except TuiFtError:
        return []


def _share(free: int | None, total: int | None, spec: RunSpec) -> int | None:
    """Free bytes, cut to the share of the GPU that hardware.memory_fraction leaves to the run."""
    fraction = spec.hardware.memory_fraction
    if free is None or total is None or fraction is None:
        return free
    return min(free, int(total * fraction))


def _capability(place: _Place) -> tuple[int, int] | None:
    known = [one.compute_capability for one in place.gpus if one.compute_capability is not None]
    return min(known, default=None)


def _free_here(reading: GpuReading, place: _Place, spec: RunSpec) -> tuple[int, ...]:
    if place.is_pretended:
        return tuple(free for free in place.free if free is not None)
    frees = (_share(one.free_bytes, one.total_bytes, spec) for one in _allowed(reading))
    return tuple(free for free in frees if free is not None)


def _pricing(place: _Place, driver: str | None) -> Pricing:
    """The closed form, corrected by what was measured on such a GPU."""
    known = calibration.find(place.gpus[0].name, driver) if place.gpus else None

    def price(shape: ModelShape, workload: Workload) -> Estimate:
        estimate = closed_form(shape, workload)
        return estimate if known is None else calibration.correct(estimate, known, workload.label)

    return price
