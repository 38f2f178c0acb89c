"""From finished runs to the store that corrects the next estimate on such a GPU."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from synthetic_run import GIB, SyntheticRun

from tui_ft.runs import measurements, prediction
from tui_ft.runs.records import AttemptEvent, EndEvent, MemoryPeak, PredictionRecord
from tui_ft.vram import calibration


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return calibration.store()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "runs"


def end(made: SyntheticRun, cause: str = "finished") -> None:
    made.event(EndEvent(time=made.now, cause=cause, message="m", step=made.step))  # type: ignore[arg-type]


def finished(root: Path, **measured: object) -> str:
    with SyntheticRun(root, total_steps=4) as made:
        made.foresee()
        made.measure(allocated_bytes=GIB)
        made.measure(**measured)
        end(made)
        return made.run.id


def test_a_finished_run_is_a_row_with_its_last_peaks(root: Path) -> None:
    name = finished(root, versions={"torch": "2.13.0", "trl": "1.16.0", "peft": "0.21.2"})
    assert measurements.gather(root) == 1
    (row,) = calibration.read()
    assert (row.run, row.gpu, row.driver, row.torch) == (f"{name}/1", "NVIDIA L4", "570.86", "2.13.0")
    assert (row.stack, row.method) == ("trl 1.16.0, peft 0.21.2", "lora")
    assert (row.predicted_allocated_bytes, row.allocated_bytes) == (int(14.5 * GIB), int(14.25 * GIB))
    assert (row.reserved_bytes, row.context_bytes) == (int(14.75 * GIB), GIB // 2)


def test_what_was_gathered_is_not_read_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = root / finished(root) / "events.jsonl"
    os.utime(old, (1, 1))
    assert measurements.gather(root) == 1
    monkeypatch.setattr(measurements, "rows_of", lambda run: pytest.fail(f"{run.id} was read again"))
    assert measurements.gather(root) == 0
    monkeypatch.undo()


def test_a_run_that_ended_since_comes_in_and_none_twice(root: Path) -> None:
    finished(root)
    assert measurements.gather(root) == 1
    finished(root)
    assert measurements.gather(root) == 1
    assert measurements.gather(root) == 0
    assert len(calibration.read()) == 2


@pytest.mark.parametrize("cause", ["cuda_oom", None])
def test_a_run_that_goes_on_or_ran_out_is_none(root: Path, cause: str | None) -> None:
    with SyntheticRun(root, total_steps=4) as made:
        made.foresee()
        made.measure()
        if cause is not None:
            end(made, cause)
    assert measurements.gather(root) == 0


def test_a_run_that_never_came_to_a_step_is_none(root: Path) -> None:
    finished(root, phases={"loading model": MemoryPeak(allocated_bytes=GIB, reserved_bytes=GIB)})
    assert measurements.gather(root) == 0


def test_every_attempt_counts_for_itself(root: Path) -> None:
    with SyntheticRun(root, total_steps=4) as made:
        made.measure(allocated_bytes=GIB)
        end(made, "stopped")
        made.event(AttemptEvent(time=made.now, attempt=2, step=3))
        made.measure(allocated_bytes=2 * GIB)
        end(made)
        name = made.run.id
    assert measurements.gather(root) == 2
    rows = {
        row.run: (row.allocated_bytes // GIB, row.predicted_allocated_bytes) for row in calibration.read()
    }
    assert rows == {f"{name}/1": (1, None), f"{name}/2": (2, None)}


def test_a_run_is_held_against_the_prediction_for_its_own_rows(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shorter = PredictionRecord(time=1.0, method="lora", allocated_bytes=14 * GIB)
    monkeypatch.setattr(prediction, "again", lambda attempt, made, longest: shorter)
    finished(root, longest_row=100)
    measurements.gather(root)
    assert calibration.read()[0].predicted_allocated_bytes == 14 * GIB


def test_without_a_place_for_the_store_nothing_happens(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finished(root)
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null/nowhere")
    assert measurements.gather(root) == 0
    assert measurements.gather(root / "absent") == 0
