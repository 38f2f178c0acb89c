"""Whatever a foreign run logs, under whatever names and times: its charts are drawn, and hold no control."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from series_made import reading_of

from tui_ft.tui.panel_charts import ChartMaker, Scene
from tui_ft.tui.widgets.plot import Plot
from tui_ft.watch.marks import marks_of
from tui_ft.watch.panels import panels_of
from tui_ft.watch.reading import Reading
from tui_ft.watch.ruler import Ruler
from tui_ft.watch.series import Series
from tui_ft.watch.view import View, Zoom

NAMES = st.sampled_from([
    "loss", "eval_loss", "grad_norm", "tokens", "rewards/chosen", "rewards/rejected", "eval_", "eval_ ", "",
    " ", "\x1b[2J", "a\r\nb", "損失", "gpu_memory_gib", "memory", "x" * 300, "\u202e", "_1", "gpu_power_w_1",
])  # fmt: skip
VALUES = st.lists(st.floats() | st.sampled_from([0.0, 1e308, -1e308, 5e-324]), max_size=40)
PLACES = st.floats() | st.integers(-5, 60).map(float)


def series_at(values: list[float], first: int) -> Series:
    series = Series()
    for place, value in enumerate(values):
        series.add(float(first + place), value)
    series.settle()
    return series


@st.composite
def readings(draw: st.DrawFn) -> Reading:
    series = {name: series_at(draw(VALUES), draw(st.integers(0, 9))) for name in draw(st.sets(NAMES))}
    hardware = {name: series_at(draw(VALUES), 0) for name in draw(st.sets(NAMES, max_size=4))}
    return reading_of(
        series={name: one for name, one in series.items() if len(one)},
        times=series_at(draw(VALUES), 0),
        hardware_series=hardware,
        hardware_origin=draw(st.none() | st.floats()),
        started_at=draw(st.none() | st.floats()),
        checkpoint_steps=tuple(draw(st.lists(PLACES, max_size=3))),
        restart_steps=tuple(draw(st.lists(PLACES, max_size=3))),
        total_steps=draw(st.none() | st.integers(-5, 10**30)),
        settings={"max_grad_norm": draw(st.floats() | st.booleans() | st.text(max_size=3))},
    )


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    reading=readings(),
    x=st.sampled_from(["step", "time", "tokens"]),
    is_log=st.booleans(),
    smoothing=st.sampled_from([0.0, 0.9]),
    zoom=st.none() | st.tuples(st.floats(-1e12, 1e12), st.floats(1e-3, 1e12)),
    cursor=st.none() | PLACES,
    size=st.tuples(st.integers(1, 70), st.integers(1, 16)),
)
def test_any_run_under_any_view_is_drawn(
    reading: Reading,
    x: str,
    is_log: bool,
    smoothing: float,
    zoom: tuple[float, float] | None,
    cursor: float | None,
    size: tuple[int, int],
) -> None:
    ruler = Ruler(reading)
    used = x if ruler.knows(x) else "step"  # type: ignore[arg-type]
    stretch = Zoom(low=zoom[0], span=zoom[1], follows=True) if zoom is not None else None
    view = View(x=used, log_y=is_log, smoothing=smoothing, zoom=stretch, cursor=cursor)  # type: ignore[arg-type]
    maker, panels = ChartMaker(), panels_of(reading)
    maker.store.begin()
    scene = Scene(
        view=view, x=view.x, extent=maker.extent(panels, view.x), readings=(reading,), ruler=ruler,
        marks=marks_of(reading), is_ascii=True,
    )  # fmt: skip
    for panel in panels:
        chart, plot = maker.chart(panel, scene, is_first=True, is_chosen=False), Plot()
        plot.draw(chart, *size)
        plot.draw(replace(chart, is_chosen=True), *size)
        assert [len(row) for row in plot.rows] == [size[0]] * size[1]
        assert not any(ord(letter) < 32 or letter in "\x7f\x9b\u202e" for letter in "".join(plot.cells))
