"""The tour's run: an ordinary run whose evaluation asks every held-out question."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from tui_ft.demo.tour import files
from tui_ft.runs import launch
from tui_ft.runs.directory import RunDirectory
from tui_ft.runs.listing import list_runs
from tui_ft.runs.records import ACTIVE
from tui_ft.spec import overrides, toml
from tui_ft.spec.paths import absolute_paths
from tui_ft.spec.run_spec import RunSpec

NAME = "tour"

REPORT = "report.md"
"""Lies in the result of a tour that was gone through to its end."""

_FRESH_S = 3600.0
"""A run that ended longer ago is not gone on with: who comes back then wants to see it all."""


def tour_spec(changes: Sequence[str] = ()) -> RunSpec:
    """The run's spec, with `changes` as in `--set`. Raises `TuiFtError` for a change that cannot be."""
    text = files.spec().read_text(encoding="utf-8")
    spec = absolute_paths(toml.loads(text, str(files.spec())), files.spec().parent)
    prompts = [question.prompt for question in files.read_held_out()]
    spec = msgspec.structs.replace(spec, evaluation=msgspec.structs.replace(spec.evaluation, prompts=prompts))
    return overrides.apply(spec, changes)


def start_tour(runs_root: Path, changes: Sequence[str] = ()) -> RunDirectory:
    """Launch the tour's run, detached. Raises `TuiFtError` when it cannot run here."""
    spec = tour_spec(changes)
    return launch.start(spec, runs_root, text=files.spec().read_text(encoding="utf-8"))


def left_behind(runs_root: Path, now: float | None = None) -> RunDirectory | None:
    """The newest run of a tour that was left before its report: at work, or finished within the hour."""
    now = time.time() if now is None else now
    base = files.base_folder().name
    for run in list_runs(runs_root, now):
        if run.model != base or run.name != NAME:
            continue
        found = RunDirectory(Path(run.path))
        is_fresh = run.updated_at is not None and now - run.updated_at < _FRESH_S
        is_done = run.status == "finished" and is_fresh and not (found.result / REPORT).exists()
        return found if run.status in ACTIVE or is_done else None
    return None
