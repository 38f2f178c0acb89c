"""What a resume needs: a run that surely does not run, a checkpoint, and a spec that still fits it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tui_ft.errors import TuiFtError
from tui_ft.runs import checkpoints, elsewhere, launch_record, moving
from tui_ft.runs import lock as locks
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.following import follow
from tui_ft.runs.handles import handle
from tui_ft.runs.records import StateRecord
from tui_ft.runs.truth import is_here, living_trainer, read_truth, was_on_earlier_boot
from tui_ft.spec import overrides, toml
from tui_ft.spec.run_spec import RunSpec

_KEPT_SECTIONS = ("model", "data", "method", "objective")
"""What a resumed run cannot change: its weights, its rows and its checkpoints would not fit any more."""

_KEPT_FIELDS = ("optimizer", "weight_decay", "seed")
"""Of `training`: the optimizer's state fits no other one, its decay comes with it, rows keep their order."""


def resumable_state(run: RunDirectory, take_over: bool) -> StateRecord:
    """The state of a run that can go on. Raises `TuiFtError` for one that lives, has finished, or has
    no checkpoint; `take_over` says that the other machine on which it was last seen is over.
    """
    truth = read_truth(run)
    if truth.state is None:
        raise TuiFtError(f"{run.id} cannot be resumed: {truth.reason}", "Start a new run instead.")
    if truth.status == "queued":
        raise TuiFtError(
            f"{run.id} waits in the queue: it has not begun.", "`tui-ft queue` shows why.", exit_code=1
        )
    if truth.status == "finished":
        raise TuiFtError(
            f"{run.id} has finished: there is nothing left to resume.",
            f"`tui-ft restart {handle(run)}` runs the same spec again.",
            exit_code=1,
        )
    if truth.status == "unknown" and not (take_over or is_surely_over(run, truth.state)):
        raise TuiFtError(
            f"It is not known whether {run.id} still runs: {truth.reason}.",
            f"If it surely does not: `tui-ft resume {handle(run)} --take-over`.",
            exit_code=1,
        )
    if truth.status not in {"stopped", "failed", "lost", "unknown"} or _anything_lives(run, truth.state):
        how = f" ({truth.reason})" if truth.reason else ""
        raise TuiFtError(
            f"{run.id} is still {truth.status}{how}: it cannot be resumed while any of its processes lives.",
            f"Stop it first with `tui-ft stop {handle(run)}`, or at once with --now.",
            exit_code=1,
        )
    if run.checkpoints.is_symlink():
        raise TuiFtError(
            f"{run.id} cannot be resumed: its folder {run.checkpoints.name} is a link, and nothing is "
            "written or removed behind links.",
            f"Put the folder itself there: {run.checkpoints}",
        )
    if not run.list_checkpoints():
        checkpoints.mend(run)
    if not run.list_checkpoints():
        raise TuiFtError(
            f"{run.id} has no checkpoint to go on from.", f"`tui-ft restart {handle(run)}` begins again."
        )
    return truth.state


def require_checkpoint(run: RunDirectory, step: int) -> None:
    """Raise `TuiFtError` unless there is a checkpoint of `step` that looks whole."""
    fault = checkpoints.fault(run.checkpoint(step))
    if fault is None:
        return
    whole = [str(one.step) for one in checkpoints.whole(run)]
    there = f"There are those of step {', '.join(whole)}." if whole else "There is none that is whole."
    if run.checkpoint(step).is_dir():
        raise TuiFtError(f"The checkpoint of step {step} of {run.id} is not whole: {fault}.", there)
    raise TuiFtError(f"{run.id} has no checkpoint of step {step}.", there)


def unfulfilled_step(run: RunDirectory, attempt: int) -> int | None:
    """The checkpoint to which `attempt` was to go back and did not come: it ended before it put the newer
    ones aside. Whoever sent it back did not want to go on from those. If that one is not whole, or not there
    any more, the newest one before it is meant.
    """
    record = launch_record.read(run, attempt)
    if record is None or record.from_step is None or follow(run, attempt).pid is not None:
        return None
    whole = [one.step for one in checkpoints.whole(run) if one.step <= record.from_step]
    return whole[0] if whole else record.from_step


def changed_spec(run: RunDirectory, attempt: int, changes: Sequence[str]) -> RunSpec:
    """Return the spec of `attempt` with `changes`, its places as they are on this machine.

    Raises `TuiFtError` for a change with which the checkpoints would not fit, and for what is not here.
    """
    before = moving.found_again(run, attempt, toml.load(run.attempt(attempt).spec), changes)
    after = overrides.apply(before, moving.others(changes))
    fields = [
        f"{section}.{name}"
        for section in (*_KEPT_SECTIONS, "training")
        for name, value in msgspec.structs.asdict(getattr(after, section)).items()
        if (section != "training" or name in _KEPT_FIELDS)
        and value != getattr(getattr(before, section), name)
    ]
    if fields:
        raise TuiFtError(
            f"A resumed run cannot change {', '.join(fields)}: its checkpoints would not fit.",
            f"For that, `tui-ft restart {handle(run)} --set …` begins a new run.",
        )
    _require_effective_batch(run, before, after)
    return after


def _require_effective_batch(run: RunDirectory, before: RunSpec, after: RunSpec) -> None:
    """Rows are counted in steps: with another number of rows a step, some would come twice or never."""
    old = before.training.batch_size * before.training.gradient_accumulation
    new = after.training.batch_size * after.training.gradient_accumulation
    if old != new:
        raise TuiFtError(
            f"A resumed run keeps its effective batch of {old} rows; this would make it {new}.",
            f"Change training.batch_size and training.gradient_accumulation together, such that their "
            f"product stays {old}; or begin a new run: `tui-ft restart {handle(run)} --set …`.",
        )


def is_surely_over(run: RunDirectory, state: StateRecord) -> bool:
    """True when the machine, or the container, was started again since the run was last seen on it."""
    return was_on_earlier_boot(state) or elsewhere.is_surely_over(run, state)


def _anything_lives(run: RunDirectory, state: StateRecord) -> bool:
    """A trainer without a record of its own counts too: it holds the lock of the events."""
    return locks.is_locked(run.events) or (is_here(state) and living_trainer(run, state) is not None)
