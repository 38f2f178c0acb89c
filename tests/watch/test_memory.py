"""Predicted beside measured GPU memory: as JSON, in words of every length, and only where it is known."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from synthetic_run import GIB, SyntheticRun

from tui_ft.runs import prediction
from tui_ft.runs.records import AttemptEvent, PredictionRecord
from tui_ft.watch.memory import wordings
from tui_ft.watch.reading import Reading
from tui_ft.watch.report import as_json, as_text, read_whole
from tui_ft.watch.sources.tui_ft import TuiFtSource


@pytest.fixture
def made(tmp_path: Path) -> Iterator[SyntheticRun]:
    with SyntheticRun(tmp_path, total_steps=120) as run:
        run.begin_training()
        yield run


def read(run: SyntheticRun) -> Reading:
    return read_whole(TuiFtSource(run.run, clock=lambda: run.now))


def words(run: SyntheticRun) -> tuple[str, ...]:
    report = read(run).gpu_memory
    assert report is not None
    return wordings(report)


def test_both_are_in_the_json_of_a_reading(made: SyntheticRun) -> None:
    made.foresee()
    made.advance(3)
    made.measure()
    memory = json.loads(json.dumps(as_json(read(made)), allow_nan=False))["gpu_memory"]
    assert memory["predicted"]["allocated_bytes"] == int(14.5 * GIB)
    assert memory["predicted"]["verdict"] == "fits"
    assert memory["measured"]["allocated_bytes"] == int(14.25 * GIB)
    assert memory["measured"]["nvidia_smi_bytes"] == int(15.25 * GIB)
    assert memory["error"] == pytest.approx(14.5 / 14.25 - 1, abs=1e-6)
    assert memory["problem"] is memory["predicted_for_longest_row"] is None
    assert "predicted 14.50, measured 14.25 GiB (1.8 % over)" in as_text(read(made))


def test_before_a_step_is_made_it_says_what_is_to_come(made: SyntheticRun) -> None:
    made.foresee(verdict="does_not_fit")
    assert words(made)[0] == (
        "GPU memory: predicted 14.50 GiB, 15.10 needed of 22.90 free: does not fit"
    )  # fmt: skip
    memory = as_json(read(made))["gpu_memory"]
    assert memory["measured"] is memory["error"] is None


def test_without_a_prediction_the_reason_is_said_and_no_number_made_up(made: SyntheticRun) -> None:
    nothing = dict.fromkeys(("allocated_bytes", "needed_bytes", "nvidia_smi_bytes", "seq_length"))
    made.foresee(problem="The architecture exotic is not known.", verdict="unknown", **nothing)
    assert words(made)[0] == "GPU memory: not predicted. The architecture exotic is not known."
    made.measure(context_bytes=None)
    memory = as_json(read(made))["gpu_memory"]
    assert memory["predicted"] is memory["error"] is memory["measured"]["nvidia_smi_bytes"] is None
    assert memory["problem"] == "The architecture exotic is not known."
    assert words(made)[0] == "GPU memory: measured 14.25 GiB, 14.75 reserved; not predicted"


def test_on_a_cpu_there_is_nothing_and_no_zero(made: SyntheticRun) -> None:
    assert as_json(read(made))["gpu_memory"] is None, "a run of an older version"
    made.foresee(problem=prediction.NO_GPU, gpu=None, allocated_bytes=None)
    reading = read(made)
    assert as_json(reading)["gpu_memory"] is None
    assert "GPU memory" not in as_text(reading)


def test_shorter_rows_than_foreseen_are_compared_with_their_own_prediction(
    made: SyntheticRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def again(attempt: object, record: PredictionRecord, longest: int) -> PredictionRecord:
        asked.append(longest)
        return PredictionRecord(
            time=1.0, allocated_bytes=int(14.30 * GIB), nvidia_smi_bytes=15 * GIB, seq_length=longest
        )

    monkeypatch.setattr(prediction, "again", again)
    made.foresee()
    made.measure(longest_row=1024)
    source = TuiFtSource(made.run, clock=lambda: made.now)
    report = read_whole(source).gpu_memory
    made.advance(2)
    source.poll()
    assert asked == [1024], "made again once, not at every look"
    assert report is not None
    assert wordings(report)[1] == (
        "GPU memory: predicted 14.50 GiB, 14.30 for rows of 1024, measured 14.25 GiB (0.4 % over)"
    )
    memory = as_json(source.reading)["gpu_memory"]
    assert memory["predicted_for_longest_row"]["allocated_bytes"] == int(14.30 * GIB)
    assert memory["error"] == pytest.approx(14.30 / 14.25 - 1, abs=1e-6)


def test_a_prediction_that_is_written_while_the_run_begins_is_not_missed(made: SyntheticRun) -> None:
    source = TuiFtSource(made.run, clock=lambda: made.now)
    assert read_whole(source).gpu_memory is None
    made.foresee()
    made.advance(1)
    source.poll()
    assert source.reading.gpu_memory is not None


def test_the_peaks_of_an_earlier_attempt_are_not_this_ones(made: SyntheticRun) -> None:
    made.foresee()
    made.measure()
    made.event(AttemptEvent(time=made.now, attempt=2, step=0))
    assert as_json(read(made))["gpu_memory"] is None


def test_every_wording_is_shorter_than_the_one_before(made: SyntheticRun) -> None:
    made.foresee()
    told = [words(made)]
    made.measure()
    told.append(words(made))
    report = read(made).gpu_memory
    assert report is not None
    told.append(wordings(report, ran_out=True))
    for lines in told:
        assert sorted(map(len, lines), reverse=True) == [len(line) for line in lines]
    assert "14.25 when it ran out" in told[2][0]
    assert "15.10 needed of 22.90 free" in told[2][0]
