"""A series folds any stretch to its extremes, keeps what is not finite, and lets the last value win."""

from __future__ import annotations

import math
import random
from array import array
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui_ft.watch import series as series_module
from tui_ft.watch.marks import MarkKeeper
from tui_ft.watch.reading import Reading
from tui_ft.watch.series import MOST_INSERTED, Series
from tui_ft.watch.steps import StepBatch, Steps
from tui_ft.watch.values import Values

ONE_FLOAT32 = 2.0**-23
"""The relative distance of two neighbours in float32 (IEEE 754)."""


def filled(values: list[float]) -> Series:
    series = Series()
    for step, value in enumerate(values, 1):
        series.add(step, value)
    series.settle()
    return series


def noise(count: int, seed: int = 3) -> list[float]:
    source = random.Random(seed)
    return [source.gauss(2, 1) for _ in range(count)]


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
    assert series.extent(448, 512) == (-7.0, 511.0)
    assert series.last == (500.0, -7.0)
    assert series.rewrites == 1


def test_a_step_that_was_left_out_is_put_in_its_place() -> None:
    series = Series()
    series.extend([10, 20, 40], [1.0, math.nan, 3.0])
    series.add(30, math.inf)
    series.settle()
    assert list(series.steps) == [10, 20, 30, 40]
    assert [series.has_gap(at, at + 1) for at in range(4)] == [False, True, True, False]


def test_a_step_that_is_no_number_is_no_point() -> None:
    series = Series()
    series.extend([1, math.nan, 2, math.inf], [1.0, 2.0, 3.0, 4.0])
    series.add(math.nan, 5.0)
    assert list(series.steps) == [1, 2]
    assert series.last == (2.0, 3.0)


def test_more_values_than_steps_are_refused() -> None:
    with pytest.raises(ValueError, match="2 steps and 1 values"):
        Series().extend([1, 2], [1.0])


# --- against a dictionary ----------------------------------------------------------------------------

_VALUES = st.one_of(
    st.floats(-1e6, 1e6), st.sampled_from([math.nan, math.inf, -math.inf, 0.0, 1e300, 1e-300])
)
_STEPS = st.one_of(st.integers(0, 60), st.floats(0, 60), st.sampled_from([math.nan, math.inf]))
_RANGES = st.tuples(st.integers(0, 500), st.integers(1, 4), st.integers(1, 120))


@st.composite
def _batches(draw: st.DrawFn) -> tuple[list[float], list[float]]:
    if draw(st.booleans()):
        points = draw(st.lists(st.tuples(_STEPS, _VALUES), max_size=12))
        return [step for step, _ in points], [value for _, value in points]
    first, stride, count = draw(_RANGES)
    values = noise(count, draw(st.integers(0, 9)))
    return [float(first + stride * at) for at in range(count)], values


def _same(one: Sequence[float], other: Sequence[float], *, slack: float = 0.0) -> bool:
    return len(one) == len(other) and all(
        a == b or (math.isnan(a) and math.isnan(b)) or (math.isfinite(a) and abs(a - b) <= _off(b, slack))
        for a, b in zip(one, other, strict=True)
    )


def _off(value: float, slack: float) -> float:
    """How far a kept value may be from the one that was given; float32 has nothing below 1.2e-38."""
    return slack * abs(value) + (1.2e-38 if slack else 0.0)


@given(st.lists(_batches(), max_size=8), st.booleans())
def test_a_series_is_a_dictionary_in_the_order_of_its_steps(
    batches: list[tuple[list[float], list[float]]], is_long: bool
) -> None:
    known: dict[float, float] = {}
    has_new_between = False
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(series_module, "LONG", 128 if is_long else 10**9)
        series = Series()
        for steps, values in batches:
            series.extend(steps, values)
            series.settle()
            for step, value in zip(steps, values, strict=True):
                if math.isfinite(step):
                    has_new_between |= step not in known and bool(known) and step < max(known)
                    known[step] = value
    ordered = sorted(known)
    expected = [known[step] for step in ordered]
    slack = ONE_FLOAT32 if series.values.is_narrow or is_long else 0.0
    assert list(series.steps) == ordered
    assert _same(list(series.values), expected, slack=slack)
    assert series.nonfinite == sum(not math.isfinite(value) for value in expected)
    finite = [value for value in expected if math.isfinite(value)]
    assert (series.extent() is None) == (not finite)
    for start, end in ((0, len(ordered)), (5, 100), (64, 128), (100, 101)):
        part = [value for value in expected[start:end] if math.isfinite(value)]
        extent = series.extent(start, end)
        assert (extent is None) == (not part)
        assert extent is None or _same(extent, (min(part), max(part)), slack=slack)
    if ordered:
        assert series.first is not None
        assert _same(series.first, (ordered[0], expected[0]), slack=0.0 if not has_new_between else slack)
        for step in (ordered[0] - 1, ordered[0], ordered[len(ordered) // 2] + 0.5, ordered[-1] + 1):
            assert series.index(step) == sum(known_step < step for known_step in ordered)


@given(st.lists(_STEPS, max_size=40), st.floats(-10, 80))
def test_steps_are_what_was_given_even_or_not(steps: list[float], sought: float) -> None:
    upwards = sorted({float(step) for step in steps if math.isfinite(step)})
    made = Steps()
    for at in range(0, len(upwards), 3):
        batch = StepBatch(upwards[at : at + 3])
        assert made.holds(batch, len(made)) == (not len(batch))
        made.extend(batch)
        assert made.holds(batch, at)
    assert list(made) == upwards
    assert list(made[1:4]) == upwards[1:4]
    assert made.index(sought) == sum(step < sought for step in upwards)
    assert list(made.copy(len(upwards) // 2)) == upwards[: len(upwards) // 2]


@pytest.mark.parametrize("stride", [1, 3, 10, 1000])
def test_even_steps_cost_nothing_however_many(stride: int) -> None:
    steps = Steps()
    for start in range(0, 100_000, 1000):
        steps.extend(StepBatch([step * stride for step in range(start, start + 1000)]))
    assert steps.stride == stride
    assert (len(steps), steps[-1], steps[77_777]) == (100_000, 99_999.0 * stride, 77_777.0 * stride)
    assert steps.index(50_000 * stride + 1e-6) == 50_001


# --- long series -------------------------------------------------------------------------------------

LENGTH = 70_000


def long_series(values: list[float]) -> Series:
    series = Series()
    for start in range(0, len(values), 1000):
        part = values[start : start + 1000]
        series.extend(range(start, start + len(part)), part)
        series.settle()
    return series


def test_a_long_series_is_half_as_large_and_its_bounds_are_exact() -> None:
    values = noise(LENGTH)
    series = long_series(values)
    assert series.values.is_narrow
    assert series.extent() == (min(values), max(values))
    assert series.extent(640, 6400) == (min(values[640:6400]), max(values[640:6400])), "whole blocks"
    assert (series.first, series.last) == ((0.0, values[0]), (LENGTH - 1.0, values[-1]))
    assert series.extent(1000, 1010) == pytest.approx(
        (min(values[1000:1010]), max(values[1000:1010])), rel=ONE_FLOAT32
    )


def test_the_bounds_stay_exact_when_a_restart_writes_the_extremes_again() -> None:
    values = noise(LENGTH)
    series = long_series(values)
    lowest, highest = values.index(min(values)), values.index(max(values))
    for at in (lowest, highest, 0):
        values[at] = 2.000000001
    rewritten = sorted({*range(lowest, lowest + 64), *range(highest, highest + 64), 0})
    rewritten = [at for at in rewritten if at < LENGTH]
    series.extend(rewritten, [values[at] for at in rewritten])
    series.settle()
    assert series.extent() == (min(values), max(values))
    assert series.first == (0.0, 2.000000001)


@pytest.mark.parametrize("first", [0, 30_000, 30_001, 69_900])
def test_a_resumed_run_that_writes_its_steps_again_is_taken_in_long_stretches(first: int) -> None:
    values = noise(LENGTH)
    series = long_series(values)
    for start in range(first, LENGTH + 5_000, 1000):
        part = [3.0 + value / 7 for value in noise(1000, start)]
        part[17] = math.nan
        values[start : start + 1000] = part
        series.extend(range(start, start + 1000), part)
        series.settle()
    assert len(series) == len(values)
    finite = [value for value in values if math.isfinite(value)]
    assert series.extent() == (min(finite), max(finite))
    assert series.nonfinite == len(values) - len(finite)
    assert _same(list(series.values), values, slack=ONE_FLOAT32)
    assert (series.first, series.last) == ((0.0, values[0]), (len(values) - 1.0, values[-1]))
    assert series.rewrites <= 75, "one for each stretch"


@pytest.mark.parametrize("odd", [1e39, -1e300, 1e-40])
def test_numbers_that_float32_cannot_hold_keep_a_long_series_wide(odd: float) -> None:
    values = noise(LENGTH) if abs(odd) > 1 else [odd * value for value in noise(LENGTH)]
    values[LENGTH - 700] = odd
    series = long_series(values)
    assert not series.values.is_narrow
    assert series.values[LENGTH - 700] == odd
    assert series.extent() == (min(values), max(values))
    assert series.nonfinite == 0


def test_unix_times_stay_wide_for_they_are_an_axis() -> None:
    series = long_series([1.79e9 + at / 7 for at in range(LENGTH)])
    assert not series.values.is_narrow
    assert series.values[60_000] == 1.79e9 + 60_000 / 7
    assert series.is_rising()
    series.add(100, 1.79e9 + 10_000)
    series.settle()
    assert not series.is_rising()


def test_series_that_share_their_steps_part_when_they_differ() -> None:
    steps = Steps()
    one, two, three = Series(steps), Series(steps), Series(steps)
    for series in (one, two, three):
        series.extend([1, 2, 3], [1.0, 2.0, 3.0])
    assert one.own_steps is two.own_steps is three.own_steps
    one.extend([4, 5], [4.0, 5.0])
    two.extend([6], [6.0])
    three.add(2.5, 2.5)
    assert [len(series) for series in (one, two, three)] == [5, 4, 4]
    assert [list(series.steps) for series in (one, two, three)] == [
        [1, 2, 3, 4, 5],
        [1, 2, 3, 6],
        [1, 2, 2.5, 3],
    ]


def test_a_block_of_earlier_steps_is_put_in_at_once() -> None:
    series = Series()
    for start in range(50_000, 0, -1000):
        series.extend(array("d", range(start, start + 1000)), [1.0] * 1000)
        series.settle()
    assert len(series) == 50_000
    assert list(series.steps) == [float(step) for step in range(1000, 51_000)]
    assert series.rewrites == 49


def test_many_steps_between_old_ones_are_woven_in_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    inserted: list[int] = []
    insert = Values.insert

    def counted(values: Values, at: int, fresh: Sequence[float]) -> None:
        inserted.append(at)
        insert(values, at, fresh)

    monkeypatch.setattr(Values, "insert", counted)
    series = Series()
    series.extend(range(0, 4000, 2), [1.0 / (step + 1) for step in range(0, 4000, 2)])
    series.settle()
    series.extend(
        [*range(1001, 3001, 2), 1500], [math.nan, *[float(step) for step in range(1003, 3001, 2)], -1.0]
    )
    series.settle()
    assert len(inserted) <= MOST_INSERTED
    known = {step: 1.0 / (step + 1) for step in range(0, 4000, 2)}
    known |= {step: float(step) for step in range(1003, 3001, 2)} | {1500: -1.0, 1001: math.nan}
    assert list(series.steps) == sorted(known)
    assert repr(list(series.values)) == repr([known[step] for step in sorted(known)])
    assert (series.last, series.first) == ((1500.0, -1.0), (0.0, 1.0))
    assert (series.nonfinite, series.extent(), series.extent(0, 1100)) == (1, (-1.0, 2999.0), (-1.0, 1599.0))


class Growing(Series):
    """Another point comes while somebody looks at the steps."""

    @property
    def steps(self) -> Sequence[float]:
        found = super().steps
        self.take(StepBatch([len(self)]), [1.0])
        return found


def test_marks_are_told_while_another_thread_adds() -> None:
    shared = Steps(range(10))
    times = Growing(shared)
    times.take(StepBatch([0, 1]), [1.0, 1.0])
    reading = Reading(source="tui_ft", title="", path="", status="running", times=times)
    assert MarkKeeper().of(reading) == ()
    assert len(times) > 2
