"""Is this machine in use: by runs of ours, by anybody's work on a GPU, by somebody at a terminal."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from tui_ft.errors import TuiFtError
from tui_ft.hardware import host
from tui_ft.hardware.gpu import Gpu, GpuReading
from tui_ft.runs import lock as locks
from tui_ft.runs import truth
from tui_ft.runs.after import owed
from tui_ft.runs.directory import RunDirectory, list_directories
from tui_ft.runs.known_roots import known_roots
from tui_ft.runs.queueing.queue_file import read_queue
from tui_ft.runs.records import ACTIVE, ENDED, StateRecord
from tui_ft.runs.state import read_state

IDLE_PERCENT = 5.0
"""A GPU that is used less stands idle (facts: domain, e, T17)."""

HELD_SHARE = 0.05
"""Of a GPU's memory: more is somebody's work, though the GPU stands still now (our own number)."""

BUSY_SHARE = 0.3
"""On a machine without a GPU: load for each processor from which on somebody works (our own number)."""

_TERMINALS = Path("/dev/pts")


def roots_here(root: Path) -> list[Path]:
    """`root` and every other that is remembered, each once."""
    return list(dict.fromkeys(path.resolve() for path in (root, *known_roots())))


def states_here(roots: Iterable[Path]) -> list[tuple[RunDirectory, StateRecord]]:
    """All runs under `roots` whose state can be read."""
    found = []
    for root in roots:
        for run in list_directories(root):
            try:
                found.append((run, read_state(run)))
            except TuiFtError:
                continue
    return found


def goes_on(roots: Iterable[Path], now: float) -> RunDirectory | None:
    """A run of ours that goes on on this machine; None when none does.

    Of one whose state cannot be read the locks tell: its supervisor or its trainer holds one.
    """
    for root in roots:
        for run in list_directories(root):
            try:
                is_going = _is_going(run, read_state(run), now)
            except TuiFtError:
                is_going = locks.is_locked(run.lock) or locks.is_locked(run.events)
            if is_going:
                return run
    return None


class Uncopied(NamedTuple):
    """A run that has ended, and whose copy is not there; `is_under_way` where it still may come by itself."""

    run: RunDirectory
    reason: str
    is_under_way: bool


def uncopied(roots: Iterable[Path], but: RunDirectory) -> Uncopied | None:
    """A run of this boot, other than `but`, that would lose the copy it asked for if the machine went."""
    for root in roots:
        for run in list_directories(root):
            if run.path != but.path and (found := _uncopied(run)) is not None:
                return found
    return None


def _uncopied(run: RunDirectory) -> Uncopied | None:
    try:
        state = read_state(run)
    except TuiFtError:
        if any(locks.is_locked(path) for path in run.marks_of_attempts()):
            return Uncopied(run, f"what follows the end of {run.id} is not done.", is_under_way=True)
        return None
    if state.status not in ENDED or not truth.is_here(state):
        return None
    if "copy" in state.findings:
        return Uncopied(
            run, f"there is no copy of {run.id}, and `tui-ft copy` makes one.", is_under_way=False
        )
    if owed.is_copy_owed(run, state.attempt):
        return Uncopied(run, f"the copy of {run.id} is not made yet.", is_under_way=True)
    return None


def is_being_opened(roots: Iterable[Path]) -> bool:
    """True while somebody holds the lock of a run: it may be about to go on, which its state says later."""
    return any(locks.is_locked(run.lock) for root in roots for run in list_directories(root))


def goes_on_among(states: Iterable[tuple[RunDirectory, StateRecord]], now: float) -> str | None:
    """The id of such a run among states that have been read."""
    return next((run.id for run, state in states if _is_going(run, state, now)), None)


def _is_going(run: RunDirectory, state: StateRecord, now: float) -> bool:
    if state.status not in ACTIVE or not truth.is_here(state):
        return False
    status = truth.judge(run, state, now).status
    return status in ACTIVE or status == "quiet"


def queued(roots: Iterable[Path]) -> tuple[int, str]:
    """How many runs will start by themselves in their turn, and which queue cannot be read ("": none).

    What such a queue holds is not known: whoever stops the machine must not take it for empty.
    """
    waits, problem = 0, ""
    for root in roots:
        try:
            document = read_queue(root)
        except TuiFtError as error:
            problem = error.message
            continue
        waits += 0 if document.held else sum(entry.state != "held" for entry in document.entries)
    return waits, problem


def busy_with(reading: GpuReading) -> str:
    """Who uses the GPUs now, or the processors of a machine without; "" when nobody does."""
    if reading.gpus:
        return busy_gpu(reading)
    try:
        load = os.getloadavg()[0] / host.processors()
    except OSError:
        return ""
    return f"the processors are at {load:.0%}" if load >= BUSY_SHARE else ""


def busy_gpu(reading: GpuReading) -> str:
    """Which GPU somebody uses now; "" when none is used, or there is none."""
    for gpu in reading.gpus:
        if gpu.utilization is not None and gpu.utilization >= IDLE_PERCENT:
            return f"GPU {gpu.index} is at {gpu.utilization:.0f} %"
        if gpu.utilization is None and _held_share(gpu) >= HELD_SHARE:
            return f"GPU {gpu.index} holds memory, and its use is not known"
    return ""


def taken_gpu(reading: GpuReading) -> str:
    """Like `busy_gpu`, and held memory counts too: between two steps, while it reads its rows or saves, a
    training does not use its GPU.
    """
    if busy := busy_gpu(reading):
        return busy
    held = next((gpu for gpu in reading.gpus if _held_share(gpu) >= HELD_SHARE), None)
    return f"somebody holds memory of GPU {held.index}" if held is not None else ""


def _held_share(gpu: Gpu) -> float:
    return (gpu.used_bytes or 0) / (gpu.total_bytes or math.inf)


def last_key(terminals: Path = _TERMINALS) -> float | None:
    """When somebody last typed at a terminal of this machine (unix seconds); None where none is seen."""
    newest: float | None = None
    try:
        entries = list(os.scandir(terminals))
    except OSError:
        return None
    for entry in entries:
        if entry.name.isdecimal():
            try:
                at = entry.stat().st_atime
            except OSError:
                continue  # it was closed just now
            newest = at if newest is None else max(newest, at)
    return newest
