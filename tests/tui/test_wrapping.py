"""Lines of a log are cut between words, and a narrow list keeps the names apart."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from tui_ft.tui.widgets.run_columns import columns, fit_id
from tui_ft.tui.widgets.text_panel import wrap


def test_a_line_is_cut_between_words() -> None:
    assert wrap("speed is 14371 tokens a second", 14) == ("speed is 14371", " tokens a ", "second")
    assert wrap("step 384 of 400: 14371 tokens", 20) == ("step 384 of 400: ", "14371 tokens")


@pytest.mark.parametrize(
    "text", ["", "x" * 95, "a " * 60, "日本語のテキスト" * 9, "one " + "y" * 70 + " two", "a\u0301" * 50]
)
@pytest.mark.parametrize("width", [1, 7, 20])
def test_nothing_is_lost_and_all_fits(text: str, width: int) -> None:
    pieces = wrap(text, width)
    assert "".join(pieces) == text
    assert all(cell_len(piece) <= max(width, 2) for piece in pieces)


def test_on_sixty_columns_the_name_is_still_told() -> None:
    name, _, _ = columns(60 - 2)
    assert fit_id("spot-qyau", name).strip() == "spot-qyau"
