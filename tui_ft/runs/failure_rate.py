"""How long this machine lasts between two failures: as the spec says, else learnt from the runs here."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tui_ft.errors import TuiFtError
from tui_ft.runs import launch_record
from tui_ft.runs.directory import RunDirectory, list_directories
from tui_ft.runs.known_roots import known_roots
from tui_ft.runs.records import ACTIVE, StateRecord
from tui_ft.runs.state import read_state
from tui_ft.runs.truth import judge, updated_at
from tui_ft.spec.run_spec import RunSpec

PRIOR_HOURS = 24.0
"""How long a machine lasts of which nothing is known, worth as much as one failure seen: between a spot
machine (hours) and a rented one (weeks; Llama 3's 16,384 GPUs: one failure in 3 h, 50,000 GPU hours each).
"""
MOST_RUNS = 400
"""The newest so many runs are looked at: a launch must not wait for a thousand files."""
_MOST_SECONDS = 0.25
_FAILURES = frozenset({"preempted", "killed"})
"""What came from outside. `host_oom` is not among them: a run that asks for more memory than there is (its
own MemoryError too) meets that at the same place again, however long the machine lasts.
"""


@dataclass(frozen=True, kw_only=True)
class Life:
    """The mean time between failures in `hours`, and by what it is known, in words."""

    hours: float
    basis: str


def expected_life(spec: RunSpec, runs_root: Path) -> Life:
    """What to count with for a run of `spec` under `runs_root`. Never raises for what the runs hold."""
    given = spec.checkpoints.hours_between_failures
    if given is not None:
        return Life(hours=given, basis="as the spec says")
    hours, failures = _seen(runs_root)
    return learnt(hours, failures)


def learnt(hours: float, failures: int) -> Life:
    """The mean of the posterior, with a gamma prior of one failure in `PRIOR_HOURS` (conjugate to a Poisson
    count of failures): (prior hours + hours run) / (1 + failures seen).
    """
    life = (PRIOR_HOURS + hours) / (1 + failures)
    if hours < 0.1 and not failures:
        return Life(hours=life, basis="nothing is known of this machine yet")
    times = "no failure" if not failures else "one failure" if failures == 1 else f"{failures} failures"
    ran = f"{hours:.0f} h" if hours >= 1 else "less than an hour"
    return Life(hours=round(life, 1), basis=f"{times} in {ran} of runs here")


def _seen(runs_root: Path) -> tuple[float, int]:
    """Hours run and runs cut off, over the newest runs of all known roots."""
    hours, failures, deadline = 0.0, 0, time.monotonic() + _MOST_SECONDS
    for run in _runs([runs_root, *known_roots()]):
        if time.monotonic() > deadline:
            break
        try:
            state = read_state(run)
        except TuiFtError:
            continue
        ran, cut_off = before_attempt(run, state)
        hours += ran
        failures += cut_off
    return hours, failures


def _runs(roots: Iterable[Path]) -> Iterator[RunDirectory]:
    seen: set[Path] = set()
    for root in roots:
        for run in list_directories(root):
            if len(seen) >= MOST_RUNS:
                return
            if run.path not in seen:
                seen.add(run.path)
                yield run


def before_attempt(run: RunDirectory, state: StateRecord) -> tuple[float, int]:
    """Hours run and times cut off of all attempts of `run` up to that of `state`: what the next one begins
    with.
    """
    hours, is_failure = _life_of(run, state)
    record = launch_record.read(run, state.attempt) if state.attempt > 1 else None
    if record is None or not 0 <= record.hours_run < 1e6 or not 0 <= record.failures < 10_000:
        return hours, int(is_failure)
    return record.hours_run + hours, record.failures + is_failure


def _life_of(run: RunDirectory, state: StateRecord) -> tuple[float, bool]:
    """How many hours the last attempt ran, and whether it was cut off from outside.

    One that a person ended, that finished, or that failed by itself says nothing against the machine.
    """
    began = state.started_at
    if began is None or state.status == "queued":
        return 0.0, False
    if state.status in ACTIVE:
        truth = judge(run, state, time.time())
        is_failure = truth.status in ("lost", "unknown")
        ended = updated_at(run) if is_failure else time.time()
    else:
        is_failure = state.exit is not None and state.exit.cause in _FAILURES
        is_failure = is_failure and (state.stop_requested_by is None)
        ended = state.ended_at
    if ended is None or not 0 <= ended - began < 10 * 365 * 86_400:
        return 0.0, is_failure  # a clock that was set in between
    return (ended - began) / 3600, is_failure
