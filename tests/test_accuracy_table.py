"""The arithmetic of the table of predicted and measured memory, and the search for the least that does."""

from __future__ import annotations

import pytest
from accuracy_table import MIB, AccuracyTable, Row, least_that_suffices

ROW = Row(
    what="lora 1.2B 1024", predicted=1020 * MIB, needed=1600 * MIB, shown=1700 * MIB, measured=1000 * MIB,
    reserved=1200 * MIB, context=500 * MIB, capacity=1560 * MIB,
)  # fmt: skip


def test_errors_are_in_percent_of_what_was_measured() -> None:
    assert ROW.error == pytest.approx(2.0)
    assert ROW.shown_error == pytest.approx(0.0)
    assert ROW.margin == pytest.approx(1600 / 1500)


def test_what_is_not_known_is_a_dash_and_counts_nowhere() -> None:
    hidden = Row(what="x", predicted=MIB, needed=MIB, shown=MIB, measured=MIB, reserved=MIB, context=None)
    lines = AccuracyTable(place="L4", rows=[hidden]).lines()
    assert lines[0] == "L4"
    assert lines[2].split() == ["x", "1", "1", "+0.00", "1", "1", "–", "–", "–", "–"]
    assert lines[3:] == ["allocated: n 1, median 0.00 %, worst under +0.00 %, worst over +0.00 %"]


def test_the_summary_names_count_median_and_worst() -> None:
    lines = AccuracyTable(rows=[ROW]).lines()
    assert "allocated: n 1, median 2.00 %, worst under +2.00 %, worst over +2.00 %" in lines
    assert lines[-1] == "needed over (allocated + context): least 1.067"
    assert AccuracyTable().lines()[2:] == []


def test_the_least_that_suffices_is_found_by_halving() -> None:
    asked: list[int] = []

    def suffices(size: int) -> bool:
        asked.append(size)
        return size >= 700

    assert least_that_suffices(0, 1024, 4, suffices) in range(700, 705)
    assert len(asked) <= 10
    assert least_that_suffices(0, 600, 4, suffices) is None
