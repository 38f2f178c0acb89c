"""What is known of a run at one moment, whatever it was read from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from tui_ft.health.finding import Finding
from tui_ft.runs.attempt_output import of_newest_attempt
from tui_ft.runs.health_rows import DeedRow, HealthRow
from tui_ft.runs.records import (
    CheckpointEvent,
    EndEvent,
    ExitRecord,
    HardwareRow,
    SampleEvent,
    Status,
    WarningEvent,
)
from tui_ft.watch.memory import MemoryReport
from tui_ft.watch.series import Series

SourceName = Literal[
    "tui_ft", "hf_trainer_state", "tensorboard", "wandb", "llamafactory", "lightning_csv", "stdout",
    "mlflow", "trackio", "torchtune",
]  # fmt: skip
SettingValue = str | int | float | bool | None
"""A setting of a run by whatever name its own tool gives it; our own by the names of the spec."""


@dataclass(frozen=True, kw_only=True)
class Activity:
    """What the trainer is doing: its phase since a moment, and how much of it is done where it counts."""

    phase: str
    since: float
    detail: str = ""
    done: int | None = None
    total: int | None = None
    unit: str = ""


@dataclass(frozen=True, kw_only=True)
class MemoryCurve:
    """Memory in GiB over seconds since `origin`, and against what it counts.

    On a box without a GPU `is_gpu` is False: then it is the trainer's resident memory, and `total_gib`
    the limit of the cgroup or of the box.
    """

    is_gpu: bool
    series: Series
    origin: float
    name: str = ""
    used_gib: float | None = None
    total_gib: float | None = None
    free_gib: float | None = None


@dataclass(frozen=True, kw_only=True)
class OtherSource:
    """Another source of the same run, or another run at the same place (`is_run`): read it by its path.

    Step, loss and the time of the newest word are as far as a look has seen them.
    """

    source: SourceName
    title: str
    path: str
    status: Status = "unknown"
    is_run: bool = False
    step: int | None = None
    loss: float | None = None
    updated_at: float | None = None


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One reading of a run. The series go on growing behind it; all else is as it was at that moment.

    `times` holds the unix time of each training step; `restart_steps` the steps at which a restart or a
    resume went on. `hardware_series` run over seconds since `hardware_origin` (unix seconds). `is_complete`
    is False while a long history is still being read; while `is_approximate` the series are samples of it.
    `pids` are the processes that are known to write the run, as long as they live. `borrowed` names the
    series that are read from another source of the run than `source`. `findings` are what is not well now,
    worst first, without the codes in `silenced`; `health_rows` all that was found, cleared and done lately,
    `deeds` of these what was done with nobody there, `past` what was found and is over, with the time
    at which it was; oldest first. Their text is safe to show. `attempt_at` is when the newest attempt began
    (unix seconds), for a run of ours.
    """

    source: SourceName
    title: str
    path: str
    status: Status
    reason: str = ""
    model: str = ""
    method: str = ""
    attempt: int = 1
    step: int | None = None
    total_steps: int | None = None
    epoch: float | None = None
    started_at: float | None = None
    ended_at: float | None = None
    updated_at: float | None = None
    attempt_at: float | None = None
    activity: Activity | None = None
    series: Mapping[str, Series] = field(default_factory=dict)
    times: Series = field(default_factory=Series)
    restart_steps: tuple[float, ...] = ()
    restarts: int = 0
    bad_records: int = 0
    notes: tuple[str, ...] = ()
    hardware: HardwareRow | None = None
    memory: MemoryCurve | None = None
    gpu_memory: MemoryReport | None = None
    samples: tuple[SampleEvent, ...] = ()
    checkpoints: tuple[CheckpointEvent, ...] = ()
    warnings: tuple[WarningEvent, ...] = ()
    end: EndEvent | None = None
    exit: ExitRecord | None = None
    log: tuple[str, ...] = ()
    log_version: int = 0
    is_complete: bool = True
    is_approximate: bool = False
    settings: Mapping[str, SettingValue] = field(default_factory=dict)
    checkpoint_steps: tuple[float, ...] = ()
    hardware_series: Mapping[str, Series] = field(default_factory=dict)
    hardware_origin: float | None = None
    others: tuple[OtherSource, ...] = ()
    borrowed: Mapping[str, SourceName] = field(default_factory=dict)
    pids: tuple[int, ...] = ()
    findings: tuple[Finding, ...] = ()
    past: tuple[tuple[Finding, float], ...] = ()
    deeds: tuple[DeedRow, ...] = ()
    health_rows: tuple[HealthRow, ...] = ()
    silenced: tuple[str, ...] = ()

    @property
    def attempt_warnings(self) -> tuple[WarningEvent, ...]:
        """The warnings of the newest attempt: what an earlier one was warned of may be cured."""
        since = self.attempt_at
        return self.warnings if since is None else tuple(one for one in self.warnings if one.time >= since)

    @property
    def attempt_log(self) -> Sequence[str]:
        """The lines that the newest attempt printed."""
        return of_newest_attempt(self.log)

    def last(self, name: str) -> float | None:
        """The newest value of a series; None when there is none."""
        series = self.series.get(name)
        return series.last[1] if series is not None and series.last is not None else None
