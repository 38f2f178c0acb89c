"""The frame around an attempt: signals first, then the work, and a last word whatever happens."""

from __future__ import annotations

import faulthandler
import logging
import os
import sys
import time
import traceback
import warnings
from collections.abc import Sequence
from pathlib import Path

from tui_ft.errors import TuiFtError
from tui_ft.runs.checkpoints import read_manifest
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.following import follow
from tui_ft.runs.records import AttemptEvent, EndEvent, RejectedCheckpoint
from tui_ft.spec.run_spec import RunSpec
from tui_ft.spec.toml import load
from tui_ft.train import checkpoints, resume_point
from tui_ft.train.failures import cause_of, out_of_memory
from tui_ft.train.journal import Journal
from tui_ft.train.requests import StopWatch
from tui_ft.train.stopping import StopFlag, StopRequested
from tui_ft.user_paths import is_there, user_path


def run_attempt(path: Path, number: int) -> int:
    """Train attempt `number` of the run at `path`; return the process's exit code.

    This is the one place of the trainer that catches everything: whatever ends the attempt stands
    in its `end` event in one line and, if it was an error, in the output as a whole.
    """
    stop = StopFlag()
    stop.install()  # it interrupts nothing yet: there is no journal to write the last word into
    faulthandler.enable()
    run = RunDirectory(path.resolve())
    try:
        journal = Journal(run)
    except (TuiFtError, OSError) as error:
        print(f"tui-ft: {error}", file=sys.stderr)  # noqa: T201 - nothing else can carry it
        return 2
    if follow(run, number).end is not None:  # its last word would be taken for that of the one before
        journal.close()
        print(f"tui-ft: Attempt {number} has ended already.", file=sys.stderr)  # noqa: T201 - as above
        return 2
    journal.shield = stop.shielded
    watch = StopWatch(run, stop)
    try:
        end = _end_of(run, number, journal, stop)
    except StopRequested as request:  # it came while something else was going wrong
        stop.close()
        end = _stopped_early(request, journal)
    stop.ignore()
    watch.close()
    journal.say(end.message)
    journal.event(end)
    journal.close()
    return 0 if end.cause in ("finished", "stopped") else 1


def _end_of(run: RunDirectory, number: int, journal: Journal, stop: StopFlag) -> EndEvent:
    try:
        return _attempt(run, number, journal, stop)
    except StopRequested as request:
        stop.close()
        return _stopped_early(request, journal)
    except BaseException as error:  # noqa: BLE001 - the last word must be written
        stop.close()
        traceback.print_exc()
        trouble = out_of_memory(error, journal.broke_in or journal.phase, journal.step)
        if trouble is not None:
            journal.event(trouble.event())
        cause, message = cause_of(error)
        return EndEvent(time=time.time(), cause=cause, message=message, step=journal.step)


def _stopped_early(request: StopRequested, journal: Journal) -> EndEvent:
    if journal.step:
        message = f"Stopped ({request}) before a further step; checkpoint-{journal.step} is as it was."
    else:
        message = f"Stopped ({request}) before the first step; there was nothing to save."
    return EndEvent(time=time.time(), cause="stopped", message=message, step=journal.step)


def _open(
    journal: Journal,
    number: int,
    checkpoint: Path | None,
    step: int,
    rejected: Sequence[RejectedCheckpoint] = (),
) -> None:
    journal.event(
        AttemptEvent(
            time=time.time(),
            attempt=number,
            checkpoint=str(checkpoint) if checkpoint else None,
            step=step,
            rejected=list(rejected),
            pid=os.getpid(),
        )
    )


def _attempt(run: RunDirectory, number: int, journal: Journal, stop: StopFlag) -> EndEvent:
    try:
        with stop.opened(StopRequested):
            checkpoint, rejected = resume_point.choose(run, number, journal) if number > 1 else (None, [])
    except StopRequested:  # a big checkpoint takes a while to be checked
        place, journal.step = resume_point.foreseen(run, number)
        _open(journal, number, place, journal.step)
        raise
    step = read_manifest(checkpoint).step if checkpoint else 0
    journal.step = step
    _open(journal, number, checkpoint, step, rejected)
    stop.open(StopRequested)
    for bad in rejected:
        path = Path(bad.path)
        aside = "" if path.exists() else ", and put aside"  # without a whole one all stay where they are
        journal.warn("checkpoint_rejected", f"{path.name} was passed over{aside}: {bad.reason}.")
    if number > 1 and checkpoint is None:
        raise TuiFtError(
            "There is no whole checkpoint to resume from.", f"Begin again with `tui-ft restart {run.id}`."
        )
    spec = load(run.attempt(number).spec)
    prepare_environment(spec)
    journal.say(_opening(run, number, step))
    journal.enter("loading libraries")
    checkpoints.sweep_unfinished(run)
    from tui_ft.train.session import Session

    session = Session(run, number, spec, checkpoint, journal, stop)
    try:
        return session.run()
    finally:
        session.close()


def _opening(run: RunDirectory, number: int, step: int) -> str:
    return f"{run.id}, attempt {number}, " + (f"from step {step}" if step else "from the beginning")


def prepare_environment(spec: RunSpec) -> None:
    """What the libraries must find before they are imported: no network unless the spec asks for it."""
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ["TOKENIZERS_PARALLELISM"] = "false"  # it warns, and deadlocks, after a fork
    # what the libraries will rename one day is nothing that the reader of a run's log can mend
    warnings.filterwarnings("ignore", category=FutureWarning)
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    # two threads that spin for each other starve everything else on a small box, a dashboard too
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ["TRANSFORMERS_VERBOSITY"] = os.environ.get("TRANSFORMERS_VERBOSITY", "error")
    if all(name == "demo" or is_there(user_path(name)) for name in _sources(spec)):
        os.environ["HF_HUB_OFFLINE"] = "1"
        os.environ["HF_DATASETS_OFFLINE"] = "1"


def _sources(spec: RunSpec) -> list[str]:
    """Every place that the spec reads a model or rows from."""
    train = spec.data.train
    rows = [train] if isinstance(train, str) else [source.path for source in train or []]
    return [name for name in (spec.model.id, spec.data.eval, spec.evaluation.probe, *rows) if name]
