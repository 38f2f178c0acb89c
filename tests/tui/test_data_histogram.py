"""The histogram of lengths: every row is in a bar, and what is cut is marked without colour."""

from __future__ import annotations

import re

import pytest
from rich.cells import cell_len

from tui_ft.data.findings import Lengths
from tui_ft.tui.widgets.histogram import histogram_lines

BINS = [(32, 0), (64, 10), (128, 200), (256, 400), (512, 90), (1024, 30), (2048, 2), (4096, 0)]


def lengths(unit: str = "tokens", bins: list[tuple[int, int]] = BINS) -> Lengths:
    return Lengths(unit=unit, p50=190, p95=600, p99=900, max=1700, mean=210.0, histogram=bins)  # type: ignore[arg-type]


def texts(*options: object) -> list[str]:
    return ["".join(text for text, _ in line) for line in histogram_lines(*options)]  # type: ignore[arg-type]


def test_what_is_cut_is_below_the_line_and_drawn_otherwise() -> None:
    shown = texts(lengths(), 512, 36, 12)
    wall = next(index for index, line in enumerate(shown) if "✂ cut at 512" in line)
    assert all("▒" not in line for line in shown[1:wall])
    assert [line for line in shown[wall + 1 : -1] if "█" in line] == []
    assert "≤1,024" in shown[wall + 1] and "▒" in shown[wall + 1] and shown[wall + 1].endswith(" 30")


def test_a_bar_that_is_cut_in_part_counts_as_cut() -> None:
    shown = texts(lengths(), 300, 36, 12)
    assert "≤256" in shown[shown.index(next(line for line in shown if "✂" in line)) - 1]
    assert "▒" in next(line for line in shown if "≤512" in line)


@pytest.mark.parametrize("height", range(3, 14))
@pytest.mark.parametrize("width", [20, 33, 50])
def test_no_row_is_lost_when_bars_are_joined(width: int, height: int) -> None:
    shown = texts(lengths(), None, width, height)
    assert len(shown) <= height and all(cell_len(line) <= width for line in shown)
    bars = [line for line in shown if "≤" in line and "·" not in line[-20:] and "p50" not in line]
    counted = sum(
        int(found[1].replace(",", "")) for line in bars if (found := re.search(r" ([\d,]+)$", line))
    )
    assert counted == sum(rows for _, rows in BINS)


def test_characters_are_not_cut_at_a_number_of_tokens() -> None:
    shown = texts(lengths("characters"), 512, 36, 12)
    assert not any("✂" in line or "▒" in line for line in shown)
    assert "characters" in shown[0]


def test_a_single_row_is_still_a_bar() -> None:
    shown = texts(lengths(bins=[(32, 1), (64, 100_000)]), None, 40, 8)
    assert "█ 1" in next(line for line in shown if "≤32" in line)


def test_nothing_known_is_said() -> None:
    assert "not known yet" in texts(None, 512, 40, 8)[0]
    assert texts(lengths(bins=[]), 512, 40, 8)
