"""A curve over time or tokens has the same points, each where the clock of the run says."""

from __future__ import annotations

import math
import random

import pytest

from tui_ft.watch import axes
from tui_ft.watch.reading import Reading
from tui_ft.watch.series import Series
from tui_ft.watch.sources.table import MetricTable


def reading(table: MetricTable, started_at: float | None = None) -> Reading:
    return Reading(
        source="tui_ft", title="t", path="/t", status="running",
        series=table.named_series(), times=table.times, started_at=started_at,
    )  # fmt: skip


def made(count: int = 100, begun: float = 1000.0) -> MetricTable:
    table = MetricTable()
    table.add(
        [{"step": s, "time": begun + 2.0 * s, "loss": 1.0 / s, "tokens": 50 * s} for s in range(1, count + 1)]
    )
    return table


def test_over_time_it_counts_from_the_start_of_the_run() -> None:
    table = made()
    over = axes.along(table.series["loss"], reading(table, started_at=990.0), "time")
    assert over is not None
    assert (over.first, over.last) == ((12.0, 1.0), (210.0, 0.01))
    assert list(over.steps[:3]) == [12.0, 14.0, 16.0]
    assert over.index(14.0) == 1
    assert over.index(14.1) == 2
    assert over.index(1e9) == over.index(math.inf) == 100
    assert over.index(-math.inf) == 0
    assert over.extent(0, 2) == (0.5, 1.0)
    assert axes.origin(reading(table, started_at=990.0)) == 990.0


def test_without_a_start_the_first_step_is_the_origin() -> None:
    table = made()
    over = axes.along(table.series["loss"], reading(table), "time")
    assert over is not None
    assert over.first == (0.0, 1.0)


def test_over_tokens_and_over_steps() -> None:
    table = made()
    loss = table.series["loss"]
    over = axes.along(loss, reading(table), "tokens")
    assert over is not None
    assert over.last == (5000.0, 0.01)
    assert axes.along(loss, reading(table), "step") is loss


def test_what_the_run_does_not_know_there_is_not() -> None:
    table = MetricTable()
    table.add([{"step": 1, "loss": 1.0}])
    loss = table.series["loss"]
    assert axes.along(loss, reading(table, started_at=1.0), "time") is None
    assert axes.along(loss, reading(table), "tokens") is None
    assert axes.origin(reading(table)) is None


def test_it_grows_with_the_run_and_evaluations_fall_between_its_steps() -> None:
    table = made(10)
    table.add([{"step": step, "eval_loss": 1.0} for step in (0, 5, 20)])
    over = axes.along(table.series["eval_loss"], reading(table), "time")
    assert over is not None
    assert list(over.steps) == [0.0, 8.0, 18.0]
    table.extend("loss", [30], [1.0], [1000.0 + 60.0])
    assert list(over.steps) == [0.0, 8.0, 38.0]


@pytest.mark.parametrize("x", ["time", "tokens"])
def test_looking_up_an_x_agrees_with_the_list_of_them(x: axes.X) -> None:
    source = random.Random(2)
    table, now, tokens = MetricTable(), 1e9, 0
    for step in range(0, 3000, 3):
        now += source.choice((0.0, 0.1, 5.0))
        tokens += source.choice((0, 7, 100))
        table.add([{"step": step, "time": now, "tokens": tokens, "loss": source.random()}])
    table.extend("eval_loss", range(0, 3100, 7), [1.0] * len(range(0, 3100, 7)))
    for name in ("loss", "eval_loss"):
        over = axes.along(table.series[name], reading(table), x)
        assert over is not None
        places = list(over.steps)
        assert places == sorted(places)
        for sought in [*source.sample(places, 50), *(source.uniform(-9, places[-1] + 9) for _ in range(50))]:
            assert over.index(sought) == sum(place < sought for place in places)


def test_tokens_that_a_resume_counts_anew_go_on_and_times_that_go_back_stand_still() -> None:
    table = MetricTable()
    rows = [(1, 10, 100.0), (2, 20, 101.0), (3, 5, 50.0), (4, 10, 102.0), (5, math.nan, 103.0)]
    table.add([{"step": s, "tokens": tokens, "time": now, "loss": 1.0} for s, tokens, now in rows])
    loss = table.series["loss"]
    tokens = axes.along(loss, reading(table), "tokens")
    times = axes.along(loss, reading(table), "time")
    assert tokens is not None and times is not None
    assert list(tokens.steps) == [10.0, 20.0, 25.0, 30.0, 30.0]
    assert list(times.steps) == [0.0, 1.0, 1.0, 2.0, 3.0]
    assert tokens.index(25.0) == 2


def test_a_restart_is_noticed_by_update() -> None:
    table = made(200)
    loss = table.series["loss"]
    over = axes.along(loss, reading(table), "time")
    assert isinstance(over, axes.Along)
    before = over.rewrites
    table.add([{"step": s, "time": 5000.0 + s, "loss": 7.0, "tokens": 50 * s} for s in range(100, 150)])
    over.update()
    assert over.rewrites != before
    places = list(over.steps)
    assert places == sorted(places)
    assert over.values[120] == 7.0


def test_over_time_a_long_curve_is_looked_up_without_being_worked_out() -> None:
    table = MetricTable()
    count = 300_000
    table.extend("loss", range(count), [1.0] * count, [1e9 + 0.5 * at for at in range(count)])
    over = axes.along(table.series["loss"], reading(table), "time")
    assert over is not None
    assert over.index(75_000.0) == 150_000
    assert over.steps[-1] == (count - 1) / 2


def test_an_empty_curve_has_no_points_over_time() -> None:
    table = made()
    over = axes.along(Series(), reading(table), "time")
    assert over is not None
    assert (len(over), over.first, over.extent(), over.index(3.0)) == (0, None, None, 0)
