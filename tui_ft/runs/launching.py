"""One attempt made to go: its folder and state are written, then a supervisor takes over."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tui_ft.atomic import write_atomically
from tui_ft.errors import TuiFtError
from tui_ft.hardware import host
from tui_ft.runs import elsewhere, failure_rate, launch_record, prediction, preflight
from tui_ft.runs.choosing import Machine
from tui_ft.runs.directory import AttemptDirectory, RunDirectory
from tui_ft.runs.known_roots import remember
from tui_ft.runs.labels import LONGEST_NOTE, MOST_TAGS
from tui_ft.runs.lock import Lock
from tui_ft.runs.money.budget import budget_of
from tui_ft.runs.own_environment import INHERITED_GPUS
from tui_ft.runs.records import ENDED, ExitRecord, LaunchRecord, StateRecord, Status, encode_document
from tui_ft.runs.spawn import start_supervisor
from tui_ft.runs.state import StateFile
from tui_ft.spec import display
from tui_ft.spec.run_spec import RunSpec

QUEUED = "it waits in the queue: `tui-ft queue` says for what"
"""The reason of a run that has not begun."""


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """What is about to be launched: `spec` as it is meant, `written` as it is kept."""

    spec: RunSpec
    written: str
    command: Sequence[str]
    number: int = 1
    earlier: StateRecord | None = None
    from_step: int | None = None
    fix: str | None = None
    changes: Sequence[str] = ()
    was_queued: bool = False


def trainer_command(given: Sequence[str] | None) -> list[str]:
    """The trainer's command: `given`, else ours by the interpreter that trains. Raises `TuiFtError`."""
    return list(given) if given is not None else [preflight.trainer_python(), "-m", "tui_ft.train"]


def launch_attempt(run: RunDirectory, attempt: Attempt, machine: Machine, lock: Lock) -> None:
    """Write the attempt and the state, then hand over to the supervisor. The lock is held.

    Raises `TuiFtError`; the run is then as it was, or `failed` once its state had said `starting`.
    """
    remember(run.path.parent)
    folder = attempt_folder(run, attempt.number)
    write_spec(folder.spec, attempt.written)
    asked = launch_record.read(run, 1) if attempt.was_queued else None
    life = failure_rate.expected_life(attempt.spec, run.path.parent)
    before = (0.0, 0)
    if attempt.number > 1 and attempt.earlier is not None:
        before = failure_rate.before_attempt(run, attempt.earlier)
    record = launch_record.make(
        run, life, attempt.from_step, attempt.fix, attempt.changes, asked=asked, before=before
    )
    record = msgspec.structs.replace(record, gpus=machine.gpus, earlier_ended=_ended(run, attempt.earlier))
    write_record(folder, record)
    opening = new_state(attempt, "starting", gpus=machine.gpus)
    state = write_state(run, msgspec.structs.replace(opening, budget=budget_to_keep(run, attempt)))
    if machine.claim is not None:
        machine.claim.let_go()  # the state says which GPUs it has
    try:
        start_supervisor(
            run,
            attempt.number,
            lock,
            trainer=attempt.command,
            environment=_environment(attempt.number, machine.gpus),
            meanwhile=lambda: _foresee(run, folder, attempt.spec, machine, record),
        )
    except TuiFtError as error:
        state.update(
            status="failed", ended_at=time.time(), exit=ExitRecord(cause="error", message=error.message)
        )
        raise


def new_state(attempt: Attempt, status: Status, gpus: Sequence[str] = ()) -> StateRecord:
    """The state with which `attempt` opens: what lists show of its spec, and where it is launched."""
    spec, earlier, now, place = attempt.spec, attempt.earlier, time.time(), host.here()
    return StateRecord(
        status=status,
        reason=QUEUED if status == "queued" else None,
        attempt=attempt.number,
        name=spec.notes.name,
        model=display.model_label(spec),
        method=display.method_label(spec),
        tags=spec.notes.tags[:MOST_TAGS],
        note=spec.notes.text[:LONGEST_NOTE],
        total_steps=earlier.total_steps if earlier else None,
        host=place.host,
        boot_id=place.boot_id,
        pid_namespace=place.pid_namespace,
        gpus=list(gpus),
        created_at=earlier.created_at if earlier else now,
        started_at=None if status == "queued" else now,
        silenced=earlier.silenced if earlier else [],
        budget=attempt.spec.after.budget,
    )


def budget_to_keep(run: RunDirectory, attempt: Attempt) -> float | None:
    """The budget of an attempt that is launched: the one that its spec changes, else the one that was set."""
    asked, earlier = attempt.spec.after.budget, attempt.earlier
    if attempt.number == 1 or earlier is None or asked != budget_of(run, earlier.attempt):
        return asked
    return earlier.budget


def attempt_folder(run: RunDirectory, number: int) -> AttemptDirectory:
    """The folder of an attempt, made. Raises `TuiFtError`."""
    folder = run.attempt(number)
    try:
        folder.path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(folder.path, error) from error
    return folder


def write_state(run: RunDirectory, record: StateRecord) -> StateFile:
    """Write the state of a run that nobody supervises yet. Raises `TuiFtError`."""
    state = StateFile(run, record)
    state.is_written = False
    if not state.write():
        raise TuiFtError(f"The state of {run.id} cannot be written.", f"Is there room on {run.path}?")
    return state


def write_spec(path: Path, text: str) -> None:
    """Write a spec as it is kept. Raises `TuiFtError`."""
    try:
        write_atomically(path, text.encode())
    except OSError as error:
        raise unwritable(path, error) from error


def unwritable(path: Path, error: OSError) -> TuiFtError:
    """The sentence for a place that takes no file."""
    return TuiFtError(
        f"{path} cannot be written: {os.strerror(error.errno or 0)}.",
        "Free some space there, or choose another place with --runs-root.",
    )


def write_record(folder: AttemptDirectory, record: LaunchRecord) -> None:
    """Without it the trainer would go on from another checkpoint than it was told to. Raises `TuiFtError`."""
    try:
        write_atomically(folder.launch, encode_document(record))
    except OSError as error:
        raise unwritable(folder.launch, error) from error


def _ended(run: RunDirectory, earlier: StateRecord | None) -> float | None:
    """Until when the attempt before held its machine. Of a lost one the last hardware row tells."""
    if earlier is None or earlier.status == "queued":
        return None
    return earlier.ended_at if earlier.status in ENDED else elsewhere.last_hardware_time(run)


def _foresee(
    run: RunDirectory, folder: AttemptDirectory, spec: RunSpec, machine: Machine, record: LaunchRecord
) -> None:
    """Write what the attempt is expected to take, corrected by what earlier runs here took."""
    with suppress(TuiFtError):  # the record is there already, without the commit
        write_record(folder, launch_record.with_commit(record))
    if machine.gpus:
        from tui_ft.runs import measurements

        measurements.gather(run.path.parent)
    prediction.write(folder, spec, machine.gpus, machine.reading)


def _environment(attempt: int, gpus: list[str]) -> dict[str, str]:
    environment = {"TUI_FT_ATTEMPT": str(attempt)}
    if gpus:
        allowed = os.environ.get("CUDA_VISIBLE_DEVICES")
        if allowed is not None:  # whatever is started after the run must not inherit its narrower choice
            environment[INHERITED_GPUS] = allowed
        environment["CUDA_VISIBLE_DEVICES"] = ",".join(gpus)
    return environment
