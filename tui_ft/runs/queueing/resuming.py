"""A run in front of the queue that was cut off, and wants to go on by itself, goes on before the next one."""

from __future__ import annotations

from pathlib import Path

from tui_ft.errors import TuiFtError
from tui_ft.runs import auto_resume, launch
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.queueing.queue_file import QueueDocument
from tui_ft.runs.queueing.sight import is_own, look_around
from tui_ft.runs.truth import read_truth
from tui_ft.spec import toml

_OVER = frozenset({"finished", "queued"})


def resume_cut_off(root: Path, document: QueueDocument) -> RunDirectory | None:
    """Resume the last run before the queue if a reboot or a pre-emption cut it off and its spec has
    `checkpoints.auto_resume`; None where there is no such run, or others of ours go on.

    Raises `TuiFtError` when it cannot be resumed, or got no further in its last attempts: it counts as failed
    then, and the next one comes.
    """
    run = RunDirectory(root.resolve() / document.earlier[-1]) if document.earlier else None
    if run is None or not is_own(run.path) or read_truth(run).status in _OVER:
        return None
    if not _wants_to_go_on(run) or look_around(root).going:
        return None
    found = auto_resume.cut_off(run)
    if found is None:
        return None
    if found.against:
        raise found.refusal
    return launch.resume(found.run, take_over=found.surely_over)


def _wants_to_go_on(run: RunDirectory) -> bool:
    try:
        return toml.load(run.spec).checkpoints.auto_resume
    except TuiFtError:
        return False
