"""Stopping a run only to go on with it: nothing else takes its place, and what hangs is ended."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tui_ft import settings
from tui_ft.errors import TuiFtError
from tui_ft.health.thresholds import Thresholds, with_changes
from tui_ft.runs import control
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.guarded_file import open_lock, take
from tui_ft.runs.handles import handle
from tui_ft.runs.queueing.nudging import advance_lock, nudge
from tui_ft.runs.queueing.pausing import paused
from tui_ft.runs.records import ENDED
from tui_ft.runs.truth import Truth, read_truth

STOPS_WITHIN_S = 900.0
"""How long a run may take to save and stop before the fix gives up: the longest wait is a step and a save."""
_LOOK_EVERY_S = 0.2
_QUEUE_S = 2.0
"""Who advances the queue is done with a start sooner; a process that waits for memory looks on anyway."""


def hangs(truth: Truth) -> bool:
    """Whether the guard has found that the run hangs; it says otherwise as soon as anything moves."""
    return truth.state is not None and "hang" in truth.state.findings


def grace_s() -> float:
    """How long one that hangs may go on without moving after it was asked to stop."""
    try:
        return with_changes(settings.load().health).hang_grace_s
    except TuiFtError:  # the guard says what is wrong with them
        return Thresholds().hang_grace_s


def stop(
    run: RunDirectory, by: str, patience_s: float, ends_after_s: float | None, say: Callable[[str], None]
) -> None:
    """Ask `run` to stop and wait until it has; after `ends_after_s` end it if it still hangs.

    Raises `TuiFtError` when it has not stopped within `patience_s`.
    """
    control.request(run, "stop", by)
    began, is_ended = time.monotonic(), False
    while not _is_over(truth := read_truth(run)):
        waited = time.monotonic() - began
        if waited > patience_s:
            raise _not_stopped(run, truth, patience_s, is_ended)
        if ends_after_s is not None and waited >= ends_after_s and not is_ended and hangs(truth):
            say("It has not moved: it is ended without saving.")
            _end(run, by)
            is_ended = True
        time.sleep(_LOOK_EVERY_S)


def _end(run: RunDirectory, by: str) -> None:
    try:
        control.request(run, "stop", by, now=True)
    except TuiFtError:
        if not _is_over(read_truth(run)):  # else it ended just now
            raise


def _is_over(truth: Truth) -> bool:
    return truth.status in ENDED or truth.status == "lost"


def _not_stopped(run: RunDirectory, truth: Truth, patience_s: float, is_ended: bool) -> TuiFtError:
    hint = f"`tui-ft stop {handle(run)} --now` ends it without a checkpoint; then try the fix again."
    if is_ended:
        hint = "It was killed and still lives: the GPU's driver holds it. Restart the machine, then resume."
    return TuiFtError(
        f"{run.id} has not stopped within {patience_s / 60:.0f} minutes: it is {truth.status}.",
        hint,
        exit_code=1,
    )


@contextmanager
def before_the_queue(runs_root: Path) -> Iterator[None]:
    """Keep what waits from taking the place of a run that stops only to go on; then it is looked at again.

    A start that is under way is let through first. Who waits for memory keeps its own lock for hours, and
    starts nothing while the queue is paused.
    """
    try:
        with paused(runs_root), _no_start_under_way(runs_root):
            yield
    finally:
        nudge(runs_root)


@contextmanager
def _no_start_under_way(runs_root: Path) -> Iterator[None]:
    try:
        descriptor = open_lock(advance_lock(runs_root))
    except OSError:  # a disk that takes no file takes no queue either
        yield
        return
    try:
        take(descriptor, _QUEUE_S)
        yield
    finally:
        os.close(descriptor)
