"""The last rungs of the ladder: more GPUs, a smaller model of the same series, a larger GPU."""

from __future__ import annotations

from collections.abc import Iterator

from tui_ft.vram import catalogue
from tui_ft.vram.gpu_classes import CLASSES
from tui_ft.vram.situation import Situation, StepDown
from tui_ft.vram.verdict import judge
from tui_ft.vram.workload import BF16_CAPABILITY

_GPU_COUNTS = (2, 4, 8)


def more_gpus(situation: Situation) -> Iterator[StepDown | None]:
    """The smallest number of GPUs like this one that holds a sharded run; else the largest number."""
    last: StepDown | None = None
    for count in _GPU_COUNTS:
        if count <= situation.workload.gpus or (split := _split_batch(situation, count)) is None:
            continue
        batch, accumulation = split
        changes = (
            f"hardware.gpus={count}",
            "hardware.strategy=fsdp",
            f"training.batch_size={batch}",
            f"training.gradient_accumulation={accumulation}",
        )
        free = sorted(situation.free_here, reverse=True)[:count]
        is_here = len(free) == count
        text = f"{count} GPUs by FSDP, batch {batch}, accumulation {accumulation}"
        step = situation.rung(
            "gpus", text, changes, free_bytes=min(free) if is_here else None, is_here=is_here
        )
        last = step or last
        if step is not None and step.verdict == "fits":
            break
    yield last


def _split_batch(situation: Situation, count: int) -> tuple[int, int] | None:
    """Batch and accumulation of each of `count` GPUs that keep the effective batch; None if none do."""
    workload = situation.workload
    total = workload.batch_size * workload.gradient_accumulation * workload.gpus
    if total % count:
        return None
    each = total // count
    batch = next(size for size in range(min(workload.batch_size, each), 0, -1) if each % size == 0)
    return batch, each // batch


def smaller_model(situation: Situation) -> Iterator[StepDown | None]:
    """The largest sibling that fits, else the smallest there is."""
    last: StepDown | None = None
    for sibling in catalogue.siblings(situation.shape):
        entry = catalogue.lookup(sibling.name)
        if entry is None or entry.hub_id is None:
            continue
        overrides = (f"model.id={entry.hub_id}", "model.revision=none")
        step = situation.rung("model", f"smaller model: {entry.hub_id}", overrides, shape=sibling)
        last = step or last
        if step is not None and step.verdict == "fits":
            break
    yield last


def larger_gpu(situation: Situation) -> Iterator[StepDown | None]:
    """The cheapest class of GPU on which the run fits as it is."""
    for kind in CLASSES:
        if kind.capability < BF16_CAPABILITY and situation.workload.precision.compute == "bfloat16":
            continue  # it would have to compute in fp16: another run
        estimate = situation.weigh((), capability=kind.capability)
        if estimate is not None and judge(estimate, kind.free_bytes) == "fits":
            yield StepDown(
                kind="gpu",
                change=f"a GPU like {kind.name}",
                overrides=(),
                needed_bytes=estimate.needed_bytes,
                verdict="fits",
                remark="the cheapest kind that holds it",
            )
            return
