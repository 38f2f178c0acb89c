"""A run directory laid out for the trainer alone, and what it wrote there."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tui_ft.runs.directory import RunDirectory
from tui_ft.spec import overrides, toml
from tui_ft.spec.run_spec import RunSpec

MakeRun = Callable[..., RunDirectory]
"""Lays out a run directory for the demo model with `section.field=value` changes."""


def add_attempt(run: RunDirectory, number: int, *changes: str) -> None:
    """Write the spec of attempt `number`: the demo model on the demo data, in small batches."""
    spec = overrides.apply(
        RunSpec(),
        [
            "model.id=demo",
            "data.train=demo",
            "training.batch_size=2",
            "training.gradient_accumulation=2",
            "training.max_steps=6",
            "evaluation.every_steps=3",
            *changes,
        ],
    )
    folder = run.attempt(number).path
    folder.mkdir(mode=0o700)
    run.attempt(number).spec.write_text(toml.dumps(spec))


def events(run: RunDirectory, kind: str | None = None) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in run.events.read_text().splitlines()]
    return [row for row in rows if kind is None or row["event"] == kind]


def metrics(run: RunDirectory) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run.metrics.read_text().splitlines()]


def steps(run: RunDirectory) -> list[dict[str, Any]]:
    """The rows of optimizer steps, without those of evaluations."""
    return [row for row in metrics(run) if "loss" in row]
