"""The grid of charts and its keys: layout, zoom, cursor, axes, smoothing, memory, small repaints."""

from __future__ import annotations

from dataclasses import replace

import pytest
from chart_world import START, STEPS, GridApp, press, run_of, text
from series_made import reading_of, series_of
from textual.geometry import Region

from tui_ft.tui.terminal import to_ascii
from tui_ft.tui.widgets.grid_layout import grid_places
from tui_ft.tui.widgets.panel_grid import PanelGrid
from tui_ft.watch.compare_panels import compared_panels
from tui_ft.watch.view import View, Zoom


async def test_three_panels_stand_at_first_the_main_one_larger() -> None:
    app = GridApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        app.grid.show(run_of())
        assert app.grid.seen == ["loss", "grad_norm", "learning_rate"]
        places = dict(app.grid._placed)
        assert places["loss"].width > places["grad_norm"].width
        assert places["loss"].height == 24
        assert "● eval loss" in text(app)
        assert {len(app.grid.render_line(y).text) for y in range(24)} == {80}


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (60, 15), (200, 60), (30, 8), (1, 1)])
@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 7, 12])
def test_charts_never_overlap_and_leave_no_hole(size: tuple[int, int], count: int) -> None:
    places = grid_places(count, *size)
    assert 1 <= len(places) <= count
    whole = Region(0, 0, *size)
    for at, place in enumerate(places):
        assert whole.contains_region(place)
        assert not any(place.overlaps(other) for other in places[at + 1 :])
        assert place.width >= min(24, size[0])
        assert place.height >= min(4, size[1])
    for y in range(size[1]):
        row = [place for place in places if place.y <= y < place.bottom]
        assert sum(place.width for place in row) + len(row) - 1 == size[0]


async def test_zoom_pan_and_whole() -> None:
    app = GridApp()
    async with app.run_test(size=(120, 30)) as pilot:
        await pilot.pause()
        app.grid.show(run_of())
        assert app.grid.chart("loss").frame.x.high == 400
        await press(pilot, "left")
        assert "zooms in" in app.charts.said[-1]
        await press(pilot, "plus", "plus")
        assert (app.grid.view.zoom, app.grid.chart("loss").frame.x.low) == (
            Zoom(low=300, span=100, follows=True),
            300,
        )
        assert "from step 300" in text(app)
        await press(pilot, "left", "left")
        assert app.grid.chart("grad_norm").frame.x.low == 250
        await press(pilot, "shift+left")
        assert app.grid.chart("loss").frame.x.low == 150
        await press(pilot, "shift+right", "shift+right", "shift+right")
        assert app.grid.chart("loss").frame.x.high >= 400
        await press(pilot, "minus")
        assert app.grid.chart("loss").frame.x.span == 200
        await press(pilot, "0")
        assert app.grid.view.zoom is None


async def test_a_zoom_to_the_newest_points_goes_on_with_them() -> None:
    app, reading = GridApp(), run_of()
    async with app.run_test(size=(120, 30)) as pilot:
        await pilot.pause()
        app.grid.show(reading)
        await press(pilot, "plus", "plus", "plus")
        assert app.grid.chart("loss").frame.x.high == 400
        for step in range(401, 420):
            reading.series["loss"].add(step, 1.0)
        app.grid.show(reading)
        assert app.grid.chart("loss").frame.x.high >= 419


async def test_hardware_is_zoomed_to_the_same_stretch() -> None:
    app = GridApp()
    async with app.run_test(size=(120, 30)) as pilot:
        await pilot.pause()
        app.grid.show(run_of())
        app.grid.reveal("gpu_power_w")
        assert app.grid.chart("gpu_power_w").frame.x.low == 0
        app.grid.view = replace(app.grid.view, zoom=Zoom(low=100, span=100))
        bounds = app.grid.chart("gpu_power_w").frame.x
        assert (bounds.low, bounds.high) == (pytest.approx(300), pytest.approx(600))


async def test_the_cursor_shows_exact_values_of_all_panels() -> None:
    app, reading = GridApp(), run_of()
    async with app.run_test(size=(120, 30)) as pilot:
        await pilot.pause()
        app.grid.show(reading)
        await press(pilot, "c")
        assert app.grid.view.cursor == 400
        await press(pilot, "left")
        at = app.grid.view.cursor
        assert at is not None
        assert 390 <= at < 400
        place = reading.series["grad_norm"].index(at)
        assert f"Gradient norm {reading.series['grad_norm'].values[place]:.7g}" in text(app)
        assert f"at step {at:.0f}" in text(app)
        await press(pilot, "shift+left")
        assert app.grid.view.cursor <= at - 9
        await press(pilot, "plus", "plus", "plus", "plus")
        low, high = app.grid.view.zoom.window(400)
        assert low <= app.grid.view.cursor <= high
        before = app.grid.view.cursor
        await press(pilot, "right")
        assert app.grid.view.cursor == before + 1
        assert app.grid.escape()
        assert app.grid.view.cursor is None


async def test_the_cursor_always_moves_until_the_ends() -> None:
    app = GridApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        app.grid.show(reading_of(series={"loss": series_of([1.0, 2.0, 3.0], by=1000)}))
        await press(pilot, "c")
        seen = [app.grid.view.cursor]
        for _ in range(4):
            await press(pilot, "left")
            seen.append(app.grid.view.cursor)
        assert seen == [2001, 1001, 1, 1, 1]
        await press(pilot, "right")
        assert app.grid.view.cursor == 1001


async def test_the_cursor_moves_under_a_panel_of_the_hardware_too() -> None:
    app = GridApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        app.grid.show(run_of())
        app.grid.reveal("gpu_power_w")
        await press(pilot, "m", "c", "left")
        assert app.grid.seen == ["gpu_power_w"]
        assert app.grid.view.cursor < 400
        assert "GPU power, W 2" in text(app)
        everything = frozenset(panel.key for panel in app.grid.panels)
        app.grid.view = View(shown=frozenset({"gpu_power_w"}), hidden=everything - {"gpu_power_w"})
        await press(pilot, "plus")
        assert app.grid.chart("gpu_power_w").frame.x.low == pytest.approx(600)


async def test_the_axis_goes_through_what_the_run_knows() -> None:
    app = GridApp()
    async with app.run_test(size=(120, 30)) as pilot:
        await pilot.pause()
        app.grid.show(run_of())
        for x, high, shown in (("time", 1200, "20m"), ("tokens", 250_000, "250k"), ("step", 400, "400")):
            await press(pilot, "x")
            assert app.grid.view.x == x
            assert app.grid.chart("loss").frame.x.high == high
            assert shown in app.grid.chart("loss").cells[-1]
        app.grid.show(run_of(times=series_of([])))
        await press(pilot, "x")
        assert app.grid.view.x == "tokens"
        app.grid.show(reading_of(series={"loss": series_of([1.0, 2.0])}))
        assert app.grid.chart("loss").frame.x.low in (0, 1)
        await press(pilot, "x")
        assert "Only steps" in app.charts.said[-1]


async def test_a_live_run_by_time_equals_one_that_was_opened_afterwards() -> None:
    live, later = GridApp(), GridApp()
    view = View(x="time", smoothing=0.9)
    async with live.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        live.grid.view = view
        reading = run_of(2)
        whole = run_of()
        for step in range(3, STEPS + 1):
            for name in ("loss", "grad_norm", "learning_rate", "tokens"):
                reading.series[name].add(step, whole.series[name].values[step - 1])
                reading.series[name].settle()
            reading.times.add(step, START + 3 * step)
            reading.times.settle()
            if step % 7 == 0 or step == STEPS:
                reading = replace(reading, series={**reading.series, "eval_loss": whole.series["eval_loss"]})
                live.grid.show(reading)
        followed = [live.grid.chart(key).cells for key in live.grid.seen]
    async with later.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        later.grid.view = view
        later.grid.show(run_of())
        assert [later.grid.chart(key).cells for key in later.grid.seen] == followed


async def test_smoothing_is_drawn_over_the_raw_line() -> None:
    app = GridApp(is_ascii=True)
    async with app.run_test(size=(120, 30)) as pilot:
        await pilot.pause()
        app.grid.show(run_of())
        assert "━" not in text(app)
        for weight in (0.6, 0.9, 0.97):
            await press(pilot, "a")
            assert app.grid.view.smoothing == weight
            assert f"smoothed {weight}" in text(app)
        assert "━" in text(app)
        await press(pilot, "a")
        assert "━" not in text(app)


async def test_a_logarithmic_axis_is_for_what_was_trained_not_for_the_box() -> None:
    app = GridApp()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        app.grid.show(run_of())
        app.grid.reveal("gpu_power_w")
        await press(pilot, "y")
        assert app.grid.chart("loss").frame.y.is_log
        assert not app.grid.chart("gpu_power_w").frame.y.is_log
        assert "log" in text(app).splitlines()[0]


async def test_panels_are_chosen_and_maximised() -> None:
    app = GridApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        app.grid.show(run_of())
        assert "▸" not in text(app)
        await press(pilot, "right_square_bracket")
        assert "▸Loss" in text(app)
        await press(pilot, "right_square_bracket", "m")
        assert app.grid.seen == ["grad_norm"]
        assert app.grid.chart("grad_norm").frame.width == 80 - 8
        await press(pilot, "left_square_bracket")
        assert app.grid.seen == ["loss"]
        assert app.grid.escape()
        assert len(app.grid.seen) == 3
        assert not app.grid.escape()


async def test_of_more_panels_than_fit_the_chosen_one_is_always_seen() -> None:
    app = GridApp()
    names = [f"metric_{place:02d}" for place in range(20)]
    reading = reading_of(series={name: series_of([1.0, 2.0]) for name in names})
    async with app.run_test(size=(80, 11)) as pilot:
        await pilot.pause()
        app.grid.view = View(shown=frozenset(names))
        app.grid.show(reading)
        assert "more: ]" in text(app)
        for _ in range(25):
            await press(pilot, "right_square_bracket")
            assert app.grid.view.chosen in app.grid.seen
            assert len(app.grid.seen) > 1
        assert app.grid.reveal("metric_19")
        assert "metric_19" in app.grid.seen
        assert not app.grid.reveal("no such series")


async def test_a_new_point_repaints_a_few_cells() -> None:
    app, reading = GridApp(), run_of()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        app.grid.show(reading)
        await pilot.pause()
        painted: list[Region] = []
        refresh = app.grid.refresh

        def noting(*regions: Region, **options: bool) -> PanelGrid:
            painted.extend(regions or [app.grid.size.region])
            return refresh(*regions, **options)

        app.grid.refresh = noting  # type: ignore[method-assign,assignment]
        areas = []
        for step in range(401, 441):
            for name in ("loss", "grad_norm", "learning_rate"):
                reading.series[name].add(step, reading.series[name].values[step - 2])
                reading.series[name].settle()
            app.grid.show(reading)
            areas.append(sum(region.area for region in painted))
            painted.clear()
        assert sorted(areas)[36] <= 60
        app.grid.show(reading)
        assert painted == []


async def test_an_approximate_curve_says_so_in_every_chart() -> None:
    app = GridApp()
    async with app.run_test(size=(120, 30)) as pilot:
        await pilot.pause()
        app.grid.show(run_of(is_approximate=True))
        assert text(app).count("≈ ") == 3
        assert "approximate" in text(app)
        app.grid.show(run_of())
        assert "≈" not in text(app)


async def test_several_runs_are_laid_over_each_other_along_their_own_time() -> None:
    one, other = run_of(path="/a"), run_of(200, path="/b", started_at=START - 3600)
    app = GridApp(is_ascii=True)
    async with app.run_test(size=(120, 30)) as pilot:
        await pilot.pause()
        app.grid.show_panels(compared_panels([one, other], {"/a": 0, "/b": 2}), [one, other])
        cells = "\n".join(app.grid.chart("loss").cells)
        assert "A" in cells
        assert "C" in cells
        assert "capitals: training, small: evaluation" in cells
        await press(pilot, "x", "plus", "c", "left", "a")
        assert app.grid.view.x == "time"
        assert len(app.grid.picture()()) == len(app.grid.visible_panels())
        names = {trace.name for trace in app.grid.picture()()[0].traces}
        assert names == {"run"}


async def test_a_run_that_cannot_be_drawn_along_an_axis_is_said() -> None:
    one, other = run_of(path="/a"), run_of(path="/b", times=series_of([]))
    app = GridApp()
    async with app.run_test(size=(160, 30)) as pilot:
        await pilot.pause()
        app.grid.show_panels(compared_panels([one, other], {"/a": 0, "/b": 2}), [one, other])
        await press(pilot, "x")
        assert "1 of 2 runs without time" in text(app)
        await press(pilot, "x")
        assert "without" not in text(app)


async def test_values_without_a_place_on_a_logarithmic_axis_are_told() -> None:
    app = GridApp()
    async with app.run_test(size=(120, 30)) as pilot:
        await pilot.pause()
        app.grid.show(reading_of(series={"a": series_of([0.0, -1.0, 5.0]), "b": series_of([-1.0, -2.0])}))
        assert "bottom" not in text(app)
        await press(pilot, "y")
        assert "a (log: 0 and below at the bottom)" in text(app)
        assert "b (nothing above 0: not log)" in text(app)


async def test_evaluations_and_checkpoints_differ_in_ascii_too() -> None:
    app = GridApp(is_ascii=True)
    async with app.run_test(size=(120, 30)) as pilot:
        await pilot.pause()
        app.grid.show(run_of())
        cells = to_ascii("\n".join(app.grid.chart("loss").cells))
        assert "@" in cells
        assert "o" in cells.splitlines()[-2]
        assert "@" not in cells.splitlines()[-2]


async def test_a_run_that_is_over_has_no_values_not_yet() -> None:
    app = GridApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        app.grid.show(reading_of(series={}, status="finished"))
        assert "no values" in text(app)
        assert "yet" not in text(app)
