"""A series folds any stretch to its extremes, keeps what is not finite, and lets the last value win."""

from __future__ import annotations

import math
import random

import pytest

from tui_ft.watch.series import Series


def filled(values: list[float]) -> Series:
    series = Series()
    for step, value in enumerate(values, 1):
        series.add(step, value)
    series.settle()
    return series


@pytest.mark.parametrize("count", [1, 15, 16, 17, 255, 256, 257, 4097])
def test_extent_of_any_stretch_is_that_of_its_values(count: int) -> None:
    source = random.Random(count)
    values = [source.gauss(0, 1) if source.random() > 0.01 else math.nan for _ in range(count)]
    series = filled(values)
    for _ in range(60):
        start = source.randrange(count)
        end = source.randrange(start, count + 1)
        finite = [value for value in values[start:end] if math.isfinite(value)]
        assert series.extent(start, end) == ((min(finite), max(finite)) if finite else None)
        assert series.has_gap(start, end) == (len(finite) < end - start)


def test_values_that_are_not_finite_are_kept_but_bound_nothing() -> None:
    series = filled([1.0, math.nan, math.inf, -math.inf, 3.0])
    assert len(series) == 5
    assert series.nonfinite == 3
    assert series.extent() == (1.0, 3.0)


def test_a_step_that_comes_again_replaces_its_value_and_the_folds_above_it() -> None:
    series = filled([float(value) for value in range(1000)])
    series.add(500, -7.0)
    series.settle()
    assert len(series) == 1000
    assert series.extent() == (-7.0, 999.0)
    assert series.last == (500.0, -7.0)
    assert series.rewrites == 1


def test_a_step_that_was_left_out_is_put_in_its_place() -> None:
    series = Series()
    series.extend([10, 20, 40], [1.0, math.nan, 3.0])
    series.add(30, math.inf)
    series.settle()
    assert list(series.steps) == [10, 20, 30, 40]
    assert [series.has_gap(at, at + 1) for at in range(4)] == [False, True, True, False]


def test_extending_by_many_equals_adding_one_by_one() -> None:
    many, one = Series(), Series()
    steps, values = [1, 2, 5, 4, 4, 9], [1.0, 2.0, math.nan, 4.0, 4.5, 0.0]
    many.extend(steps, values)
    for step, value in zip(steps, values, strict=True):
        one.add(step, value)
    assert list(many.steps) == list(one.steps) == [1, 2, 4, 5, 9]
    assert many.values[2] == 4.5
    assert many.nonfinite == one.nonfinite == 1
