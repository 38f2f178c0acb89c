"""What is known of a run's memory when it is queued: how much it needs, and whether it can ever have that."""

from __future__ import annotations

from typing import NamedTuple

from tui_ft.hardware.gpu import GpuReading
from tui_ft.runs.readiness import memory
from tui_ft.spec.run_spec import RunSpec


class Foresight(NamedTuple):
    """`needed_bytes` of its GPU, None where there is none or it is not known; `problem` is a sentence."""

    needed_bytes: int | None = None
    problem: str = ""


def foresee(spec: RunSpec, reading: GpuReading) -> Foresight:
    """Look at the GPUs alone; that one is busy now is no problem, it is waited for. Never raises."""
    if not reading.gpus:
        return Foresight()
    from tui_ft.vram.holders import gib_text

    found = memory(spec, reading)
    largest = max((gpu.total_bytes for gpu in reading.gpus if gpu.total_bytes is not None), default=None)
    needed = found.needed_bytes
    if found.verdict != "does_not_fit" or needed is None or largest is None or needed <= largest:
        return Foresight(needed)
    first = next((step for step in found.step_downs if step.overrides), None)
    remedy = (
        f" {first.change} would fit: {' '.join(f'--set {one}' for one in first.overrides)}" if first else ""
    )
    return Foresight(
        needed,
        f"It needs {gib_text(needed)}, and no GPU here has more than {gib_text(largest)}: "
        f"it will be held.{remedy}",
    )
