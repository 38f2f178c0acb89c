"""The pace of a run that tells no times: from what was seen of it."""

from __future__ import annotations

from tui_ft.tui.run_numbers import numbers_of
from tui_ft.tui.widgets.progress import progress_line
from tui_ft.watch.live_pace import LivePace
from tui_ft.watch.reading import Reading

NOW = 1_790_000_000.0


def at(step: int | None) -> Reading:
    return Reading(
        source="stdout", title="a.log", path="/a.log", status="running", step=step, total_steps=100
    )  # fmt: skip


def watched(*seen: tuple[float, int]) -> LivePace:
    pace = LivePace()
    for seconds, step in seen:
        pace.take(at(step), NOW + seconds)
    return pace


def test_new_steps_give_a_pace_and_the_time_left() -> None:
    pace = watched((0, 10), (1, 10), (3, 11), (9, 14), (10, 14), (13, 16)).seconds_per_step()
    assert pace == 2.0
    line = "".join(text for text, _ in progress_line(at(16), NOW + 13, 100, pace))
    assert "3m left, ends" in line
    assert {number.name: number.value for number in numbers_of(at(16), pace)}["s/step"] == "2"


def test_without_a_pace_nothing_is_said_of_the_time_left() -> None:
    assert "left" not in "".join(text for text, _ in progress_line(at(16), NOW, 100, None))


def test_what_was_there_when_it_was_opened_and_a_moment_say_no_pace() -> None:
    assert watched((0, 10), (500, 11)).seconds_per_step() is None
    assert watched((0, 10), (1, 11), (2, 40)).seconds_per_step() is None


def test_a_run_that_goes_back_or_stands_begins_anew() -> None:
    assert watched((0, 10), (2, 11), (9, 20), (11, 3)).seconds_per_step() is None
    pace = watched((0, 10), (2, 11), (9, 20))
    pace.take(Reading(source="stdout", title="", path="", status="quiet", step=20), NOW + 300)
    assert pace.seconds_per_step() is None


def test_memory_is_bounded() -> None:
    pace = watched(*((float(i), i) for i in range(5_000)))
    assert len(pace._seen) < 100
    assert pace.seconds_per_step() == 1.0
