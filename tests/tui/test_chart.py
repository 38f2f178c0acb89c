"""The chart: the same cells live and reopened, gaps where there is no number, small repaints."""

from __future__ import annotations

import math
import random

from textual.app import App, ComposeResult
from textual.geometry import Region

from tui_ft.tui.widgets.curve_grid import CurveGrid, Frame, point_cells
from tui_ft.tui.widgets.line_chart import Curve, LineChart
from tui_ft.watch.scales import Bounds
from tui_ft.watch.series import Series


class ChartApp(App[None]):
    """One chart."""

    def __init__(self) -> None:
        super().__init__()
        self.chart = LineChart("Loss")
        self.painted: list[Region] = []

    def compose(self) -> ComposeResult:
        yield self.chart

    def note_paints(self) -> None:
        refresh = self.chart.refresh

        def noting(*regions: Region, **options: bool) -> LineChart:
            self.painted += regions or [self.chart.size.region]
            return refresh(*regions, **options)

        self.chart.refresh = noting  # type: ignore[method-assign,assignment]


def noisy(count: int, seed: int = 3) -> list[float]:
    source = random.Random(seed)
    return [
        math.nan if source.random() < 0.02 else 3 * math.exp(-i / 90) + source.gauss(0.5, 0.1)
        for i in range(count)
    ]


def with_points(series: Series) -> Curve:
    points = Series()
    for index in range(9, len(series), 10):
        points.add(series.steps[index], 1.0 + 1 / (index + 1))
    return Curve(series=series, points=points, whole=400.0)


async def test_a_chart_that_followed_a_run_equals_one_that_was_opened_afterwards() -> None:
    values = noisy(400)
    live, reopened = ChartApp(), ChartApp()
    async with live.run_test(size=(60, 14)):
        series = Series()
        for step, value in enumerate(values, 1):
            series.add(step, value)
            if step % 3 == 0 or step == len(values):
                series.settle()
                live.chart.show(with_points(series))
        followed = live.chart.cells
    async with reopened.run_test(size=(60, 14)):
        whole = Series()
        whole.extend(range(1, 401), values)
        whole.settle()
        reopened.chart.show(with_points(whole))
        assert reopened.chart.cells == followed


async def test_a_new_point_paints_a_few_cells_only() -> None:
    app = ChartApp()
    async with app.run_test(size=(80, 20)):
        series = Series()
        series.extend(range(1, 501), noisy(500, seed=1))
        series.settle()
        app.chart.show(Curve(series=series))
        app.note_paints()
        areas = []
        for step in range(501, 601):
            series.add(step, 0.5)
            series.settle()
            app.chart.show(Curve(series=series))
            areas.append(sum(region.area for region in app.painted))
            app.painted.clear()
        assert sorted(areas)[95] <= 8
        app.chart.show(Curve(series=series))
        assert app.painted == []


async def test_a_number_that_is_none_leaves_a_gap_with_a_mark() -> None:
    app = ChartApp()
    async with app.run_test(size=(48, 10)):
        series = Series()
        series.extend([*range(1, 11)], [1.0] * 10)
        for step in range(11, 21):
            series.add(step, math.nan)
        series.extend([*range(21, 41)], [2.0] * 20)
        app.chart.show(Curve(series=series, whole=40.0))
        body = [line[8:] for line in app.chart.cells[1:-1]]
        assert "×" in body[0]
        column = body[0].index("×") + 3
        assert all(line[column] in " ×" for line in body)
        assert app.chart.cells[1].lstrip().startswith("2│")


async def test_only_gaps_is_no_curve_and_no_error() -> None:
    app = ChartApp()
    async with app.run_test(size=(48, 10)):
        series = Series()
        series.add(1, math.nan)
        app.chart.show(Curve(series=series))
        assert "no values yet" in "\n".join(app.chart.cells)


async def test_the_memory_there_is_bounds_the_axis_and_a_resize_draws_again() -> None:
    app = ChartApp()
    async with app.run_test(size=(48, 12)) as pilot:
        series = Series()
        series.extend([0.0, 10.0, 20.0], [15.0, 15.5, 15.5])
        app.chart.show(Curve(series=series, base=0.0, ceiling=24.0))
        assert app.chart.cells[1].startswith("     24│")
        await pilot.resize_terminal(80, 16)
        await pilot.pause()
        assert len(app.chart.cells) == 16
        assert {len(line) for line in app.chart.cells} == {80}
        await pilot.resize_terminal(6, 2)
        await pilot.pause()
        assert len(app.chart.cells) == 2


async def test_a_restart_is_marked_under_the_axis() -> None:
    app = ChartApp()
    async with app.run_test(size=(48, 10)):
        series = Series()
        series.extend(range(1, 101), [1.0 + i / 100 for i in range(100)])
        app.chart.show(Curve(series=series, whole=100.0, restarts=(50.0,)))
        assert app.chart.cells[-1][8 + 20] == "▲"


def frame(width: int = 10, height: int = 3) -> Frame:
    return Frame(
        width=width,
        height=height,
        x=Bounds(low=0, high=width * 2, step=width),
        y=Bounds(low=0, high=1, step=1),
    )


def test_points_far_apart_are_joined_by_a_line_not_by_bars() -> None:
    series = Series()
    series.extend([0, 19], [0.0, 1.0])
    grid = CurveGrid(frame(), series)
    grid.update()
    filled = [sum(bits.bit_count() for bits in column) for column in zip(*grid.bits, strict=True)]
    assert all(2 <= dots <= 6 for dots in filled)


def test_the_last_step_is_inside() -> None:
    series = Series()
    series.extend([1, 20], [0.0, 1.0])
    grid = CurveGrid(frame(), series)
    grid.update()
    assert grid.bits[0][9]
    assert list(point_cells(frame(), series)) == [(2, 0), (0, 9)]


async def test_of_several_titles_the_one_that_fits_whole_is_shown() -> None:
    app = ChartApp()
    async with app.run_test(size=(40, 6)) as pilot:
        app.chart.set_title("memory 21.3 of 23.9 GiB", "mem 21.3/23.9", "mem")
        for width, title in ((24, "memory 21.3 of 23.9 GiB"), (23, "mem 21.3/23.9"), (10, "mem")):
            await pilot.resize_terminal(width, 6)
            await pilot.pause()
            assert app.chart.cells[0].strip() == title
