"""From one x axis to another, and what happened as marks."""

from __future__ import annotations

import math

import pytest
from series_made import reading_of, series_of

from tui_ft.runs.records import CheckpointEvent, WarningEvent
from tui_ft.watch.marks import MOST, MarkKeeper, marks_of
from tui_ft.watch.reading import MemoryCurve, Reading
from tui_ft.watch.ruler import Ruler
from tui_ft.watch.series import Series

START = 1_700_000_000.0


def timed(**changes: object) -> Reading:
    """100 steps, two seconds each, 512 tokens a step; hardware samples began 10 s before the run."""
    return reading_of(**{
        "times": series_of([START + 2 * step for step in range(1, 101)]),
        "series": {"tokens": series_of([512.0 * step for step in range(1, 101)])},
        "started_at": START, "hardware_origin": START - 10, **changes,
    })  # fmt: skip


def test_a_step_is_found_on_every_axis_and_back() -> None:
    ruler = Ruler(timed())
    assert ruler.from_step(50, "time") == pytest.approx(100)
    assert ruler.from_step(50, "tokens") == pytest.approx(25_600)
    assert ruler.from_step(50.5, "time") == pytest.approx(101)
    for x in ("step", "time", "tokens"):
        place = ruler.from_step(33, x)
        assert place is not None
        assert ruler.to_step(place, x) == pytest.approx(33)
    assert ruler.on_hardware(50, "step") == pytest.approx(110)
    assert ruler.on_hardware(100, "time") == pytest.approx(110)
    assert ruler.on_hardware(25_600, "tokens") == pytest.approx(110)


def test_beyond_what_is_known_the_end_counts() -> None:
    ruler = Ruler(timed())
    assert ruler.from_step(500, "time") == pytest.approx(200)
    assert ruler.to_step(1e9, "time") == 100
    assert ruler.to_step(-5, "time") == 1


def test_what_a_run_does_not_know_is_none() -> None:
    ruler = Ruler(reading_of(series={"loss": series_of([1.0])}))
    assert ruler.knows("step")
    assert not ruler.knows("time")
    assert not ruler.knows("tokens")
    assert ruler.from_step(1, "time") is None
    assert ruler.to_step(1, "tokens") is None
    assert ruler.on_hardware(1, "step") is None


def test_memory_alone_says_when_hardware_began() -> None:
    memory = MemoryCurve(is_gpu=True, series=Series(), origin=START)
    assert Ruler(timed(hardware_origin=None, memory=memory)).on_hardware(50, "step") == pytest.approx(100)


def test_a_ruler_goes_on_with_the_run() -> None:
    reading = timed()
    ruler = Ruler(reading)
    assert ruler.to_step(240, "time") == 100
    for step in range(101, 131):
        reading.times.add(step, START + 2 * step)
    ruler.take(reading)
    assert ruler.to_step(240, "time") == pytest.approx(120)
    ruler.take(timed(times=Series()))
    assert not ruler.knows("time")


def saved(step: int) -> CheckpointEvent:
    return CheckpointEvent(time=START, step=step, path="c", bytes=1, files={}, seconds=1.0)


def marks(reading: Reading) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for mark in marks_of(reading):
        found.setdefault(mark.kind, []).append(mark.step)
    return found


def test_what_happened_is_marked_at_its_step() -> None:
    warnings = (
        WarningEvent(time=START + 41, code="x", message="y"),
        WarningEvent(time=0, code="x", message=""),
    )
    reading = timed(
        checkpoints=(saved(40),), checkpoint_steps=(20.0, 40.0), restart_steps=(30.0,), warnings=warnings,
        series={"eval_loss": series_of([1.0, 2.0], first=25, by=25)},
    )  # fmt: skip
    assert marks(reading) == {
        "evaluation": [25, 50], "checkpoint": [20, 40], "warning": [1, 20], "restart": [30],
    }  # fmt: skip


def test_marks_are_bounded_and_numbers() -> None:
    reading = timed(
        checkpoint_steps=(math.nan, math.inf, 5.0),
        restart_steps=(-math.inf,),
        series={"eval_loss": series_of([1.0] * 5000)},
    )
    found = marks(reading)
    assert found["checkpoint"] == [5]
    assert "restart" not in found
    assert len(found["evaluation"]) <= MOST


def test_a_run_without_times_has_its_warnings_nowhere() -> None:
    reading = reading_of(warnings=(WarningEvent(time=START, code="x", message="y"),))
    assert marks_of(reading) == ()


def test_marks_stay_the_same_object_while_nothing_was_added() -> None:
    keeper, reading = MarkKeeper(), timed(checkpoint_steps=(5.0,))
    first = keeper.of(reading)
    assert keeper.of(timed(checkpoint_steps=(5.0,))) is first
    assert keeper.of(timed(checkpoint_steps=(5.0, 9.0))) is not first
