"""The tour's run: an ordinary run whose evaluation asks every held-out question."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from tui_ft.demo.tour import files
from tui_ft.runs import launch
from tui_ft.runs.directory import RunDirectory
from tui_ft.spec import overrides, toml
from tui_ft.spec.paths import absolute_paths
from tui_ft.spec.run_spec import RunSpec


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
