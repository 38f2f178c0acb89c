"""The same command after a reboot: the run that was cut off goes on, instead of a new one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tui_ft.errors import TuiFtError
from tui_ft.runs import checkpoints, going_further, guarded_file, resuming
from tui_ft.runs import lock as locks
from tui_ft.runs.directory import RunDirectory, list_directories, slug
from tui_ft.runs.queueing.sight import is_own
from tui_ft.runs.records import ACTIVE
from tui_ft.runs.state import read_state
from tui_ft.runs.truth import Truth, read_truth
from tui_ft.spec import display, toml
from tui_ft.spec.paths import absolute_paths
from tui_ft.spec.run_spec import RunSpec

What = Literal["resume", "runs", "waits", "finished", "anew"]
"""What is to be done with a run that was found: go on with it, or nothing, for it needs nobody; "anew" is one
that left nothing to go on from: a new run is started in its place."""

_CUT_OFF = frozenset({"preempted", "killed"})
"""Causes that come from outside: the same spec has nothing to do with them."""

INTERRUPTED = "was cut off"

_PATIENCE_S = 60.0
"""Whoever decides holds the lock for as long as a launch takes: seconds."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """The newest run of a spec that concerns whoever wants to start it; `why` is a sentence's end.

    `surely_over` says that it was on this machine before its last start: nobody has to confirm that.
    `against` is why one that was cut off is not to go on by itself, "" when it is.
    """

    run: RunDirectory
    what: What
    why: str
    surely_over: bool = False
    against: str = ""

    @property
    def refusal(self) -> TuiFtError:
        """What to say of one that does not go on by itself."""
        return TuiFtError(
            f"{self.run.id} {self.why}, but does not go on by itself: {self.against}.",
            f"`tui-ft why {self.run.id}` says more; `tui-ft resume {self.run.id}` tries again.",
            exit_code=1,
        )


@contextmanager
def deciding(runs_root: Path) -> Iterator[None]:
    """Hold this from `choose` until what was chosen goes: the same command twice at once pays once.

    Raises `TuiFtError`.
    """
    try:
        runs_root.mkdir(parents=True, exist_ok=True)
        with guarded_file.locked(runs_root / "start.lock", _PATIENCE_S):
            yield
    except OSError as error:
        raise TuiFtError(
            f"The runs root {runs_root} cannot be used: {os.strerror(error.errno or 0)}.",
            "It must be yours and writable: choose another with --runs-root.",
        ) from error


def choose(spec: RunSpec, runs_root: Path) -> Found | None:
    """Return what the newest run of `spec` under `runs_root`, of the user's own, is: it goes on, waits, has
    finished, was cut off and can go on, or was cut off before it had a checkpoint. None: there is none.

    Raises `TuiFtError` with exit code 1 for one that may still run on another machine: two trainers on one
    run directory would ruin both, and a second run beside it would be paid for in vain. Likewise for one that
    was stopped or failed, and that is not to go on by itself: what starts again at every boot, by this
    command, must not spend a budget twice; a person says what is wanted.
    """
    wanted = absolute_paths(spec, Path.cwd())
    name = f"-{slug(display.run_name(wanted))}-"
    named = [run for run in list_directories(runs_root) if name in run.id]  # the others need not be read
    for run in sorted(named, key=_created, reverse=True):
        if not is_own(run.path) or not _is_same(run, wanted):
            continue
        truth = read_truth(run)
        if truth.state is None:
            continue
        found = _judge(run, truth, wanted)
        if found is None and truth.status in ("stopped", "failed") and not _was_cut_off(truth):
            raise _ended(run, truth)
        if found is not None and found.against:
            raise found.refusal
        return found
    return None


def interrupted(runs_root: Path) -> list[Found]:
    """The user's runs under `runs_root` that were cut off and have a checkpoint, oldest first."""
    runs = sorted(list_directories(runs_root), key=_created)
    return [one for run in runs if (one := cut_off(run)) is not None]


def cut_off(run: RunDirectory) -> Found | None:
    """What `run` is if it was cut off from outside, has a checkpoint and is the user's own; else None."""
    if not is_own(run.path):
        return None
    truth = read_truth(run)
    found = _judge(run, truth, is_lenient=True) if truth.state is not None else None
    return found if found is not None and found.what == "resume" else None


def _judge(
    run: RunDirectory, truth: Truth, wanted: RunSpec | None = None, is_lenient: bool = False
) -> Found | None:
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
    if surely_over or truth.status == "lost" or _was_cut_off(truth):
        why = _why(truth, _cause(truth), surely_over)
        if checkpoints.newest(run) is None:
            return Found(run=run, what="anew", why=f"{why}, before it had a checkpoint")
        return Found(
            run=run,
            what="resume",
            why=why,
            surely_over=surely_over,
            against=going_further.against(run, state.attempt, wanted),
        )
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


def _cause(truth: Truth) -> str | None:
    """Why it ended, of a run that has."""
    state = truth.state
    return state.exit.cause if state and state.exit and state.status not in ACTIVE else None


def _was_cut_off(truth: Truth) -> bool:
    """True when it ended from outside, and nobody had asked for that."""
    return _cause(truth) in _CUT_OFF and truth.state is not None and truth.state.stop_requested_by is None


def _ended(run: RunDirectory, truth: Truth) -> TuiFtError:
    """What to say of a run of the same spec that is not to begin again by itself."""
    by = truth.state.stop_requested_by if truth.state is not None else None
    how = "failed" if truth.status == "failed" else f"was stopped by {by}" if by else "was stopped"
    resume = f"`tui-ft resume {run.id}` goes on with it; " if checkpoints.newest(run) is not None else ""
    return TuiFtError(
        f"{run.id} has the same spec and {how}: it does not begin again by itself.",
        f"{resume}`tui-ft restart {run.id}` begins a new one; `tui-ft why {run.id}` says how it ended.",
        exit_code=1,
    )


def _why(truth: Truth, cause: str | None, surely_over: bool) -> str:
    if surely_over:
        return f"{INTERRUPTED} when the machine stopped"
    if cause == "preempted":
        return f"{INTERRUPTED}: the machine asked it to end"
    if cause == "killed":
        return f"{INTERRUPTED}: it was killed"
    return f"{INTERRUPTED}: {truth.reason}" if truth.reason else INTERRUPTED


def _created(run: RunDirectory) -> tuple[float, str]:
    """When a run was made: a copy of it has younger files. Without that, by its spec."""
    try:
        made = read_state(run).created_at
        return (run.spec.stat().st_mtime if made is None else made), run.id
    except (TuiFtError, OSError):
        return 0.0, run.id


def _is_same(run: RunDirectory, wanted: RunSpec) -> bool:
    """True when `run` was launched from the same spec; one that cannot be read is no such run."""
    try:
        return toml.load(run.spec) == wanted
    except TuiFtError:
        return False
