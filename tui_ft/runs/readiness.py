"""Could a spec be started now: is its model there, is its data, does it fit, and what would fit instead."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from tui_ft.errors import TuiFtError
from tui_ft.hardware.gpu import GpuReading
from tui_ft.runs import preflight
from tui_ft.spec.run_spec import RunSpec
from tui_ft.spec.support import require_runnable
from tui_ft.vram.assess import Assessment, assess
from tui_ft.vram.find_model import find_shape
from tui_ft.vram.shape import ModelShape
from tui_ft.vram.situation import StepDown
from tui_ft.vram.verdict import Verdict

_ELSEWHERE = frozenset({"gpus", "model", "gpu"})
"""Kinds of changes that are no lesser setting of the same run here."""


@dataclass(frozen=True, kw_only=True)
class Readiness:
    """What stands against a start: a problem, or the verdict "does not fit".

    `problems` are sentences with their remedy: what would surely end the run. `step_downs` are changes
    with which it fits on this GPU, those that change the result least first. `unknown` says why nothing
    can be said about its memory, "" where it can.
    """

    problems: tuple[str, ...]
    verdict: Verdict = "unknown"
    needed_bytes: int | None = None
    free_bytes: int | None = None
    step_downs: tuple[StepDown, ...] = ()
    unknown: str = ""

    @property
    def is_ready(self) -> bool:
        return not self.problems and self.verdict != "does_not_fit"


def readiness(spec: RunSpec, reading: GpuReading) -> Readiness:
    """Look at the files and the GPUs; nothing is fetched. Data that is not named yet is no problem."""
    problems = tuple(str(error) for check in _checks(spec) if (error := _error_of(check, spec)) is not None)
    return replace(memory(spec, reading), problems=problems)


def memory(spec: RunSpec, reading: GpuReading) -> Readiness:
    """Look at the GPUs alone: does it fit, and what would."""
    try:
        found = assess(spec, _shape(spec), reading)
    except TuiFtError as error:
        return Readiness(problems=(), unknown=error.message)
    return Readiness(
        problems=(),
        verdict=found.verdict,
        needed_bytes=found.estimate.needed_bytes,
        free_bytes=found.free_bytes,
        step_downs=fitting(found),
        unknown="" if found.verdict != "unknown" else " ".join(found.notes),
    )


def fitting(found: Assessment) -> tuple[StepDown, ...]:
    """The changes with which the run surely fits where it is to run."""
    return tuple(
        step
        for step in found.step_downs
        if step.verdict == "fits" and step.overrides and step.kind not in _ELSEWHERE
    )


def _checks(spec: RunSpec) -> tuple[Callable[[RunSpec], None], ...]:
    checks: tuple[Callable[[RunSpec], None], ...] = (require_runnable, preflight.check_model)
    return checks if spec.data.train is None else (*checks, preflight.check_data)


def _error_of(check: Callable[[RunSpec], None], spec: RunSpec) -> TuiFtError | None:
    try:
        check(spec)
    except TuiFtError as error:
        return error
    return None


def _shape(spec: RunSpec) -> ModelShape:
    if not spec.model.id:
        raise TuiFtError("The spec names no model.", "Set model.id.")
    return find_shape(spec.model.id, revision=spec.model.revision)
