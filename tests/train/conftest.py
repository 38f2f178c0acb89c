"""A run directory without a supervisor: the trainer is called in this process, so its imports are paid once."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("trl", reason="the training libraries are not installed")

from tui_ft.demo import paths as demo_paths
from tui_ft.runs import directory
from tui_ft.runs.directory import RunDirectory
from tui_ft.spec import overrides, toml
from tui_ft.spec.run_spec import RunSpec

MakeRun = Callable[..., RunDirectory]


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """Return a function that lays out a run directory for the demo model with `section.field=value` changes."""

    def make(*changes: str) -> RunDirectory:
        run = directory.create(tmp_path / "runs", "test")
        add_attempt(run, 1, *changes)
        return run

    return make


def add_attempt(run: RunDirectory, number: int, *changes: str) -> None:
    """Write the spec of attempt `number`: the demo model on the demo data, small batches, no samples' wait."""
    spec = overrides.apply(
        RunSpec(),
        [
            "model.id=demo",
            f"data.train={demo_paths.data_file()}",
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


@pytest.fixture(autouse=True)
def signals_restored() -> Iterator[None]:
    """The trainer takes the process's signals; give them back."""
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


def events(run: RunDirectory, kind: str | None = None) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in run.events.read_text().splitlines()]
    return [row for row in rows if kind is None or row["event"] == kind]


def metrics(run: RunDirectory) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run.metrics.read_text().splitlines()]


def steps(run: RunDirectory) -> list[dict[str, Any]]:
    """The rows of optimizer steps, without those of evaluations."""
    return [row for row in metrics(run) if "loss" in row]
