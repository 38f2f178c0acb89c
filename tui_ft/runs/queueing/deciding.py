"""Whether the first run of a queue starts now, and on which GPUs; what it waits for if not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tui_ft.errors import TuiFtError
from tui_ft.hardware.choose import choose_gpu
from tui_ft.hardware.gpu import GpuReading
from tui_ft.runs import preflight
from tui_ft.runs.directory import RunDirectory, without_date
from tui_ft.runs.queueing.queue_file import KEPT_VARIABLES, QueueDocument, QueueEntry, WaitsFor
from tui_ft.runs.queueing.sight import QueueSight
from tui_ft.runs.records import ENDED
from tui_ft.runs.truth import Truth, read_truth
from tui_ft.spec.run_spec import RunSpec
from tui_ft.vram.verdict import SHARE

QUICK_FAILURE_S = 120.0
QUICK_FAILURES = 3
"""After so many runs in a row that failed within two minutes the box is at fault, not they."""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """`start` on `gpus` (UUIDs; none: on the CPU); or `hold`; else it waits. `reason` is for people."""

    start: bool = False
    hold: bool = False
    gpus: tuple[str, ...] = ()
    reason: str = ""
    waits_for: WaitsFor = ""
    behind: str = ""
    needed_bytes: int | None = None


@contextmanager
def environment_of(entry: QueueEntry) -> Iterator[None]:
    """What the run was queued with stands in our environment: this process was started for another run."""
    before = {name: os.environ.get(name) for name in KEPT_VARIABLES}
    _set({name: entry.environment.get(name) for name in KEPT_VARIABLES})
    try:
        yield
    finally:
        _set(before)


@contextmanager
def _seeing_only(gpus: tuple[str, ...]) -> Iterator[None]:
    """For the estimate alone: what the run is launched with is the user's own choice, not ours."""
    before = os.environ.get("CUDA_VISIBLE_DEVICES")
    _set({"CUDA_VISIBLE_DEVICES": ",".join(gpus)})
    try:
        yield
    finally:
        _set({"CUDA_VISIBLE_DEVICES": before})


def _set(variables: dict[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def decide(
    document: QueueDocument,
    entry: QueueEntry,
    spec: RunSpec,
    sight: QueueSight,
    reading: GpuReading,
    root: Path,
) -> Decision:
    """Decide on `entry`, the first of `document` that is not held; call it inside `environment_of`.

    Raises `TuiFtError` where its GPUs are not to be had.
    """
    others = [one for one in sight.going if one[0].id != entry.id]
    used = {uuid for _, truth in others if truth.state is not None for uuid in truth.state.gpus}
    gpus = tuple(
        choose_gpu(
            reading,
            spec.hardware.gpus,
            os.environ.get("CUDA_VISIBLE_DEVICES"),
            used,
            os.environ.get("CUDA_DEVICE_ORDER"),
        )
    )
    near = [one for one in others if _shares(one[1], gpus)]
    blocking = [one for one in near if not entry.beside or _takes_more(one[1])]
    if blocking:
        return _behind(blocking, root)
    if failed := _failures(document, root):
        return Decision(hold=True, reason=failed)
    if entry.after == "finished" and (why := _not_finished(document, root)):
        return Decision(hold=True, reason=why)
    return _by_room(root) or _by_memory(entry, spec, reading, gpus)


def _by_room(root: Path) -> Decision | None:
    """Wait for a disk that is full: the checkpoints of the run before may have filled it for all."""
    try:
        preflight.check_room(root)
    except TuiFtError as error:
        return Decision(waits_for="disk", reason=error.message)
    return None


def _shares(truth: Truth, gpus: tuple[str, ...]) -> bool:
    """True for a run that is on one of `gpus`, or, like the one that is to start, on the processor."""
    theirs = truth.state.gpus if truth.state is not None else []
    return bool(set(theirs) & set(gpus)) or (not theirs and not gpus)


def _takes_more(truth: Truth) -> bool:
    """While a run loads it is not seen yet what it takes."""
    return truth.status == "starting"


def _behind(others: list[tuple[RunDirectory, Truth]], root: Path) -> Decision:
    """Wait for a run of this root, whose end lets the queue go on; nobody tells it of another root's."""
    here = [one for one in others if one[0].path.parent == root.resolve()]
    run = (here or others)[0][0]
    more = f" and {len(others) - 1} more" if len(others) > 1 else ""
    if not here:
        where = f"behind {without_date(run.id)}{more}, in {run.path.parent}"
        return Decision(waits_for="memory", reason=where)
    return Decision(waits_for="run", behind=run.id, reason=f"behind {without_date(run.id)}{more}")


def _failures(document: QueueDocument, root: Path) -> str:
    last = document.earlier[-QUICK_FAILURES:]
    if len(last) < QUICK_FAILURES or not all(_failed_quickly(RunDirectory(root / name)) for name in last):
        return ""
    return (
        f"the last {QUICK_FAILURES} runs failed within {QUICK_FAILURE_S / 60:.0f} minutes of their "
        f"start, the last was {without_date(last[-1])}; `tui-ft queue go` goes on"
    )


def _failed_quickly(run: RunDirectory) -> bool:
    truth = read_truth(run)
    if truth.status != "failed" or truth.state is None:
        return False
    began, ended = truth.state.started_at, truth.state.ended_at
    return began is not None and ended is not None and ended - began < QUICK_FAILURE_S


def _not_finished(document: QueueDocument, root: Path) -> str:
    """Why a run that comes only after a finished one is held; "" when it is not."""
    if not document.earlier:
        return ""
    run = RunDirectory(root / document.earlier[-1])
    truth = read_truth(run)
    if truth.status == "finished" or (truth.state is None and not run.path.exists()):
        return ""
    was = truth.status if truth.status in ENDED or truth.status == "lost" else f"is {truth.status}"
    return f"{without_date(run.id)}, the run before it, {_has(was)}"


def _has(status: str) -> str:
    return {"failed": "failed", "stopped": "was stopped", "lost": "is lost"}.get(status, status)


def _by_memory(entry: QueueEntry, spec: RunSpec, reading: GpuReading, gpus: tuple[str, ...]) -> Decision:
    """Start when the estimate fits what is free on the chosen GPUs, and where no estimate can be made."""
    if not gpus:
        return Decision(start=True)
    from tui_ft.vram.assess import assess
    from tui_ft.vram.find_model import find_shape
    from tui_ft.vram.holders import gib_text

    try:
        with _seeing_only(gpus):
            found = assess(
                spec,
                find_shape(spec.model.id or "", revision=spec.model.revision),
                reading,
                with_step_downs=False,
            )
    except TuiFtError:
        return Decision(start=True, gpus=gpus)
    needed = found.estimate.needed_bytes
    if found.verdict != "does_not_fit" or entry.any_memory or found.gpu is None:
        return Decision(start=True, gpus=gpus, needed_bytes=needed)
    name = f"GPU {found.gpu.index}"
    total, free = found.gpu.total_bytes, found.gpu.free_bytes
    if total is not None and found.estimate.low_bytes > SHARE * total:
        reason = f"it needs {gib_text(needed)}, {name} has {gib_text(total)} in all"
        return Decision(hold=True, reason=reason, needed_bytes=needed)
    free_text = gib_text(free) if free is not None else "an unknown amount"
    holders = f" ({' '.join(found.holders[:2]).rstrip('.')})" if found.holders else ""
    reason = f"needs {gib_text(needed)}, {name} has {free_text} free{holders}"
    return Decision(waits_for="memory", reason=reason, needed_bytes=needed)
