"""What to change after the GPU's memory did not suffice: the ladder of the estimate, effective batch kept."""

from __future__ import annotations

from tui_ft.errors import TuiFtError
from tui_ft.hardware.gpu import GpuReading
from tui_ft.health.facts import facts_of
from tui_ft.health.finding import Evidence, Fix, How
from tui_ft.health.fixes import smaller_steps
from tui_ft.runs import launch
from tui_ft.runs.directory import RunDirectory
from tui_ft.spec import overrides
from tui_ft.spec.run_spec import RunSpec

MOST = 4
LESS_THAN_BEFORE = 0.9
"""What ran out needed more than was foreseen: a rung counts when it is foreseen to need a tenth less."""
_BYTES_IN_GIB = 2**30


def oom_fixes(run: RunDirectory, spec: RunSpec, reading: GpuReading, evidence: Evidence) -> list[Fix]:
    """Changes with which it needs less memory, what alters the result least first; those that the
    checkpoints still fit are resumes. Of a model of which nothing is known the same without numbers, as the
    detector has it. Never raises.
    """
    try:
        rungs = _by_estimate(spec, reading, evidence)
    except TuiFtError:
        rungs = []
    if not rungs:
        return smaller_steps(facts_of(spec))[:MOST]
    fixes = []
    for name, title, changes in rungs:
        how = _how(run, spec, changes)
        if how is not None:
            fixes.append(Fix(name=f"oom_{name}", title=title, how=how, changes=changes))
    return sorted(fixes, key=lambda fix: fix.how != "resume")[:MOST]


def _by_estimate(spec: RunSpec, reading: GpuReading, evidence: Evidence) -> list[tuple[str, str, list[str]]]:
    """Imported here: whoever only reads runs needs none of it. Raises `TuiFtError`."""
    from tui_ft.vram.assess import assess
    from tui_ft.vram.find_model import find_shape

    shape = find_shape(spec.model.id or "", revision=spec.model.revision)
    seen = assess(spec, shape, reading, with_step_downs=False)
    room = int(seen.estimate.needed_bytes * LESS_THAN_BEFORE)
    total = evidence.get("total_gib")
    if isinstance(total, float) and total > 0:
        room = min(room, int(total * _BYTES_IN_GIB))
    found = assess(spec, shape, reading, gpu_memory_bytes=room)
    return [
        (
            step.kind,
            f"{step.change}: {step.needed_bytes / _BYTES_IN_GIB:.1f} GiB foreseen",
            list(step.overrides),
        )
        for step in found.step_downs
        if step.overrides and step.kind not in ("gpus", "gpu", "model") and step.needed_bytes <= room
    ]


def _how(run: RunDirectory, spec: RunSpec, changes: list[str]) -> How | None:
    """Resume where the checkpoints still fit, else restart; None where the spec cannot be so."""
    try:
        overrides.apply(spec, changes)
    except TuiFtError:
        return None
    try:
        launch.check_changes(run, changes)
    except TuiFtError:
        return "restart"
    return "resume"
