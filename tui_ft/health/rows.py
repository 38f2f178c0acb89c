"""What detectors look at: a training step, an evaluation, the machine; the numbers that count, by name."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

_LARGEST = 2**63
_NONFINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


class Step(NamedTuple):
    """One optimizer step. None is not known. `step_s` is its wall time, `data_wait_s` what of it was waiting
    for batches; both are missing in runs of others.
    """

    step: int
    time: float | None = None
    loss: float | None = None
    grad_norm: float | None = None
    learning_rate: float | None = None
    step_s: float | None = None
    data_wait_s: float | None = None


class Evaluation(NamedTuple):
    """One evaluation; `probe_loss` is that of texts that are not what is being learnt."""

    step: int
    time: float | None = None
    eval_loss: float | None = None
    probe_loss: float | None = None


class Holder(NamedTuple):
    """A process that is none of the run's and holds memory of its GPU; `name` is empty when it is dead.

    `is_ours`: a trainer of another run of ours.
    """

    pid: int
    gib: float | None
    name: str
    is_alive: bool
    is_ours: bool = False


class Machine(NamedTuple):
    """The box at one moment. `utilization` is in per cent, of the busiest of the run's GPUs; `cores` how many
    processors the trainer and its children used lately; `is_stopped` that a signal stopped the trainer.
    """

    time: float
    utilization: float | None = None
    gpu_used_gib: float | None = None
    gpu_total_gib: float | None = None
    temperature_c: float | None = None
    power_w: float | None = None
    throttle: str | None = None
    memory_used_gib: float | None = None
    memory_limit_gib: float | None = None
    trainer_gib: float | None = None
    disk_free_gib: float | None = None
    inodes_free: int | None = None
    inodes_total: int | None = None
    cores: float | None = None
    is_stopped: bool = False
    holders: tuple[Holder, ...] | None = None


def read_row(row: Mapping[str, object]) -> Step | Evaluation | None:
    """Return what a row of metrics.jsonl says; None for one without a step or without anything to judge."""
    step = _finite(row.get("step"))
    if step is None or abs(step) > _LARGEST:
        return None
    if "eval_loss" in row or "probe_loss" in row:
        return Evaluation(
            int(step), _finite(row.get("time")), number(row.get("eval_loss")), number(row.get("probe_loss"))
        )
    return Step(
        int(step),
        _finite(row.get("time")),
        number(row.get("loss")),
        number(row.get("grad_norm")),
        _finite(row.get("learning_rate")),
        _finite(row.get("step_s")),
        _finite(row.get("data_wait_s")),
    )


def number(value: object) -> float | None:
    """A metric's value as a float; the words for what JSON cannot say mean what they say."""
    if isinstance(value, int):
        return float(value) if not isinstance(value, bool) and abs(value) < _LARGEST else None
    if isinstance(value, float):
        return value
    return _NONFINITE.get(value) if isinstance(value, str) else None


def _finite(value: object) -> float | None:
    found = number(value)
    return found if found is not None and math.isfinite(found) else None
