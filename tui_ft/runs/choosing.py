"""Which GPUs an attempt gets; until its state says so nobody else on this machine chooses."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tui_ft import settings
from tui_ft.errors import TuiFtError
from tui_ft.hardware.choose import choose_gpu
from tui_ft.hardware.gpu import GpuReading, read_gpus
from tui_ft.runs.after.machine_use import roots_here, states_here
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.guarded_file import open_lock, take
from tui_ft.runs.records import StateRecord
from tui_ft.runs.truth import is_here, judge
from tui_ft.spec.run_spec import RunSpec

_PATIENCE_S = 20.0
"""A launch holds the choice for a second or so. One that was suspended there must not keep all others out."""


class GpuTakenError(TuiFtError):
    """Another launch was quicker: whoever decided on the GPU decides again."""


class Claim:
    """Held from the choice until the state says `starting`, with its GPUs: from then on all others see it."""

    def __init__(self) -> None:
        self._descriptor: int | None = None
        with suppress(OSError):  # without room for a lock it goes without
            folder = settings.state_folder()
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._descriptor = open_lock(folder / "gpus.lock")
            take(self._descriptor, _PATIENCE_S)

    def let_go(self) -> None:
        """Others may choose now."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What of this machine the attempt gets, and what was seen when that was decided."""

    gpus: list[str]
    reading: GpuReading
    claim: Claim | None = None


@contextmanager
def chosen_machine(spec: RunSpec, runs_root: Path, gpus: Sequence[str] | None = None) -> Iterator[Machine]:
    """Choose the GPUs, passing over those of runs that are just loading, under whatever runs root of this
    machine; launch within. `gpus` are those that were decided on already.

    Raises `TuiFtError`; `GpuTakenError` when one of `gpus` was given to another run meanwhile.
    """
    reading = read_gpus()
    if not reading.gpus:
        yield Machine(gpus=_choose(spec, reading, gpus, set()), reading=reading)
        return
    claim = Claim()
    try:
        reading = read_gpus()  # again: whoever held the claim may have begun to fill one
        taken = _of_starting(runs_root)
        if gpus is not None and not taken.isdisjoint(gpus):
            raise GpuTakenError("Another run is just being started on its GPU.", exit_code=1)
        yield Machine(gpus=_choose(spec, reading, gpus, taken), reading=reading, claim=claim)
    finally:
        claim.let_go()


def _choose(spec: RunSpec, reading: GpuReading, gpus: Sequence[str] | None, taken: set[str]) -> list[str]:
    wanted = spec.hardware.gpus if gpus is None else list(gpus)
    allowed, order = os.environ.get("CUDA_VISIBLE_DEVICES"), os.environ.get("CUDA_DEVICE_ORDER")
    return choose_gpu(reading, wanted, allowed, taken, order)


def _of_starting(runs_root: Path) -> set[str]:
    """The GPUs of runs that load: they hold less memory than they are about to."""
    states = states_here(roots_here(runs_root))
    return {uuid for run, state in states if _is_starting(run, state) for uuid in state.gpus}


def _is_starting(run: RunDirectory, state: StateRecord) -> bool:
    if state.status != "starting" or not is_here(state):
        return False
    return judge(run, state, time.time()).status == "starting"
