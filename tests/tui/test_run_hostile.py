"""Whatever another's run says of itself: every line of the run screen fits and holds nothing to be obeyed."""

from __future__ import annotations

import math
from typing import get_args

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from tui_ft.runs.records import Status
from tui_ft.tui.log_marks import dropped, mark_of, matches
from tui_ft.tui.run_alerts import standing_alert
from tui_ft.tui.run_numbers import MOST, numbers_of
from tui_ft.tui.run_words import header_line, origin_line
from tui_ft.tui.series_rows import series_rows, setting_rows
from tui_ft.tui.text import plain
from tui_ft.tui.widgets.alert import MOST_LINES, alert_lines
from tui_ft.tui.widgets.lines import Line
from tui_ft.tui.widgets.numbers import number_lines
from tui_ft.tui.widgets.progress import progress_line
from tui_ft.tui.widgets.series_list import SeriesList, SettingList
from tui_ft.watch.reading import OtherSource, Reading, SourceName
from tui_ft.watch.series import Series

NOW = 1_790_000_000.0
ODD = ["\x1b[2J", "\x9b31m", "日本" * 30, "\u202e", "a/b/" * 40, "e\u0301" * 9]
TEXT = st.text(max_size=80) | st.sampled_from(ODD)
NAMES = TEXT | st.sampled_from(["loss", "grad_norm", "rewards/margins"])
LINES = st.sampled_from(["a", "b", "an error", "Traceback"]) | TEXT
NUMBER = st.floats() | st.integers(-(10**30), 10**30).map(float)
COUNT = st.none() | st.integers(-(10**30), 10**30)


@st.composite
def curves(draw: st.DrawFn) -> Series:
    series = Series()
    for at, value in enumerate(draw(st.lists(NUMBER, max_size=4))):
        series.add(at, value)
    return series


OTHERS = st.builds(OtherSource, source=st.sampled_from(get_args(SourceName)), title=TEXT, path=TEXT)
READINGS = st.builds(
    Reading,
    source=st.sampled_from(get_args(SourceName)),
    title=TEXT, path=TEXT, status=st.sampled_from(get_args(Status)), reason=TEXT, model=TEXT, method=TEXT,
    step=COUNT, total_steps=COUNT, epoch=st.none() | NUMBER, started_at=st.none() | NUMBER,
    ended_at=st.none() | NUMBER, updated_at=st.none() | NUMBER, times=curves(),
    series=st.dictionaries(NAMES, curves(), max_size=6),
    notes=st.lists(TEXT, max_size=3).map(tuple), checkpoint_steps=st.lists(NUMBER, max_size=3).map(tuple),
    settings=st.dictionaries(TEXT, TEXT | NUMBER | st.none() | st.booleans(), max_size=6),
    hardware_series=st.dictionaries(TEXT, curves(), max_size=2), is_complete=st.booleans(),
    pids=st.lists(st.integers(1, 2**22), max_size=6).map(tuple), bad_records=st.integers(0, 10**9),
    others=st.lists(OTHERS, max_size=3).map(tuple),
)  # fmt: skip


def is_fit(line: Line, width: int) -> bool:
    text = "".join(piece for piece, _ in line)
    return cell_len(text) <= width and plain(text) == text


@settings(max_examples=300, deadline=None)
@given(READINGS, st.integers(20, 200))
def test_every_line_fits_and_is_plain(reading: Reading, width: int) -> None:
    assert is_fit(header_line(reading, NOW, width), width)
    assert is_fit(origin_line(reading, width), width)
    assert is_fit(progress_line(reading, NOW, width), width)
    numbers = numbers_of(reading)
    assert len(numbers) <= MOST and all(is_fit(line, width) for line in number_lines(numbers, width))
    headline, text, kind = standing_alert(reading)
    lines = alert_lines(headline, plain(text), kind, width)
    assert len(lines) <= MOST_LINES and all(is_fit(line, width) for line in lines)


@settings(max_examples=200, deadline=None)
@given(READINGS, st.integers(30, 160))
def test_every_row_of_the_table_fits_and_is_plain(reading: Reading, width: int) -> None:
    series, known = SeriesList(), SettingList()
    for row in series_rows(reading):
        assert is_fit(tuple(series.row_cells(row, width - 1)), width - 1)
        assert row.nonfinite <= row.points
    for setting in setting_rows(reading, NOW):
        assert is_fit(tuple(known.row_cells(setting, width - 1)), width - 1)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from(["a", "b", "an error", "Traceback"]) | TEXT, max_size=60),
    st.integers(0, 80),
    TEXT,
)
def test_what_falls_away_in_front_is_found(lines: list[str], gone: int, words: str) -> None:
    """The shortest shift that explains the new lines: never more than what is gone."""
    new = [*lines[gone:], "what came in the meantime", *(f"new {i}" for i in range(3))]
    found = dropped(lines, new)
    assert 0 <= found <= len(lines)
    if gone < len(lines) - 1:
        assert found <= gone and lines[found : found + 1] == new[:1]
    for at in matches(lines, words):
        assert words.lower() in lines[at].lower()
    assert all(mark_of(line) in ("", "bad", "warn", "good") for line in lines)


def test_numbers_that_are_none_are_words() -> None:
    series = Series()
    series.add(1, -math.inf)
    reading = Reading(source="wandb", title="", path="", status="running", series={"loss": series})
    assert [number.value for number in numbers_of(reading)] == ["-Inf"]
