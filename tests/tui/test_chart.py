"""One chart: the same live and reopened, gaps where there is no number, small repaints, several lines."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from series_made import noisy, series_of

from tui_ft.tui.terminal import to_ascii
from tui_ft.tui.widgets.chart import TIME, Chart, Mark, Trace
from tui_ft.tui.widgets.curve_grid import CurveGrid, Frame, point_cells
from tui_ft.tui.widgets.plot import Plot
from tui_ft.tui.widgets.plot_frame import GUTTER
from tui_ft.watch.panels import Level
from tui_ft.watch.scales import Bounds
from tui_ft.watch.series import Series


def chart_of(*series: Series, **changes: object) -> Chart:
    kinds = ("line", "look0", "look1", "look2")
    traces = tuple(Trace(series=one, kind=kind) for one, kind in zip(series, kinds, strict=False))
    return replace(Chart(titles=("Loss",), traces=traces), **changes)  # type: ignore[arg-type]


def with_points(series: Series) -> Chart:
    points = Series()
    for index in range(9, len(series), 10):
        points.add(series.steps[index], 1.0 + 1 / (index + 1))
    traces = (Trace(series=series), Trace(series=points, kind="point", is_points=True))
    marks = tuple(Mark(x=float(step), character="◆") for step in range(50, len(series), 50))
    levels = (Level(value=1.0, name="usual"),)
    return Chart(titles=("Loss",), traces=traces, whole=400.0, levels=levels, marks=marks)


def drawn(chart: Chart, width: int = 60, height: int = 14) -> list[str]:
    plot = Plot()
    plot.draw(chart, width, height)
    assert {len(line) for line in plot.cells} == {width}
    assert len(plot.cells) == height
    return plot.cells


def body(cells: list[str]) -> list[str]:
    return [line[GUTTER:] for line in cells[1:-1]]


def test_a_chart_that_followed_a_run_equals_one_that_was_opened_afterwards() -> None:
    values = noisy(400)
    live, series = Plot(), Series()
    for step, value in enumerate(values, 1):
        series.add(step, value)
        if step % 3 == 0 or step == len(values):
            series.settle()
            live.draw(with_points(series), 60, 14)
    whole = Series()
    whole.extend(range(1, 401), values)
    whole.settle()
    assert live.cells == drawn(with_points(whole))


@settings(max_examples=60, deadline=None)
@given(
    points=st.lists(st.tuples(st.integers(0, 60), st.floats()), min_size=1, max_size=120),
    stops=st.lists(st.integers(1, 40), min_size=1, max_size=6),
    is_log=st.booleans(),
    size=st.tuples(st.integers(1, 70), st.integers(1, 20)),
)
def test_whatever_the_values_are_live_and_reopened_agree(
    points: list[tuple[int, float]], stops: list[int], is_log: bool, size: tuple[int, int]
) -> None:
    live, series, whole = Plot(), Series(), Series()
    places = [sum(stops[: at + 1]) for at in range(len(stops))]
    for place, (step, value) in enumerate(points, 1):  # steps go back, as those of a restarted run
        series.add(step, value)
        whole.add(step, value)
        if place in places or place == len(points):
            series.settle()
            live.draw(chart_of(series, is_log=is_log), *size)
    again = Plot()
    whole.settle()
    again.draw(chart_of(whole, is_log=is_log), *size)
    assert live.cells == again.cells
    assert len(again.cells) == size[1]


def test_a_new_point_changes_a_few_cells_only() -> None:
    series, plot = series_of(noisy(500, seed=1)), Plot()
    plot.draw(chart_of(series), 80, 20)
    areas = []
    for step in range(501, 601):
        series.add(step, 0.5)
        series.settle()
        areas.append(sum(region.area for region in plot.draw(chart_of(series), 80, 20)))
    assert sorted(areas)[95] <= 8
    assert plot.draw(chart_of(series), 80, 20) == []


def test_a_number_that_is_none_leaves_a_gap_with_a_mark() -> None:
    series = series_of([1.0] * 10 + [math.nan] * 10 + [2.0] * 20)
    cells = drawn(chart_of(series, whole=40.0), 48, 10)
    lines = body(cells)
    assert "×" in lines[0]
    column = lines[0].index("×") + 3
    assert all(line[column] in " ×" for line in lines)
    assert cells[1].lstrip().startswith("2│")


@pytest.mark.parametrize("values", [[], [math.nan], [math.inf, -math.inf]])
def test_no_numbers_are_no_curve_and_no_error(values: list[float]) -> None:
    assert "no values yet" in "\n".join(drawn(chart_of(series_of(values)), 48, 10))


def test_steps_that_are_no_numbers_are_no_curve() -> None:
    series = Series()
    series.add(math.inf, 1.0)
    assert body(drawn(chart_of(series), 48, 10))[0].strip() == ""


def test_the_memory_there_is_bounds_the_axis() -> None:
    series = series_of([15.0, 15.5, 15.5], first=0.0, by=10.0)
    cells = drawn(chart_of(series, base=0.0, ceiling=24.0, axis=TIME), 48, 12)
    assert cells[1].startswith("     24│")
    assert cells[-2].startswith("      0│")


@pytest.mark.parametrize("size", [(1, 1), (6, 2), (12, 3), (200, 3), (12, 60)])
def test_no_size_is_too_small(size: tuple[int, int]) -> None:
    drawn(with_points(series_of(noisy(100))), *size)


def test_marks_have_a_row_of_their_own_where_there_is_room_and_alerts_always_show() -> None:
    series = series_of([1.0 + i / 100 for i in range(100)])
    marks = (Mark(x=25.0, character="◆"), Mark(x=50.0, character="▲", kind="alert"))
    chart = chart_of(series, whole=100.0, marks=marks)
    tall = drawn(chart, 48, 10)
    assert tall[-2][GUTTER + 10] == "◆"
    assert tall[-2][GUTTER + 20] == "▲"
    assert "50" in tall[-1] or "100" in tall[-1]
    low = drawn(chart, 48, 6)
    assert "▲" in (low[-1][GUTTER + 20], low[-2][GUTTER + 20])
    assert "◆" not in "".join(low)


@pytest.mark.parametrize("at", range(0, 101, 2))
def test_marks_and_labels_of_the_axis_leave_each_other_whole(at: int) -> None:
    series = series_of([1.0 + i / 100 for i in range(100)])
    chart = chart_of(series, whole=100.0)
    labels = drawn(chart, 32, 6)[-1].split()
    assert labels[0] == "0" and labels[-1] == "100"
    marked = drawn(replace(chart, marks=(Mark(x=float(at), character="▲", kind="alert"),)), 32, 6)
    assert marked[-1].replace("▲", " ").split() == labels
    assert "".join(marked).count("▲") == 1
    column = (marked[-1] if "▲" in marked[-1] else marked[-2]).index("▲")
    assert abs(column - GUTTER - at * (32 - GUTTER - 1) / 100) <= 1


def test_a_mark_outside_of_the_axis_is_not_drawn() -> None:
    marks = tuple(Mark(x=x, character="◆") for x in (-5.0, 1e9, math.nan, math.inf, -math.inf))
    assert "◆" not in "".join(drawn(chart_of(series_of([1.0, 2.0]), marks=marks), 48, 12))


def test_lines_beside_each_other_are_told_apart_without_colour() -> None:
    one, other = series_of([1.0] * 100), series_of([2.0] * 100)
    traces = (
        Trace(series=one, kind="look0", marker="o"),
        Trace(series=other, kind="look1", marker="^"),
    )
    lines = body(drawn(Chart(titles=("Loss",), traces=traces), 60, 14))
    upper = next(y for y, line in enumerate(lines) if "^" in line)
    lower = next(y for y, line in enumerate(lines) if "o" in line)
    assert upper < lower
    assert lines[upper].count("^") >= 3
    assert "o" not in lines[upper]


def test_a_line_of_two_points_has_its_marker_too() -> None:
    trace = Trace(series=series_of([1.0, 2.0]), kind="look0", marker="x")
    chart = Chart(titles=("Loss",), traces=(trace, Trace(series=series_of([1.0] * 4000))))
    assert "x" in "".join(body(drawn(chart)))


def test_the_smoothed_line_stands_over_the_raw_one_even_without_colour() -> None:
    source = random.Random(5)
    raw = series_of([1.0 + source.random() for _ in range(400)])
    smooth = series_of([1.5] * 400)
    traces = (Trace(series=raw, kind="dim"), Trace(series=smooth, is_front=True, is_thick=True))
    cells = drawn(Chart(titles=("Loss",), traces=traces))
    line = next(line for line in cells if "━" in line)
    assert line.count("━") >= 45
    assert "=" in to_ascii(line)


def test_levels_are_drawn_where_nothing_else_is_and_carry_their_names() -> None:
    series = series_of([1.0] * 50 + [3.0] * 50)
    chart = chart_of(series, whole=400.0, levels=(Level(value=2.0, name="median"),))
    cells = drawn(chart)
    line = next(line for line in cells if "median" in line)
    assert line.count("┈") > 20
    assert not any("┈" in other for other in cells if other is not line)
    far = replace(chart, levels=(Level(value=50.0, name="clipped"),))
    assert "clipped" not in "".join(drawn(far))
    held = replace(chart, levels=(Level(value=50.0, name="predicted", is_held=True),))
    assert "predicted" in "".join(drawn(held))


def test_a_logarithmic_axis_shows_ratios_and_bears_zero() -> None:
    series = series_of([10.0 ** -(i / 25) for i in range(100)])
    rows = [line for line in drawn(chart_of(series, is_log=True), 60, 20) if "│" in line]
    labels = [row.partition("│")[0].strip() for row in rows if row.partition("│")[0].strip()]
    assert labels[0] == "1"
    assert float(labels[-1]) == pytest.approx(1e-4)
    first = next(row for row in rows if row[GUTTER : GUTTER + 1].strip())
    assert first is rows[0]
    zero = series_of([0.0, 1.0, 2.0, 0.5])
    assert "2│" in drawn(chart_of(zero, is_log=True), 60, 20)[1]
    negative = series_of([-2.0, -1.0])
    assert "-2│" in "".join(drawn(chart_of(negative, is_log=True), 60, 20))


def test_a_stretch_is_drawn_alone_and_by_its_own_bounds() -> None:
    series = series_of([100.0] * 10 + [1.0 + (i % 7) / 10 for i in range(990)])
    cells = drawn(chart_of(series, window=(500.0, 700.0), base=0.0), 80, 14)
    assert cells[-1].split() == ["500", "550", "600", "650", "700"]
    assert float(cells[1].partition("│")[0]) <= 2


def test_the_cursor_is_a_column() -> None:
    series = series_of([1.0 + i / 100 for i in range(100)])
    cells = body(drawn(chart_of(series, whole=100.0, cursor=50.0), 48, 12))
    assert all(line[20] != " " for line in cells)
    assert "50" in drawn(chart_of(series, whole=100.0, cursor=50.0), 48, 12)[-1].split()
    assert "1m07s" in drawn(chart_of(series, axis=TIME, cursor=67.0), 48, 12)[-1].split()
    outside = body(drawn(chart_of(series, whole=100.0, cursor=5e9), 48, 12))
    assert not any("│" in line for line in outside)


def frame(width: int = 10, height: int = 3) -> Frame:
    return Frame(
        width=width,
        height=height,
        x=Bounds(low=0, high=width * 2, step=width),
        y=Bounds(low=0, high=1, step=1),
    )


def test_points_far_apart_are_joined_by_a_line_not_by_bars() -> None:
    grid = CurveGrid(frame(), series_of([0.0, 1.0], first=0, by=19))
    grid.update()
    filled = [sum(bits.bit_count() for bits in column) for column in zip(*grid.bits, strict=True)]
    assert all(2 <= dots <= 6 for dots in filled)


def test_the_last_step_is_inside() -> None:
    series = series_of([0.0, 1.0], first=1, by=19)
    grid = CurveGrid(frame(), series)
    grid.update()
    assert grid.bits[0][9]
    assert list(point_cells(frame(), series)) == [(2, 0), (0, 9)]


def test_of_several_titles_the_one_that_fits_whole_is_shown() -> None:
    titles = ("memory 21.3 of 23.9 GiB", "mem 21.3/23.9", "mem")
    for width, title in ((24, titles[0]), (23, titles[1]), (10, titles[2])):
        assert drawn(Chart(titles=titles), width, 6)[0].strip() == title


@pytest.mark.parametrize(
    "name", ["損失の値", "e\u0301valuate", "\x1b[31mred\x07", "a\u202eb", "👩‍👩‍👧 x", "", "x" * 9999]
)
def test_a_name_of_others_takes_the_columns_that_it_takes(name: str) -> None:
    for width in range(1, 30):
        plot = Plot()
        plot.draw(Chart(titles=(name,), traces=(Trace(series=series_of([1.0, 2.0])),), note="log"), width, 6)
        assert all(len(row) == width for row in plot.rows)
        shown = plot.cells[0]
        assert cell_len(shown) == width
        assert not any(ord(character) < 32 or character == "\u202e" for character in shown)


def test_a_note_is_shown_where_there_is_room() -> None:
    chart = Chart(titles=("Loss",), note="by tokens")
    assert drawn(chart, 40, 6)[0].rstrip().endswith("by tokens")
    assert "tokens" not in drawn(chart, 12, 6)[0]
