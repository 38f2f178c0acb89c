"""The time that is left follows the pace of the last steps."""

from __future__ import annotations

import math
import time

import pytest

from tui_ft.watch.eta import clock_label, duration_label, seconds_left
from tui_ft.watch.series import Series


def test_old_pauses_do_not_count() -> None:
    times = Series()
    moment = 0.0
    for step in range(1, 301):
        moment += 5_000.0 if step == 20 else 2.0
        times.add(step, moment)
    assert seconds_left(times, 300, 400) == 200.0


def test_steps_before_a_resume_do_not_count() -> None:
    times = Series()
    times.extend([1, 2, 3, 4], [0.0, 1.0, 9_000.0, 9_004.0])
    assert seconds_left(times, 4, 10, since_step=3) == 24.0


def test_it_is_not_known_before_two_steps_or_without_a_total() -> None:
    times = Series()
    times.add(1, 5.0)
    assert seconds_left(times, 1, 10) is None
    times.add(2, 6.0)
    assert seconds_left(times, 2, None) is None
    assert seconds_left(times, 2, 10) == 8.0


def test_durations_are_short() -> None:
    assert [duration_label(s) for s in (7, 90, 11_100, 187_200)] == ["7s", "1m30s", "3h05m", "2d04h"]


@pytest.mark.parametrize("moment", [math.nan, math.inf, -math.inf, 1e300, -5.0])
def test_a_moment_or_duration_that_no_clock_knows_is_a_dash(moment: float) -> None:
    assert clock_label(moment, 1_790_000_000.0) == "–"
    assert duration_label(moment) == ("0s" if moment == -5.0 else "–")


def test_steps_beyond_all_reason_have_no_end() -> None:
    times = Series()
    times.extend([1.0, 2.0], [10.0, 11.0])
    assert seconds_left(times, 2, 10**400) is None


def test_another_year_is_said() -> None:
    now = 1_790_000_000.0
    year = time.localtime(now).tm_year
    assert str(year - 5) in clock_label(now - 5 * 365.25 * 86_400, now)
    assert str(year) not in clock_label(now - 3 * 86_400, now)


def test_a_pace_that_was_seen_counts_where_no_times_are_known() -> None:
    assert seconds_left(Series(), 10, 100, seen_pace=2.0) == 180.0
    times = Series()
    times.extend([1.0, 2.0], [10.0, 11.0])
    assert seconds_left(times, 10, 100, seen_pace=2.0) == 90.0
