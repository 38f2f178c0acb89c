"""A tour that was left is found again; one that came to its end, or is not one, is not."""

from __future__ import annotations

from pathlib import Path

import pytest
from synthetic_run import SyntheticRun
from tour_world import TourRun, a_whole_run

from tui_ft.demo.tour import files
from tui_ft.tour.run import REPORT, left_behind


@pytest.fixture
def done(tmp_path: Path) -> TourRun:
    made = a_whole_run(tmp_path)
    made.set_state("finished", model=files.base_folder().name)
    return made


def test_a_finished_run_without_its_report_is_gone_on_with_for_an_hour(tmp_path: Path, done: TourRun) -> None:
    seen = done.run.events.stat().st_mtime
    assert left_behind(tmp_path, seen + 60) == done.run
    assert left_behind(tmp_path, seen + 7200) is None


def test_with_its_report_it_is_over(tmp_path: Path, done: TourRun) -> None:
    (done.run.result / REPORT).write_text("#")
    assert left_behind(tmp_path) is None


def test_other_runs_of_that_name_are_none_of_its(tmp_path: Path) -> None:
    with SyntheticRun(tmp_path, name="tour") as other:
        other.begin_training()
        other.live_here()
    assert left_behind(tmp_path) is None


def test_where_there_are_no_runs_there_is_none(tmp_path: Path) -> None:
    assert left_behind(tmp_path / "nowhere") is None
