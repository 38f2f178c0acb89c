"""The same command after a reboot: the run that was cut off goes on, instead of a new one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tui_ft.errors import TuiFtError
from tui_ft.runs import checkpoints, resuming
from tui_ft.runs import lock as locks
from tui_ft.runs.directory import RunDirectory, list_directories, slug
from tui_ft.runs.records import ACTIVE
from tui_ft.runs.truth import Truth, read_truth
from tui_ft.spec import display, toml
from tui_ft.spec.paths import absolute_paths
from tui_ft.spec.run_spec import RunSpec

What = Literal["resume", "runs", "waits", "finished"]
"""What is to be done with a run that was found: go on with it, or nothing, for it needs nobody."""

_CUT_OFF = frozenset({"preempted", "killed"})
"""Causes that come from outside: the same spec has nothing to do with them."""

INTERRUPTED = "was cut off"


@dataclass(frozen=True, kw_only=True)
class Found:
    """The newest run of a spec that concerns whoever wants to start it; `why` is a sentence's end.

    `surely_over` says that it was on this machine before its last start: nobody has to confirm that.
    """

    run: RunDirectory
    what: What
    why: str
    surely_over: bool = False


def choose(spec: RunSpec, runs_root: Path) -> Found | None:
    """Return the newest run of `spec` under `runs_root` that goes on, waits, has finished, or was cut off
    and can go on; None: a new one is to be started.

    Raises `TuiFtError` with exit code 1 for one that may still run on another machine: two trainers on one
    run directory would ruin both, and a second run beside it would be paid for in vain.
    """
    wanted = absolute_paths(spec, Path.cwd())
    name = f"-{slug(display.run_name(wanted))}-"
    named = [run for run in list_directories(runs_root) if name in run.id]  # the others need not be read
    for run in sorted(named, key=_created, reverse=True):
        if not _is_same(run, wanted):
            continue
        truth = read_truth(run)
        if truth.state is None:
            continue
        found = _judge(run, truth)
        if found is not None:
            return found
        if truth.status in ("stopped", "failed"):
            return None  # a person ended it, or it failed by itself: whoever starts it again wants a new one
    return None


def interrupted(runs_root: Path) -> list[Found]:
    """The runs under `runs_root` that were cut off from outside and have a checkpoint, oldest first."""
    found = []
    for run in sorted(list_directories(runs_root), key=_created):
        truth = read_truth(run)
        one = _judge(run, truth, is_lenient=True) if truth.state is not None else None
        if one is not None and one.what == "resume":
            found.append(one)
    return found


def _judge(run: RunDirectory, truth: Truth, is_lenient: bool = False) -> Found | None:
    """What a run is to whoever wants to start its spec; None: nothing."""
    state = truth.state
    assert state is not None
    if truth.status == "finished":
        return Found(run=run, what="finished", why="has finished already")
    if truth.status == "queued":
        return Found(run=run, what="waits", why="waits in the queue")
    surely_over = (
        state.status in ACTIVE and resuming.is_surely_over(run, state) and not locks.is_locked(run.events)
    )
    cause = state.exit.cause if state.exit is not None and state.status not in ACTIVE else None
    if surely_over or truth.status == "lost" or (cause in _CUT_OFF and state.stop_requested_by is None):
        if checkpoints.newest(run) is None:
            return None
        return Found(run=run, what="resume", why=_why(truth, cause, surely_over), surely_over=surely_over)
    if truth.status == "unknown":
        if is_lenient:
            return None
        raise TuiFtError(
            f"{run.id} has the same spec, and it is not known whether it still runs: {truth.reason}.",
            f"If it surely does not: `tui-ft resume {run.id} --take-over`. "
            "For a new run beside it: --set checkpoints.auto_resume=false.",
            exit_code=1,
        )
    if truth.status in ("stopped", "failed"):
        return None
    return Found(run=run, what="runs", why=f"is {truth.status} already")


def _why(truth: Truth, cause: str | None, surely_over: bool) -> str:
    if surely_over:
        return f"{INTERRUPTED} when the machine stopped"
    if cause == "preempted":
        return f"{INTERRUPTED}: the machine asked it to end"
    if cause == "killed":
        return f"{INTERRUPTED}: it was killed"
    return f"{INTERRUPTED}: {truth.reason}" if truth.reason else INTERRUPTED


def _created(run: RunDirectory) -> tuple[float, str]:
    """When a run was made, by its spec, which is never changed."""
    try:
        return run.spec.stat().st_mtime, run.id
    except OSError:
        return 0.0, run.id


def _is_same(run: RunDirectory, wanted: RunSpec) -> bool:
    """True when `run` was launched from the same spec; one that cannot be read is no such run."""
    try:
        return toml.load(run.spec) == wanted
    except TuiFtError:
        return False
