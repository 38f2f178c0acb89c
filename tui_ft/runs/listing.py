"""The list of runs: a thousand of them from one small file and the end of another each."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from tui_ft.runs import truth
from tui_ft.runs.directory import RunDirectory, list_directories
from tui_ft.runs.labels import LONGEST_NOTE, Label, LabelBook, bounded_tags
from tui_ft.runs.records import StateRecord, Status, complete_lines, decode_metrics, number

_TAIL_BYTES = 4096
"""Room for some ten rows: the last one may be an evaluation's, which has no training loss."""

_MOST_FINDINGS = 50
_LONGEST_NAME = 100
_NONE: dict[str, str] = {}
"""One for all runs that are well: nobody writes into it."""
_LATEST = 253_402_300_000.0
"""The end of the year 9999."""


class RunSummary(msgspec.Struct, kw_only=True, frozen=True):
    """One line of the list. None is "not known"; times are unix seconds; `path` is absolute.

    `findings` are what is not well with it, by code, with the level; without what was silenced. `stopped_by`
    is who asked it to stop.
    """

    id: str
    path: str
    status: Status
    reason: str | None = None
    step: int | None = None
    total_steps: int | None = None
    loss: float | None = None
    model: str = ""
    method: str = ""
    name: str = ""
    started_at: float | None = None
    updated_at: float | None = None
    tags: tuple[str, ...] = ()
    note: str = ""
    archived: bool = False
    findings: dict[str, str] = {}
    stopped_by: str = ""


class _Last(NamedTuple):
    step: int | None = None
    loss: float | None = None


def list_runs(runs_root: Path, now: float | None = None) -> list[RunSummary]:
    """Return the runs under `runs_root`, newest first. Never raises for what a run directory holds.

    Labels that cannot be read are left out; `LabelBook.problem` says why.
    """
    now = time.time() if now is None else now
    labels = LabelBook(runs_root).read()
    found = [labelled(_summary(run, now), labels) for run in list_directories(runs_root)]
    return sorted(found, key=lambda summary: summary.started_at or 0.0, reverse=True)


def labelled(run: RunSummary, labels: Mapping[str, Label]) -> RunSummary:
    """Return `run` with what a person wrote on it."""
    label = labels.get(run.id) if labels else None
    if label is None:
        return run
    return msgspec.structs.replace(
        run,
        tags=run.tags if label.tags is None else label.tags,
        note=run.note if label.note is None else label.note,
        archived=label.archived,
    )


def summarize(run: RunDirectory, now: float | None = None) -> RunSummary:
    """Return the line of one run."""
    return _summary(run, time.time() if now is None else now)


def _summary(run: RunDirectory, now: float) -> RunSummary:
    known = truth.read_truth(run, now)
    last = _last_metrics(run)
    state = known.state
    if state is None:
        return RunSummary(
            id=run.id,
            path=str(run.path),
            status=known.status,
            reason=known.reason,
            step=last.step,
            loss=last.loss,
            updated_at=known.updated_at,
        )
    return RunSummary(
        id=run.id,
        path=str(run.path),
        status=known.status,
        reason=known.reason or (state.exit.message if state.exit is not None else None),
        step=last.step,
        total_steps=state.total_steps,
        loss=last.loss,
        model=state.model,
        method=state.method,
        name=state.name,
        started_at=_moment(state.started_at or state.created_at),
        updated_at=known.updated_at,
        tags=bounded_tags(state.tags),
        note=state.note[:LONGEST_NOTE],
        findings=_heard(state),
        stopped_by=(state.stop_requested_by or "")[:_LONGEST_NAME],
    )


def _heard(state: StateRecord) -> dict[str, str]:
    """The open findings that nobody silenced, by code, with their level."""
    if not state.findings:
        return _NONE
    few = list(state.findings.items())[:_MOST_FINDINGS]
    return {code: level for code, level in few if code not in state.silenced}


def _moment(at: float | None) -> float | None:
    """A time as a calendar can show it; what else stands in a damaged state is not known."""
    return at if at is not None and 0 < at < _LATEST else None


def _last_metrics(run: RunDirectory) -> _Last:
    """The newest step and the newest training loss, from the end of the file alone."""
    try:
        descriptor = os.open(run.metrics, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return _Last()
    try:
        size = os.fstat(descriptor).st_size
        tail = os.pread(descriptor, _TAIL_BYTES, max(0, size - _TAIL_BYTES))
    except OSError:
        return _Last()
    finally:
        os.close(descriptor)
    step: int | None = None
    for line in reversed(list(complete_lines(tail))):
        try:
            row = decode_metrics(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue  # cut off at the front, or torn by a kill
        at = row.get("step")
        if step is None and isinstance(at, int):
            step = at
        loss = number(row.get("loss"))
        if loss is not None:
            return _Last(step, loss)
    return _Last(step)
