"""What a draft comes to: memory with its verdict, steps, time and money, computed anew for every change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tui_ft import settings
from tui_ft.data.findings import Findings
from tui_ft.errors import TuiFtError
from tui_ft.guide.pace import Pace, pace
from tui_ft.guide.volume import Volume, devices, volume
from tui_ft.hardware.gpu import GpuReading
from tui_ft.runs.money.forecast import Cost, cost
from tui_ft.runs.money.prices import rate_of
from tui_ft.runs.throughput import EarlierRuns
from tui_ft.spec.run_spec import RunSpec
from tui_ft.vram import find_model
from tui_ft.vram.assess import Assessment, assess
from tui_ft.vram.shape import ModelShape


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """Everything that is foreseen of a run of `spec`. None is "not known"; `problem` says why, as a sentence.

    `gpu` is the driver's name of the GPU that it would get, None without one.
    """

    spec: RunSpec
    shape: ModelShape | None
    assessment: Assessment | None
    pace: Pace
    cost: Cost
    gpu: str | None = None
    problem: str = ""

    @property
    def volume(self) -> Volume:
        return self.pace.volume


class Live:
    """Answers again and again; what does not change from key to key is looked up once.

    Every call may block and is made off the event loop, one at a time.
    """

    def __init__(self, runs_root: Path) -> None:
        self._earlier = EarlierRuns(runs_root)
        self._shapes: dict[tuple[str, str | None], ModelShape | str] = {}
        self._settings: settings.Settings | None = None
        self._settings_problem = ""

    def outlook(self, spec: RunSpec, findings: Mapping[str, Findings], reading: GpuReading) -> Outlook:
        """What a run of `spec` takes on the GPUs of `reading`. Never raises for what a user can set."""
        amount = volume(spec, findings)
        shape = self._shape(spec)
        assessment: Assessment | None = None
        problem = shape if isinstance(shape, str) else ""
        known = None if isinstance(shape, str) else shape
        if known is not None:
            try:
                assessment = assess(
                    spec, known, reading, longest_row=amount.longest_row, with_step_downs=False
                )
            except TuiFtError as error:
                problem = str(error)
        gpu = assessment.gpu if assessment is not None else None
        name = gpu.name if gpu is not None else None
        time = pace(
            spec, amount, shape=known, gpu=name,
            capability=assessment.capability if assessment is not None else None,
            measured=self._earlier.find(spec, name),
        )  # fmt: skip
        return Outlook(
            spec=spec, shape=known, assessment=assessment, pace=time, cost=self._cost(spec, time, name),
            gpu=name, problem=problem or self._settings_problem,
        )  # fmt: skip

    def _cost(self, spec: RunSpec, time: Pace, gpu: str | None) -> Cost:
        if self._settings is None:
            try:
                self._settings = settings.load()
            except TuiFtError as error:
                self._settings, self._settings_problem = settings.Settings(), str(error)
        known = self._settings
        return cost(time, rate_of(known.price_of(gpu), gpu, known.currency), devices(spec))

    def _shape(self, spec: RunSpec) -> ModelShape | str:
        """The model's shape, or why there is none. Nothing is asked of the network."""
        name, revision = spec.model.id, spec.model.revision
        if not name:
            return "No model is chosen yet."
        if (name, revision) not in self._shapes:
            try:
                self._shapes[name, revision] = find_model.find_shape(name, revision=revision)
            except TuiFtError as error:
                self._shapes[name, revision] = str(error)
        return self._shapes[name, revision]
