"""The report: the homework's headings, the run's numbers, and nothing of what others wrote unguarded."""

from __future__ import annotations

from pathlib import Path

from tour_world import a_whole_run

from tui_ft.runs.directory import RunDirectory
from tui_ft.tour import report
from tui_ft.watch.reading import Reading
from tui_ft.watch.sources.tui_ft import TuiFtSource

HEADINGS = ["Environment", "Data set", "LoRA run", "Challenges and results", "Business impact"]


def read(run: RunDirectory) -> Reading:
    source = TuiFtSource(run)
    source.poll()
    return source.reading


def test_the_report_lies_in_the_result_under_the_headings_of_the_homework(tmp_path: Path) -> None:
    run = a_whole_run(tmp_path).run
    path = report.write(run, read(run))
    assert path == run.result / "report.md"
    lines = path.read_text(encoding="utf-8").splitlines()
    assert [line[3:] for line in lines if line.startswith("## ")] == HEADINGS


def test_it_tells_faults_steps_and_score(tmp_path: Path) -> None:
    run = a_whole_run(tmp_path).run
    text = "\n".join(report.lines(run, read(run)))
    for wanted in ("`empty_answer`", "`duplicate`", "`personal_data`", "LoRA r", "40 of 40 steps",
                   "0 before, 22 after", "Wrong after training:"):  # fmt: skip
        assert wanted in text
    assert text.count("Said: ") == 2


def test_the_impact_is_left_to_the_reader(tmp_path: Path) -> None:
    run = a_whole_run(tmp_path).run
    impact = "\n".join(report.lines(run, read(run))).partition("## Business impact")[2]
    assert all(line.endswith("_(to be filled in by you)_") for line in impact.splitlines() if line)


def test_answers_cannot_break_the_table_or_the_terminal(tmp_path: Path) -> None:
    run = a_whole_run(tmp_path, right=0).run
    text = "\n".join(report.lines(run, read(run)))
    assert "\x1b" not in text
    rows = [line for line in text.splitlines() if line.startswith("| ") and "talk" in line]
    assert rows
    assert all(line.replace("\\|", "").count("|") == 4 for line in rows)


def test_what_the_run_did_not_write_down_is_a_dash(tmp_path: Path) -> None:
    run = a_whole_run(tmp_path).run
    text = "\n".join(report.lines(run, read(run)))
    assert "- Machine: –" in text  # this run has no environment file
    assert "Trained on – rows" in text
