"""From run directories to the store of measured runs: what each attempt on a GPU was to take, and took."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from tui_ft import settings
from tui_ft.runs import prediction
from tui_ft.runs.directory import RunDirectory, list_directories
from tui_ft.runs.records import (
    AttemptEvent,
    EndEvent,
    MemoryEvent,
    PredictionRecord,
    complete_lines,
    decode_event,
)
from tui_ft.vram import calibration
from tui_ft.vram.calibration import Measured
from tui_ft.vram.stack import stack_text

_WANTED = (b'"event":"attempt"', b'"event":"memory"', b'"event":"end"')
LARGEST_EVENTS_BYTES = 64 << 20
"""Longer files of events are left out: a question about memory must not read for seconds."""


def gather(runs_root: Path) -> int:
    """Put the runs under `runs_root` that ended since the last time into the store; return how many.

    It costs a look at the age of one file a run. Never raises: without a store nothing is corrected, and
    that is all.
    """
    try:
        mark = _mark(runs_root)
        since, now = _age(mark), time.time()
        rows = [
            row for run in list_directories(runs_root) if _age(run.events) >= since for row in rows_of(run)
        ]
        added = calibration.add(rows)
        mark.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        mark.touch(mode=0o600)
        os.utime(mark, (now, now - 1))  # what was written in the second of the look is looked at again
    except Exception:  # noqa: BLE001 - a run is started, or a question answered, with or without it
        return 0
    return added


def rows_of(run: RunDirectory) -> Iterator[Measured]:
    """The measured attempts of `run` that ended by themselves; one that ran out of memory took more."""
    for number, (measured, end) in _attempts(run).items():
        made = prediction.read(run.attempt(number))
        if measured is None or end is None or end.cause == "cuda_oom" or "training" not in measured.phases:
            continue
        yield _row(run, number, measured, _fair(run, number, made, measured))


def _attempts(run: RunDirectory) -> dict[int, tuple[MemoryEvent | None, EndEvent | None]]:
    found: dict[int, tuple[MemoryEvent | None, EndEvent | None]] = {}
    number = 1
    for line in _lines(run):
        try:
            event = decode_event(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
        measured, end = found.get(number, (None, None))
        if isinstance(event, AttemptEvent):
            number = event.attempt
        elif isinstance(event, MemoryEvent):
            found[number] = event, end
        elif isinstance(event, EndEvent):
            found[number] = measured, event
    return found


def _lines(run: RunDirectory) -> Iterator[bytes]:
    try:
        with run.events.open("rb") as file:
            data = file.read(LARGEST_EVENTS_BYTES + 1)
    except OSError:
        return
    if len(data) > LARGEST_EVENTS_BYTES or _WANTED[1] not in data:
        return
    yield from (line for line in complete_lines(data) if any(kind in line for kind in _WANTED))


def _fair(
    run: RunDirectory, number: int, made: PredictionRecord | None, measured: MemoryEvent
) -> PredictionRecord | None:
    """The prediction for the rows that there really were."""
    longest = measured.longest_row
    if made is None or made.seq_length is None or longest is None or longest >= made.seq_length:
        return made
    return prediction.again(run.attempt(number), made, longest)


def _row(run: RunDirectory, number: int, measured: MemoryEvent, made: PredictionRecord | None) -> Measured:
    return Measured(
        run=f"{run.id}/{number}",
        gpu=measured.gpu,
        driver=measured.driver,
        torch=measured.versions.get("torch"),
        stack=stack_text(measured.versions),
        method=made.method if made is not None else "",
        predicted_allocated_bytes=made.allocated_bytes if made is not None else None,
        predicted_needed_bytes=made.needed_bytes if made is not None else None,
        predicted_context_bytes=made.context_bytes if made is not None else None,
        allocated_bytes=measured.allocated_bytes,
        reserved_bytes=measured.reserved_bytes,
        context_bytes=measured.context_bytes,
        time=measured.time,
    )


def _mark(runs_root: Path) -> Path:
    """Its age says when this runs root was last looked at."""
    name = hashlib.sha256(str(runs_root.absolute()).encode()).hexdigest()[:16]
    return settings.cache_folder() / "measured" / name


def _age(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
