"""The smoothed line is TensorBoard's, whether it is made at once or piece by piece."""

from __future__ import annotations

import math
import random

import pytest

from tui_ft.watch.series import Series
from tui_ft.watch.smoothing import Smoothed


def tensorboards(values: list[float], weight: float) -> list[float]:
    """TensorBoard's own loop (vz_line_chart2/line-chart.ts, `resmooth`), but for curves that are constant."""
    last, count, out = 0.0, 0, []
    for value in values:
        if not math.isfinite(value):
            out.append(value)
            continue
        last = last * weight + (1 - weight) * value
        count += 1
        out.append(last / (1 - weight**count))
    return out


def noisy(count: int) -> list[float]:
    source = random.Random(5)
    return [math.nan if source.random() < 0.02 else source.gauss(2, 1) for _ in range(count)]


@pytest.mark.parametrize("weight", [0.0, 0.6, 0.9, 0.97, 0.999])
def test_it_is_the_average_that_tensorboard_draws(weight: float) -> None:
    values = noisy(9000)
    series = Series()
    smoothed = Smoothed(series, weight)
    for start in range(0, 9000, 700):
        part = values[start : start + 700]
        series.extend(range(start, start + len(part)), part)
        assert smoothed.update(1.0)
    assert list(smoothed.values) == pytest.approx(tensorboards(values, weight), nan_ok=True, rel=1e-9)
    assert list(smoothed.steps) == list(series.steps)
    assert smoothed.nonfinite == series.nonfinite
    assert smoothed.rewrites == 0


def test_it_stops_when_its_time_is_over_and_goes_on_the_next_time() -> None:
    series = Series()
    series.extend(range(50_000), [float(step) for step in range(50_000)])
    smoothed = Smoothed(series, 0.9)
    assert not smoothed.update(0.0)
    assert 0 < len(smoothed) < 50_000
    while not smoothed.update(0.0):
        pass
    assert len(smoothed) == 50_000
    assert smoothed.last is not None
    assert smoothed.last == pytest.approx((49_999.0, 49_990.0))


def test_a_restart_that_wrote_steps_again_smooths_anew() -> None:
    series = Series()
    series.extend([1, 2, 3, 4], [1.0, 1.0, 9.0, 9.0])
    smoothed = Smoothed(series, 0.5)
    smoothed.update()
    series.extend([3, 4, 5], [1.0, 1.0, 1.0])
    assert smoothed.update()
    assert list(smoothed.values) == [1.0] * 5
    assert smoothed.rewrites == 1


def test_numbers_too_large_to_average_do_not_silence_the_rest() -> None:
    series = Series()
    series.extend(range(5000), [1.7e308] * 4096 + [1.0] * 904)
    smoothed = Smoothed(series, 0.6)
    assert smoothed.update()
    assert smoothed.extent(4990, 5000) is not None


@pytest.mark.parametrize("weight", [-1.0, 1.0, 2.0])
def test_a_weight_out_of_bounds_is_the_nearest_that_is_one(weight: float) -> None:
    series = Series()
    series.extend([1, 2], [1.0, 3.0])
    smoothed = Smoothed(series, weight)
    assert smoothed.update()
    assert all(1.0 <= value <= 3.0 for value in smoothed.values)
