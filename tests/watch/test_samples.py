"""Run directories of every released schema are read for good: the samples are only ever added to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tui_ft.runs import listing
from tui_ft.runs.directory import RunDirectory, list_directories
from tui_ft.spec import toml
from tui_ft.watch import report
from tui_ft.watch.sources.tui_ft import TuiFtSource

SAMPLES = Path(__file__).parent.parent / "samples"
RUNS = [run.path for schema in sorted(SAMPLES.glob("schema_*")) for run in list_directories(schema)]


def test_there_are_samples() -> None:
    assert RUNS


@pytest.mark.parametrize("path", RUNS, ids=lambda path: path.parent.name)
def test_a_sample_is_read_whole(path: Path) -> None:
    run = RunDirectory(path)
    reading = report.as_json(report.read_whole(TuiFtSource(run)))
    rows = [json.loads(line) for line in run.metrics.read_text().splitlines()]
    losses = [row for row in rows if "loss" in row]
    assert reading["status"] == "finished"
    assert reading["bad_records"] == 0
    assert reading["series"]["loss"]["points"] == len(losses) == 12
    assert reading["series"]["loss"]["last"] == [12, losses[-1]["loss"]]
    assert reading["series"]["eval_loss"]["points"] == 2
    assert listing.summarize(run).step == 12


@pytest.mark.parametrize("path", RUNS, ids=lambda path: path.parent.name)
def test_the_spec_of_a_sample_can_still_be_started(path: Path) -> None:
    run = RunDirectory(path)
    assert toml.load(run.spec) == toml.load(run.attempt(1).spec)
