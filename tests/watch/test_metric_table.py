"""Rows become the same table whichever way they come; and whole columns are rows."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui_ft.watch.sources.rows import RowReader, decode_rows
from tui_ft.watch.sources.table import MetricTable

_WORDS: st.SearchStrategy[Any] = st.sampled_from(
    ["NaN", "Infinity", "-Infinity", "1.5", "", True, False, None, [], {}]
)
_NUMBERS = st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.integers(-5, 5))
_STEPS = st.one_of(st.integers(0, 30), st.sampled_from([None, 1.5, "3", True, 2**60, 10**400]))
_KEYS = st.sampled_from(["loss", "grad_norm", "eval_loss", "time", "epoch", "schema", "a key", "ä"])
_ROWS = st.one_of(
    st.fixed_dictionaries({"step": st.integers(0, 30), "loss": _NUMBERS, "time": _NUMBERS}),
    st.builds(
        lambda step, rest: {"step": step, **rest},
        _STEPS,
        st.dictionaries(_KEYS, st.one_of(_NUMBERS, _WORDS), max_size=4),
    ),
)
_LINES = st.one_of(
    _ROWS.map(json.dumps),
    st.sampled_from(["", "[1]", "not json", '{"step": 3, "loss"', "\x00", "1e999"]),
)


def facts(table: MetricTable) -> dict[str, Any]:
    """A table as text that can be compared, NaN and all."""
    curves = {name: (list(map(str, s.steps)), list(map(str, s.values))) for name, s in table.series.items()}
    return {
        "series": {name: curve for name, curve in curves.items() if curve[0]},
        "times": list(map(str, table.times.values)),
        "last": {name: str(series.last) for name, series in table.series.items() if len(series)},
        "rest": (table.step, str(table.epoch), str(table.time), table.back_steps),
    }


@given(st.lists(st.lists(_LINES, max_size=8), max_size=5))
def test_the_quick_decoder_reads_what_the_general_one_reads(batches: list[list[str]]) -> None:
    quick, general = MetricTable(), MetricTable()
    reader = RowReader()
    bad = [0, 0]
    for lines in batches:
        data = "".join(line + "\n" for line in lines).encode()
        bad[0] += reader.read(data, quick)
        rows, worse = decode_rows(data)
        for row in rows:
            general.add([row])
        bad[1] += worse
    assert bad[0] == bad[1]
    assert facts(quick) == facts(general)


def test_rows_of_training_and_evaluation_mixed_are_read_in_one_go() -> None:
    def lines(first: int, last: int) -> bytes:
        return b"".join(
            b'{"step":%d,"time":%d,"loss":%d}\n' % (step, step, step)
            + (b'{"step":%d,"time":%d,"eval_loss":9}\n' % (step, step) if step % 10 == 0 else b"")
            for step in range(first, last + 1)
        )

    table, reader = MetricTable(), RowReader()
    assert reader.read(lines(1, 10), table) == 0
    calls: list[object] = []
    table.add = calls.append  # type: ignore[method-assign, assignment]  # the general way, not to be gone
    assert reader.read(lines(11, 100), table) == 0
    assert not calls
    assert len(table.series["loss"]) == len(table.times) == 100
    assert list(table.series["eval_loss"].steps) == list(range(10, 101, 10))
    assert table.series["loss"].own_steps is table.times.own_steps, "steps are kept once"


def test_the_step_is_the_highest_of_all_until_training_goes_back() -> None:
    table = MetricTable()
    table.extend("eval_loss", [10, 30], [1.0, 1.0])
    table.extend("loss", range(30), [1.0] * 30)
    assert table.step == 30
    table.add([{"step": 31, "loss": 1.0}, {"step": 40, "eval_loss": 1.0}])
    assert table.step == 40
    table.add([{"step": 20, "loss": 1.0}, {"step": 25, "eval_loss": 1.0}, {"step": 21, "loss": 1.0}])
    assert table.step == 25
    table.extend("eval_loss", [40], [1.0])
    assert table.step == 25, "an evaluation of before"
    table.extend("loss", [22, 26, 24], [1.0] * 3)
    assert (table.step, table.restarts) == (24, 2)


def test_two_writers_make_no_end_of_marks() -> None:
    table = MetricTable()
    table.extend("loss", [step for at in range(5_000) for step in (at + 100, at)], [1.0] * 10_000)
    assert table.restarts == 5_000
    assert len(table.back_steps) == 1_000


def test_steps_of_training_that_go_back_are_noted_and_those_of_evaluations_are_not() -> None:
    table = MetricTable()
    table.add([{"step": step, "loss": 1.0} for step in (1, 2, 3, 2, 3)])
    table.add([{"step": step, "eval_loss": 1.0} for step in (5, 1)])
    table.add([{"step": 4, "loss": 1.0}])
    assert table.back_steps == [2]
    assert table.step == 5, "that of the evaluation"


def test_a_run_without_a_loss_counts_its_other_rows() -> None:
    table = MetricTable()
    table.add([{"step": step, "time": 10.0 * step, "reward": 1.0} for step in (1, 2, 1, 2)])
    assert (table.step, table.back_steps, list(table.times.values)) == (2, [1], [10.0, 20.0])
    table.add([{"step": 7, "time": 99.0, "loss": 1.0}])
    assert (table.step, table.back_steps, list(table.times.values)) == (7, [], [99.0])


def test_whole_columns_are_the_same_as_rows() -> None:
    steps = [*range(1, 501), *range(401, 601)]
    values = [1.0 / step if step % 100 else math.nan for step in steps]
    by_rows, by_columns = MetricTable(), MetricTable()
    by_rows.add([{"step": s, "time": 5.0 * s, "loss": v} for s, v in zip(steps, values, strict=True)])
    by_columns.extend("loss", steps, values, [5.0 * step for step in steps])
    assert facts(by_columns) == facts(by_rows)
    assert by_columns.back_steps == [401]
    by_columns.extend("eval_loss", [3, 2], [1.0, 2.0])
    assert by_columns.back_steps == [401]
    assert (by_columns.step, by_columns.time) == (600, 3000.0)


@pytest.mark.parametrize("name", ["loss", "learning_rate"])
def test_the_clock_is_that_of_the_loss_whichever_column_came_first(name: str) -> None:
    table = MetricTable()
    other = "learning_rate" if name == "loss" else "loss"
    for each in (name, other):
        table.extend(each, [1, 2, 3], [1.0, 2.0, 3.0], [10.0, 20.0, 30.0])
    assert list(table.times.values) == [10.0, 20.0, 30.0]
    assert table.back_steps == []


def test_no_rows_are_no_rows() -> None:
    table = MetricTable()
    table.add([])
    table.extend("loss", [], [], [])
    table.extend("loss", [math.nan], [1.0], [1.0])
    assert table.named_series() == {}
    assert table.step is None


def test_numbers_beyond_floats_are_infinite_and_do_no_harm() -> None:
    table = MetricTable()
    table.add([{"step": 1, "loss": 10**400}, {"step": 2, "loss": -(10**400)}])
    assert list(table.series["loss"].values) == [math.inf, -math.inf]
