"""When to evaluate and when to save: pure functions of the step, the plan and the clock."""

from __future__ import annotations

from dataclasses import dataclass

from tui_ft.runs.records import LaunchRecord
from tui_ft.spec.intervals import steps_between_evaluations
from tui_ft.spec.run_spec import RunSpec
from tui_ft.train.cadence import Cadence, make_cadence


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The run in steps. `cadence` learns while it runs; with it `save_every_s` says nothing."""

    total_steps: int
    steps_per_epoch: int
    evaluate_every: int | None
    save_every: int | None
    save_every_s: float | None = None
    cadence: Cadence | None = None

    def evaluates_at(self, step: int) -> bool:
        """True at every interval and at the last step, where there is something to evaluate on."""
        if self.evaluate_every is None:
            return False
        return step >= self.total_steps or step % self.evaluate_every == 0

    def saves_at(self, step: int, seconds_since_save: float) -> bool:
        """True at every interval, when the time is up, and at the last step."""
        if step >= self.total_steps:
            return True
        if self.save_every is not None and step % self.save_every == 0:
            return True
        every_s = self.cadence.interval_s if self.cadence is not None else self.save_every_s
        return every_s is not None and seconds_since_save >= every_s


def make_plan(
    spec: RunSpec,
    *,
    total_steps: int,
    steps_per_epoch: int,
    has_eval: bool,
    launch: LaunchRecord | None = None,
) -> Plan:
    """Turn a spec's intervals into steps; `launch` knows how long the machine is expected to last."""
    return Plan(
        total_steps=total_steps,
        steps_per_epoch=steps_per_epoch,
        evaluate_every=steps_between_evaluations(spec, steps_per_epoch) if has_eval else None,
        save_every=spec.checkpoints.every_steps,
        cadence=make_cadence(spec, launch),
    )
