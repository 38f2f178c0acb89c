"""Axes: round, seldom moving, and a function of the data alone."""

from __future__ import annotations

import math

import pytest

from tui_ft.watch.scales import (
    log_bounds,
    number_label,
    steady_label,
    step_label,
    step_window,
    time_label,
    time_window,
    x_bounds,
    y_bounds,
)


def test_the_x_window_grows_in_few_round_steps() -> None:
    windows = [x_bounds(1, last).high for last in range(1, 10_001)]
    assert all(window >= last for last, window in enumerate(windows, 1))
    assert len(set(windows)) <= 34
    assert windows == sorted(windows)


def test_the_x_window_never_goes_beyond_the_whole_run() -> None:
    assert x_bounds(1, 140, whole=150).high == 150
    assert x_bounds(1, 140, whole=100_000).high == 160
    assert x_bounds(1, 140, whole=100).high == 160  # a total that was passed is no bound


def test_labels_of_the_x_axis_are_whole_numbers() -> None:
    for last in (7, 99, 150, 167, 1_234, 56_789):
        assert all(tick.is_integer() for tick in x_bounds(1, last, whole=float(last)).ticks())
    assert x_bounds(900, 1000).low == 900


def test_the_y_bounds_hold_the_data_and_move_seldom() -> None:
    lows = [3.2 * 0.99**i for i in range(300)]
    bounds = [y_bounds(low, 3.3) for low in lows]
    assert all(each.low <= low and each.high >= 3.3 for each, low in zip(bounds, lows, strict=True))
    assert len(set(bounds)) < 20


@pytest.mark.parametrize(("low", "high"), [(0.0, 0.0), (5.0, 5.0), (-1e-9, 1e-9), (1e12, 1e12 + 1), (-3, 8)])
def test_the_y_bounds_are_never_empty(low: float, high: float) -> None:
    bounds = y_bounds(low, high)
    assert bounds.low < bounds.high
    assert bounds.low <= low
    assert bounds.high >= high


def test_labels_fit_their_width_and_say_what_is_not_finite() -> None:
    for value in (0.0, 1.5, -12345.678, 2e-4, 1.234e-12, -9.87e300, 99999.5):
        assert len(number_label(value)) <= 7
    assert number_label(math.nan) == "NaN"
    assert number_label(-math.inf) == "-Inf"
    assert steady_label(1.5) == "1.500"
    assert steady_label(math.inf) == "Inf"


def test_labels_of_steps_and_times() -> None:
    assert [step_label(value) for value in (0, 950, 12_500, 1.2e6)] == ["0", "950", "12.5k", "1.2M"]
    assert [time_label(value) for value in (0, 45, 720, 5_400, 172_800)] == ["0", "45s", "12m", "1.5h", "2d"]
    assert time_window(61) == 120
    assert time_window(90_000) >= 90_000
    assert step_window(10.5) == 12.5


def test_a_flat_line_has_labels_that_differ() -> None:
    for value in (1e-4, 3e-6, 0.5, 1234.5, -2e-5):
        ticks = y_bounds(value, value).ticks()
        labels = [number_label(tick) for tick in ticks]
        assert len(set(labels)) == len(labels) >= 2
        assert min(ticks) <= value + abs(value) * 1e-9
        assert max(ticks) >= value


def test_few_points_have_a_short_axis() -> None:
    assert x_bounds(0, 4).high == 4
    assert x_bounds(0, 5).high == 5
    assert x_bounds(0, 7).high == 8
    assert x_bounds(0, 9).high == 10


@pytest.mark.parametrize(("low", "high"), [(2.0, 5.0), (1.0, 2.0), (0.5, 1.0), (5e-5, 1e-4), (1.0, 10.0)])
def test_a_logarithmic_axis_has_labels_between_its_ends(low: float, high: float) -> None:
    ticks = log_bounds(low, high).ticks()  # type: ignore[union-attr]
    assert len(ticks) >= 3
    assert ticks == sorted(ticks)
