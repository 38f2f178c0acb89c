"""Making runs go: a new one from a spec, one that waited, the next attempt of an old one, the same again."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from tui_ft.errors import TuiFtError
from tui_ft.runs import failure_rate, launch_record, preflight, resuming
from tui_ft.runs import lock as locks
from tui_ft.runs.adopting import adopt_if_orphan, adopt_orphans
from tui_ft.runs.after import after_check
from tui_ft.runs.choosing import chosen_machine
from tui_ft.runs.directory import RunDirectory, create
from tui_ft.runs.known_roots import remember
from tui_ft.runs.launching import (
    Attempt,
    attempt_folder,
    launch_attempt,
    new_state,
    trainer_command,
    write_record,
    write_spec,
    write_state,
)
from tui_ft.runs.rebasing import rebase
from tui_ft.runs.records import ENDED, StateRecord
from tui_ft.runs.requests import clear_requests
from tui_ft.runs.state import read_state
from tui_ft.runs.truth import read_truth
from tui_ft.spec import display, overrides, toml
from tui_ft.spec.paths import absolute_paths
from tui_ft.spec.run_spec import RunSpec
from tui_ft.spec.support import require_runnable
from tui_ft.spec.toml_edit import rewrite

__all__ = [
    "adopt_if_orphan",
    "adopt_orphans",
    "begin",
    "check_changes",
    "prepare",
    "restart",
    "resume",
    "start",
]

_END_PATIENCE_S = 5.0
"""A supervisor that has written the end still holds the lock for a moment."""


def start(
    spec: RunSpec, runs_root: Path, *, text: str | None = None, trainer: Sequence[str] | None = None
) -> RunDirectory:
    """Make a run directory for `spec` and launch it, detached; returns once its supervisor is at work.

    Relative paths in the spec are meant from the current folder. `text` is the spec file as a person wrote
    it, of which only the lines that mean something else by now change; `trainer` replaces the trainer's
    command.

    Raises `TuiFtError`, with nothing left behind, when the spec cannot run here.
    """
    attempt = _first_attempt(spec, runs_root, text, trainer)
    with chosen_machine(attempt.spec, runs_root) as machine:
        run = create(runs_root, display.run_name(attempt.spec))
        try:
            lock = locks.acquire(run)
            try:
                write_spec(run.spec, attempt.written)
                launch_attempt(run, attempt, machine, lock)
            finally:
                lock.close()
        except BaseException:
            if not _was_taken(run):
                shutil.rmtree(run.path, ignore_errors=True)
            raise
    return run


def prepare(spec: RunSpec, runs_root: Path, *, text: str | None = None) -> RunDirectory:
    """Make a run directory for `spec` that waits, with the status `queued`, until `begin`.

    Everything is checked that can be known now. Raises `TuiFtError`, with nothing left behind, when the
    spec cannot run here.
    """
    attempt = _first_attempt(spec, runs_root, text, None)
    run = create(runs_root, display.run_name(attempt.spec))
    try:
        lock = locks.acquire(run)
        try:
            write_spec(run.spec, attempt.written)
            write_record(
                attempt_folder(run, 1),
                launch_record.make(run, failure_rate.expected_life(attempt.spec, runs_root)),
            )
            write_state(run, new_state(attempt, "queued"))
        finally:
            lock.close()
    except BaseException:
        shutil.rmtree(run.path, ignore_errors=True)
        raise
    remember(runs_root)
    return run


def begin(
    run: RunDirectory, *, trainer: Sequence[str] | None = None, gpus: Sequence[str] | None = None
) -> RunDirectory:
    """Launch a run that `prepare` made, or whose launch was cut off before it had a supervisor; on `gpus`
    (UUIDs), where that was decided already.

    Raises `TuiFtError`: the run then still waits as before, or is `failed` where its supervisor could not
    be started; one that has begun already is refused with exit code 1, so two callers never start it twice.
    """
    _waiting_state(run)
    text = toml.read(run.spec)
    spec = toml.load(run.spec)
    require_runnable(spec)
    command = trainer_command(trainer)
    preflight.check(spec, run.path.parent)
    with chosen_machine(spec, run.path.parent, gpus) as machine:
        lock = locks.acquire(run)
        try:
            state = _waiting_state(run, is_ours=True)  # again, now that nobody else can begin it
            clear_requests(run)
            attempt = Attempt(spec=spec, written=text, command=command, earlier=state, was_queued=True)
            launch_attempt(run, attempt, machine, lock)
        finally:
            lock.close()
    return run


def resume(
    run: RunDirectory,
    changes: Sequence[str] = (),
    take_over: bool = False,
    *,
    from_step: int | None = None,
    fix: str | None = None,
    trainer: Sequence[str] | None = None,
) -> RunDirectory:
    """Go on with an ended or lost run from its newest whole checkpoint, as a new attempt.

    `changes` are `section.field=value`; model, data, method and objective must stay. `take_over` says that
    the other machine, or the earlier boot, on which the run was last seen is known to be over. `from_step`
    names an older checkpoint to go on from: the newer ones are put aside. `fix` is the name of the fix that
    this carries out; it is written down.

    Raises `TuiFtError` when any of its processes lives, when it has finished, when there is no checkpoint.
    """
    state = resuming.resumable_state(run, take_over)
    if from_step is None:
        from_step = resuming.unfulfilled_step(run, state.attempt)
    if from_step is not None:
        resuming.require_checkpoint(run, from_step)
    spec = resuming.changed_spec(run, state.attempt, changes)
    require_runnable(spec)
    attempt = Attempt(
        number=state.attempt + 1,
        spec=spec,
        written=rewrite(toml.read(run.attempt(state.attempt).spec), spec),
        command=trainer_command(trainer),
        earlier=state,
        from_step=from_step,
        fix=fix,
        changes=tuple(changes),
    )
    preflight.check(spec, run.path.parent)
    after_check.require_money_left(run, state, spec.after)
    with chosen_machine(spec, run.path.parent) as machine:
        lock = locks.acquire(run, patience_s=_END_PATIENCE_S if state.status in ENDED else 0.5)
        try:
            if resuming.resumable_state(run, take_over).attempt != state.attempt:
                raise TuiFtError(f"{run.id} was just resumed by somebody else.", exit_code=1)
            clear_requests(run)
            _rebase(run, toml.load(run.attempt(state.attempt).spec), spec)
            launch_attempt(run, attempt, machine, lock)
        finally:
            lock.close()
    return run


def _rebase(run: RunDirectory, before: RunSpec, after: RunSpec) -> None:
    """Let the checkpoints of a copied run name the base model where it lies now."""
    if before.model.id != after.model.id and before.model.id and after.model.id:
        with suppress(OSError):  # a help for people: the trainer goes on without
            rebase(run, before.model.id, after.model.id)


def check_changes(run: RunDirectory, changes: Sequence[str]) -> RunSpec:
    """Return the spec that a resume of `run` with `changes` would train; nothing is touched.

    Raises `TuiFtError` for changes with which its checkpoints would not fit, or that cannot run here.
    """
    spec = resuming.changed_spec(run, read_state(run).attempt, changes)
    require_runnable(spec)
    return spec


def restart(
    run: RunDirectory,
    runs_root: Path,
    changes: Sequence[str] = (),
    *,
    trainer: Sequence[str] | None = None,
) -> RunDirectory:
    """Launch a new run from the spec with which `run` was first launched. Raises `TuiFtError`."""
    spec = overrides.apply(toml.load(run.spec), list(changes))
    return start(spec, runs_root, text=toml.read(run.spec), trainer=trainer)


def _first_attempt(
    spec: RunSpec, runs_root: Path, text: str | None, trainer: Sequence[str] | None
) -> Attempt:
    """The first attempt of a new run, checked as far as can be without making anything."""
    require_runnable(spec)
    settled = absolute_paths(spec, Path.cwd())
    command = trainer_command(trainer)
    preflight.check(settled, runs_root)
    written = toml.dumps(settled) if text is None else rewrite(text, settled)
    return Attempt(spec=settled, written=written, command=command)


def _waiting_state(run: RunDirectory, is_ours: bool = False) -> StateRecord:
    """The state of a run that has not begun: it is queued, or its launch was cut off early."""
    state = read_state(run)
    if state.status == "queued":
        return state
    if state.status == "starting" and state.attempt == 1 and not state.processes:
        if (not is_ours and locks.is_locked(run.lock)) or locks.is_locked(run.events):
            raise TuiFtError(f"{run.id} is just being launched.", exit_code=1)
        return state
    raise TuiFtError(f"{run.id} has begun already: it is {read_truth(run).status}.", exit_code=1)


def _was_taken(run: RunDirectory) -> bool:
    """True once a supervisor has been at work in the directory: then it is part of the record."""
    try:
        return bool(read_state(run).processes)
    except TuiFtError:
        return False
