"""How fast earlier runs here were: tokens a second by model, method and GPU, for the forecast of the next."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from tui_ft.errors import TuiFtError
from tui_ft.guide.pace import Measured
from tui_ft.runs.directory import AttemptDirectory, RunDirectory, list_directories
from tui_ft.runs.money.hired import gpu_of
from tui_ft.runs.records import StateRecord, complete_lines, decode_metrics, number
from tui_ft.runs.state import read_state
from tui_ft.spec import toml
from tui_ft.spec.display import method_label, model_label
from tui_ft.spec.resolve import resolve
from tui_ft.spec.run_spec import RunSpec

LEAST_STEPS = 10
"""Of fewer steps nothing is concluded: the first ones are slow (facts: domain, i)."""

MOST_LOOKED_AT = 30
"""So many runs of the same model and method are read, the newest: a root may hold thousands."""

WARM_UP_STEPS = 3
_TAIL_BYTES = 128 << 10


class _Run(NamedTuple):
    """What is read of a run once: its state's own words, and where its newest attempt lies."""

    directory: RunDirectory
    attempt: AttemptDirectory
    model: str
    method: str


class EarlierRuns:
    """The runs under a root, looked through for those like a spec. Every call may block; none raises.

    States are read once, a run's own files when model and method are the same.
    """

    def __init__(self, runs_root: Path) -> None:
        self._root = runs_root
        self._runs: list[_Run] | None = None
        self._speeds: dict[str, tuple[RunSpec, str, float, int] | None] = {}

    def find(self, spec: RunSpec, gpu: str | None) -> Measured | None:
        """The newest run of this model with this method on a GPU of this name (None: on the CPU).

        One with the same settings goes before newer ones with others.
        """
        alike: Measured | None = None
        wanted = model_label(spec), _family(method_label(spec))
        like_it = (run for run in self._all() if (run.model, _family(run.method)) == wanted)
        for run in islice(like_it, MOST_LOOKED_AT):
            known = self._speed(run)
            if known is None or known[0].model.id != spec.model.id or known[1] != (gpu or ""):
                continue
            is_same = _speed_key(known[0]) == _speed_key(spec)
            found = Measured(
                run=run.directory.id, tokens_per_s=known[2], steps=known[3], gpu=known[1], is_same=is_same
            )
            if is_same:
                return found
            alike = alike or found
        return alike

    def _all(self) -> list[_Run]:
        if self._runs is None:
            self._runs = [run for one in list_directories(self._root) if (run := _run(one)) is not None]
        return self._runs

    def _speed(self, run: _Run) -> tuple[RunSpec, str, float, int] | None:
        name = run.directory.id
        if name not in self._speeds:
            self._speeds[name] = _measured(run)
        return self._speeds[name]


@cache
def _family(method: str) -> str:
    """A method's label without its numbers: `QLoRA r16` and `QLoRA r32` compute nearly the same."""
    return re.sub(r" r?\d+", "", method).rstrip("s")


def _run(directory: RunDirectory) -> _Run | None:
    try:
        state: StateRecord = read_state(directory)
    except TuiFtError:
        return None
    return _Run(directory, directory.attempt(state.attempt), state.model, state.method)


def _measured(run: _Run) -> tuple[RunSpec, str, float, int] | None:
    """The spec, the GPU's name, tokens a second and how many steps say so; None where they cannot be told."""
    speed = _tokens_per_s(run.directory)
    gpu = gpu_of(run.attempt)
    if speed is None or gpu is None:
        return None
    try:
        spec = toml.load(run.attempt.spec)
    except TuiFtError:
        return None
    return (spec, gpu, *speed)


def _tokens_per_s(run: RunDirectory) -> tuple[float, int] | None:
    """Tokens over the seconds of the newest steps, evaluations and saves left out."""
    tokens = seconds = 0.0
    steps = 0
    before: float | None = None
    for row in _rows(run):
        step, counted, rate = row.get("step"), number(row.get("tokens")), number(row.get("tokens_per_s"))
        if not isinstance(step, int) or counted is None or not rate or not 0 < rate < float("inf"):
            continue
        if before is not None and counted > before and step > WARM_UP_STEPS:
            tokens += counted - before
            seconds += (counted - before) / rate
            steps += 1
        before = counted
    return (tokens / seconds, steps) if steps >= LEAST_STEPS and seconds > 0 else None


def _rows(run: RunDirectory) -> Iterator[dict[str, Any]]:
    try:
        with run.metrics.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(size - _TAIL_BYTES, 0))
            tail = file.read(_TAIL_BYTES)
    except OSError:
        return
    for line in complete_lines(tail):
        try:
            yield decode_metrics(line)
        except (ValueError, RecursionError):
            continue  # cut off at the front, or torn by a kill


def _speed_key(spec: RunSpec) -> tuple[object, ...]:
    """The settings that tokens a second depend on, beside model and GPU."""
    spec = resolve(spec)
    training, method = spec.training, spec.method
    targets = tuple(method.targets) if isinstance(method.targets, list) else method.targets
    return (
        method.kind, method.quantization, method.rank, method.variant, method.layers, targets,
        training.batch_size, training.gradient_checkpointing, training.optimizer, training.precision,
        spec.data.max_length, spec.data.packing, spec.model.dtype, spec.model.attention,
        spec.hardware.strategy,
    )  # fmt: skip
