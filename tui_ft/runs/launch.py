"""Making runs go: a new one from a spec, the next attempt of one that ended, the same spec again."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from tui_ft.atomic import write_atomically
from tui_ft.errors import TuiFtError
from tui_ft.hardware import host
from tui_ft.hardware.choose import choose_gpu
from tui_ft.hardware.gpu import GpuReading, read_gpus
from tui_ft.runs import lock as locks
from tui_ft.runs import prediction, preflight
from tui_ft.runs.adopting import adopt_if_orphan, adopt_orphans
from tui_ft.runs.directory import AttemptDirectory, RunDirectory, create, list_directories
from tui_ft.runs.known_roots import remember
from tui_ft.runs.labels import LONGEST_NOTE, MOST_TAGS
from tui_ft.runs.records import ENDED, ExitRecord, StateRecord
from tui_ft.runs.requests import clear_requests
from tui_ft.runs.spawn import start_supervisor
from tui_ft.runs.state import StateFile, read_state
from tui_ft.runs.truth import is_here, living_trainer, read_truth
from tui_ft.spec import display, overrides, toml
from tui_ft.spec.paths import absolute_paths
from tui_ft.spec.run_spec import RunSpec
from tui_ft.spec.support import require_runnable
from tui_ft.spec.toml_edit import rewrite

__all__ = ["adopt_if_orphan", "adopt_orphans", "restart", "resume", "start"]

_KEPT_SECTIONS = ("model", "data", "method", "objective")
"""What a resumed run cannot change: its weights, its rows and its checkpoints would not fit any more."""

_KEPT_FIELDS = ("optimizer", "weight_decay", "seed")
"""Of `training`: the optimizer's state fits no other one, its decay comes with it, rows keep their order."""

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
    require_runnable(spec)
    settled = absolute_paths(spec, Path.cwd())
    command = _trainer_command(trainer)
    preflight.check(settled, runs_root)
    reading = read_gpus()
    gpus = _choose_gpus(settled, runs_root, reading)
    written = toml.dumps(settled) if text is None else rewrite(text, settled)
    run = create(runs_root, display.run_name(settled))
    try:
        lock = locks.acquire(run)
        try:
            _write_spec(run.spec, written)
            _launch(run, 1, settled, written, gpus, reading, lock, command)
        finally:
            lock.close()
    except BaseException:
        if not _was_taken(run):
            shutil.rmtree(run.path, ignore_errors=True)
        raise
    return run


def resume(
    run: RunDirectory,
    changes: Sequence[str] = (),
    take_over: bool = False,
    *,
    trainer: Sequence[str] | None = None,
) -> RunDirectory:
    """Go on with an ended or lost run from its newest whole checkpoint, as a new attempt.

    `changes` are `section.field=value`; model, data, method and objective must stay. `take_over` says that
    the other machine, or the earlier boot, on which the run was last seen is known to be over.

    Raises `TuiFtError` when any of its processes lives, when it has finished, when there is no checkpoint.
    """
    state = _resumable_state(run, take_over)
    spec = _changed_spec(run, state, changes)
    require_runnable(spec)
    written = rewrite(toml.read(run.attempt(state.attempt).spec), spec)
    command = _trainer_command(trainer)
    preflight.check(spec, run.path.parent)
    reading = read_gpus()
    gpus = _choose_gpus(spec, run.path.parent, reading)
    lock = locks.acquire(run, patience_s=_END_PATIENCE_S if state.status in ENDED else 0.5)
    try:
        state = _resumable_state(run, take_over)  # again, now that nobody else can resume it
        clear_requests(run)
        _launch(run, state.attempt + 1, spec, written, gpus, reading, lock, command, earlier=state)
    finally:
        lock.close()
    return run


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


# --- what both have in common ------------------------------------------------------------------------


def _launch(
    run: RunDirectory,
    attempt: int,
    spec: RunSpec,
    written: str,
    gpus: list[str],
    reading: GpuReading,
    lock: locks.Lock,
    command: Sequence[str],
    earlier: StateRecord | None = None,
) -> None:
    """Write the attempt and the state, then hand over to the supervisor. The lock is held."""
    remember(run.path.parent)
    folder = run.attempt(attempt)
    try:
        folder.path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder.path, error) from error
    _write_spec(folder.spec, written)
    now, place = time.time(), host.here()
    state = StateFile(
        run,
        StateRecord(
            status="starting",
            attempt=attempt,
            name=spec.notes.name,
            model=display.model_label(spec),
            method=display.method_label(spec),
            tags=spec.notes.tags[:MOST_TAGS],
            note=spec.notes.text[:LONGEST_NOTE],
            total_steps=earlier.total_steps if earlier else None,
            host=place.host,
            boot_id=place.boot_id,
            pid_namespace=place.pid_namespace,
            gpus=gpus,
            created_at=earlier.created_at if earlier else now,
            started_at=now,
        ),
    )
    state.is_written = False
    if not state.write():
        raise TuiFtError(f"The state of {run.id} cannot be written.", f"Is there room on {run.path}?")
    try:
        start_supervisor(
            run,
            attempt,
            lock,
            trainer=command,
            environment=_environment(attempt, gpus),
            meanwhile=lambda: _foresee(run, folder, spec, gpus, reading),
        )
    except TuiFtError as error:
        state.update(
            status="failed", ended_at=time.time(), exit=ExitRecord(cause="error", message=error.message)
        )
        raise


def _foresee(
    run: RunDirectory, folder: AttemptDirectory, spec: RunSpec, gpus: list[str], reading: GpuReading
) -> None:
    """Write what the attempt is expected to take, corrected by what earlier runs here took."""
    if gpus:
        from tui_ft.runs import measurements

        measurements.gather(run.path.parent)
    prediction.write(folder, spec, gpus, reading)


def _environment(attempt: int, gpus: list[str]) -> dict[str, str]:
    environment = {"TUI_FT_ATTEMPT": str(attempt)}
    if gpus:
        environment["CUDA_VISIBLE_DEVICES"] = ",".join(gpus)
    return environment


def _choose_gpus(spec: RunSpec, runs_root: Path, reading: GpuReading) -> list[str]:
    taken = {uuid for run in list_directories(runs_root) for uuid in _gpus_of_starting(run)}
    return choose_gpu(
        reading,
        spec.hardware.gpus,
        os.environ.get("CUDA_VISIBLE_DEVICES"),
        taken,
        os.environ.get("CUDA_DEVICE_ORDER"),
    )


def _gpus_of_starting(run: RunDirectory) -> list[str]:
    """The GPUs of a run that is loading: it holds less memory than it is about to."""
    try:
        state = read_state(run)
    except TuiFtError:
        return []
    if state.status != "starting" or not is_here(state):
        return []
    return state.gpus if read_truth(run).status == "starting" else []


def _trainer_command(given: Sequence[str] | None) -> list[str]:
    return list(given) if given is not None else [preflight.trainer_python(), "-m", "tui_ft.train"]


def _write_spec(path: Path, text: str) -> None:
    try:
        write_atomically(path, text.encode())
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> TuiFtError:
    return TuiFtError(
        f"{path} cannot be written: {os.strerror(error.errno or 0)}.",
        "Free some space there, or choose another place with --runs-root.",
    )


def _was_taken(run: RunDirectory) -> bool:
    """True once a supervisor has been at work in the directory: then it is part of the record."""
    try:
        return bool(read_state(run).processes)
    except TuiFtError:
        return False


# --- what a resume needs -----------------------------------------------------------------------------


def _resumable_state(run: RunDirectory, take_over: bool) -> StateRecord:
    truth = read_truth(run)
    if truth.state is None:
        raise TuiFtError(f"{run.id} cannot be resumed: {truth.reason}", "Start a new run instead.")
    if truth.status == "finished":
        raise TuiFtError(
            f"{run.id} has finished: there is nothing left to resume.",
            f"`tui-ft restart {run.id}` runs the same spec again.",
            exit_code=1,
        )
    if truth.status == "unknown" and not take_over:
        raise TuiFtError(
            f"It is not known whether {run.id} still runs: {truth.reason}.",
            f"If it surely does not: `tui-ft resume {run.id} --take-over`.",
            exit_code=1,
        )
    if truth.status not in {"stopped", "failed", "lost", "unknown"} or _anything_lives(run, truth.state):
        how = f" ({truth.reason})" if truth.reason else ""
        raise TuiFtError(
            f"{run.id} is still {truth.status}{how}: it cannot be resumed while any of its processes lives.",
            f"Stop it first with `tui-ft stop {run.id}`, or at once with --now.",
            exit_code=1,
        )
    if not run.list_checkpoints():
        raise TuiFtError(
            f"{run.id} has no checkpoint to go on from.", f"`tui-ft restart {run.id}` begins again."
        )
    return truth.state


def _anything_lives(run: RunDirectory, state: StateRecord) -> bool:
    """A trainer without a record of its own counts too: it holds the lock of the events."""
    return locks.is_locked(run.events) or (is_here(state) and living_trainer(run, state) is not None)


def _changed_spec(run: RunDirectory, state: StateRecord, changes: Sequence[str]) -> RunSpec:
    before = toml.load(run.attempt(state.attempt).spec)
    after = overrides.apply(before, list(changes))
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
            f"For that, `tui-ft restart {run.id} --set …` begins a new run.",
        )
    return after
