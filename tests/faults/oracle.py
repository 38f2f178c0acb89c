"""What is true: the kernel's word on the processes against what the product says of the run; the files that
were reported against those that are there; every loss against the undisturbed run's.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from faults.world import KEEP, World, read_rows

from tui_ft.runs.truth import Truth, read_truth

WITHIN_S = 5.0
"""So soon after anything the status must be true, and never be untrue for longer."""
_ACTIVE = ("starting", "running", "paused", "stopping")
_ENDED = ("finished", "stopped", "failed")
_MEASURED = (
    "time",
    "tokens_per_s",
    "rss_gib",
    "step_s",
    "data_wait_s",
    "blocked_s",
    "eval_runtime_s",
    "epoch_s",
)


class Untrue(Exception):  # noqa: N818 - it is the matrix's finding
    """The product said or did what is not so."""


class Skipped(Exception):  # noqa: N818 - it is no error
    """This machine cannot do that to itself."""


@dataclass
class Reference:
    """The undisturbed run: rows by step, the weights of its checkpoints and its result, when phases began."""

    rows: dict[int, dict[str, Any]]
    evaluations: dict[int, dict[str, Any]]
    weights: dict[int, str]
    result: str
    phases: list[tuple[str, int, float, float]]
    files: set[str]
    life_s: float
    end_s: float
    operations: dict[str, int] = field(default_factory=dict)

    def length(self, phase: str) -> float:
        spans = [end - begin for name, _, begin, end in self.phases if name == phase]
        return max(spans, default=0.1)


def complaint(world: World, truth: Truth, fault_role: frozenset[str]) -> str | None:
    """Say what is wrong with `truth`, or None. While a command is at work there is nothing to hold it to."""
    if world.launcher is not None and world.reap() is None:
        return None
    s, t = world.condition("supervisor"), world.condition("trainer")
    state = truth.state
    if state is not None and world.attempt() != state.attempt and s != "alive":
        t = "gone"  # the newest trainer is an earlier attempt's
    said = f"{truth.status} ({truth.reason}), while the supervisor is {s} and the trainer {t}"
    reason = truth.reason or ""
    if t == "suspended":
        return None if truth.status == "quiet" and "suspended" in reason else said
    if t == "alive":
        ok = truth.status in _doing(world, state.attempt if state is not None else 1, fault_role)
        if s == "gone":
            ok &= reason == "unsupervised"
        elif s == "suspended":
            ok &= "suspended" in reason
        else:
            ok &= reason != "unsupervised"
        return None if ok else said
    if s == "suspended" and "suspended" in reason and truth.status in ("starting", "lost"):
        return None
    end = next((row for row in world.events(state.attempt if state else None) if row["event"] == "end"), None)
    if s == "alive" or (state is not None and state.status in _ENDED):
        return _ended(truth, end, fault_role, said)
    if end is not None:
        return _ended(truth, end, fault_role, said)
    if truth.state is None:
        return None if truth.status == "unknown" else said
    return None if truth.status == "lost" else said


def _doing(world: World, attempt: int, signals: frozenset[str]) -> tuple[str, ...]:
    """What a trainer that lives may be said to do, by its own newest word."""
    if "TERM" in signals:
        return _ACTIVE
    phases = [row["phase"] for row in world.events(attempt) if row["event"] in ("phase", "beat")]
    if not phases:
        return ("starting",)
    if phases[-1] == "paused":
        return ("paused",)
    at_work = {"training", "evaluating", "saving", "paused"}
    return ("running",) if at_work & set(phases) else ("starting",)


def _ended(truth: Truth, end: dict[str, Any] | None, signals: frozenset[str], said: str) -> str | None:
    if truth.status not in _ENDED:
        return said
    if end is not None:
        wanted = {"finished": "finished", "stopped": "stopped", "preempted": "stopped"}.get(
            end["cause"], "failed"
        )
        return None if truth.status == wanted else f"{said}; its last word was {end['cause']}"
    asked = "TERM" in signals or "STOP" in signals
    if truth.status == "finished" or (truth.status == "stopped" and not asked):
        return f"{said}; it left no last word"
    return None


@dataclass
class Watch:
    """Reads the truth again and again; the longest it was untrue is `worst_s`."""

    world: World
    signals: frozenset[str] = frozenset()
    worst_s: float = 0.0

    def __post_init__(self) -> None:
        self._true_at = time.monotonic()
        self.truth: Truth | None = None

    def look(self) -> Truth | None:
        """One reading. Raises `Untrue` when it has been untrue for too long."""
        run = self.world.run
        if run is None:
            self._true_at = time.monotonic()
            return None
        self.truth = read_truth(run)
        problem = complaint(self.world, self.truth, self.signals)
        now = time.monotonic()
        if problem is None:
            self._true_at = now
            return self.truth
        self.worst_s = max(self.worst_s, now - self._true_at)
        if now - self._true_at > WITHIN_S:
            raise Untrue(f"untrue for more than {WITHIN_S:.0f} s: {problem}")
        return None


def saved(world: World, reference: Reference, broken: frozenset[str] = frozenset()) -> list[int]:
    """Return the steps of the whole checkpoints, newest first; `broken` are those that the case itself cut.

    Raises `Untrue` when one that was reported is gone, or one that is not whole has its final name.
    """
    run = world.run
    if run is None:
        return []
    events = world.events()
    there, problems = [], []
    for step, folder in run.list_checkpoints():
        if folder.name in broken:
            continue
        problem = unwhole(folder, step, reference)
        if problem is None:
            there.append(step)
        else:
            problems.append(f"{folder.name}: {problem}")
    if problems:
        raise Untrue("under its final name, but not whole: " + "; ".join(problems))
    reported: dict[int, float] = {}
    for row in events:
        if row["event"] == "checkpoint":
            reported[row["step"]] = row.get("eval_loss") if row.get("eval_loss") is not None else math.inf
            for name in row.get("removed", []):
                reported.pop(int(name.rpartition("-")[2]), None)
    best = min(reported, key=lambda step: (reported[step], -step)) if reported else None
    for step in reported:
        if step in there or f"checkpoint-{step}" in broken:
            continue
        newer = [other for other in there if other > step]
        if len(newer) < KEEP or (step == best and reported[step] < math.inf):
            raise Untrue(f"the checkpoint of step {step} was reported saved and is gone; there are {there}")
    return there


def unwhole(folder: Path, step: int, reference: Reference) -> str | None:
    """Say what is wrong with a checkpoint, by the undisturbed run's of the same step."""
    names = {path.name for path in folder.iterdir()}
    lacking = reference.files - names
    if lacking:
        return f"{', '.join(sorted(lacking))} not there"
    try:
        if json.loads((folder / "trainer_state.json").read_bytes())["global_step"] != step:
            return "trainer_state.json is of another step"
    except ValueError as error:
        return f"trainer_state.json: {error}"
    wanted = reference.weights.get(step)
    if wanted is not None and digest(folder / "adapter_model.safetensors") != wanted:
        return "other weights than the undisturbed run's"
    return None


def digest(path: Path) -> str:
    return hashlib.blake2b(path.read_bytes()).hexdigest()


def rows_of(path: Path) -> tuple[dict[int, list[dict[str, Any]]], dict[int, list[dict[str, Any]]]]:
    """Return the rows of steps and those of evaluations, by step."""
    steps: dict[int, list[dict[str, Any]]] = {}
    evaluations: dict[int, list[dict[str, Any]]] = {}
    for row in read_rows(path):
        kind = evaluations if "eval_loss" in row else steps if "loss" in row else None
        if kind is not None:
            kind.setdefault(row["step"], []).append(row)
    return steps, evaluations


def same_losses(world: World, reference: Reference, since: float = 0.0) -> int:
    """Every row written after `since` equals the undisturbed run's. Returns how many were compared."""
    run = world.run
    assert run is not None
    steps, evaluations = rows_of(run.metrics)
    compared = 0
    for kind, wanted in ((steps, reference.rows), (evaluations, reference.evaluations)):
        for step, rows in kind.items():
            for row in (row for row in rows if row["time"] >= since):
                for key, value in wanted.get(step, {}).items():
                    if key in _MEASURED or key not in row:
                        continue
                    if row[key] != value:
                        raise Untrue(f"step {step}: {key} is {row[key]!r} instead of {value!r}")
                compared += 1
    return compared


def complete(world: World, reference: Reference) -> None:
    """A finished run has every step and the undisturbed run's result, bit by bit."""
    run = world.run
    assert run is not None
    steps, _ = rows_of(run.metrics)
    missing = sorted(reference.rows.keys() - steps.keys())
    if missing:
        raise Untrue(f"finished, but no row of the steps {missing}")
    if digest(run.result / "adapter_model.safetensors") != reference.result:
        raise Untrue("the result has other weights than the undisturbed run's")
