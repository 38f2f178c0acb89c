"""Rows in another format than their data set are read as what they are, in bounded memory."""

from __future__ import annotations

from tui_ft.data import examples
from tui_ft.data.examples import Reading


def test_other_columns_in_every_row_do_not_fill_the_memory() -> None:
    reading = Reading.of([{"instruction": "q", "output": "a"}])
    for number in range(examples._KINDS_KEPT + 200):
        row = {"question": "q", "answer": "a", f"column {number}": "x"}
        assert reading.format_of(row).name == "prompt_completion"
        assert reading.format_of({f"column {number}": "x"}) is reading.found
    assert len(reading._own) <= examples._KINDS_KEPT
