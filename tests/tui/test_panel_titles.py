"""What stands above the charts: names, legends, values at the cursor, memory."""

from __future__ import annotations

import math
from itertools import pairwise

from series_made import reading_of, series_of

from tui_ft.tui.panel_titles import cursor_titles, exact, memory_titles, nearest, panel_titles, place_label
from tui_ft.watch.panels import Line, Panel
from tui_ft.watch.reading import MemoryCurve
from tui_ft.watch.series import Series

NOW = 1_700_000_000.0


def memory(is_gpu: bool, **gib: float) -> MemoryCurve:
    return MemoryCurve(is_gpu=is_gpu, series=Series(), origin=NOW, **gib)


def test_memory_is_said_in_shorter_and_shorter_words() -> None:
    gpu = memory_titles(memory(True, used_gib=21.3, total_gib=23.9, free_gib=2.6))
    assert gpu[0] == "GPU memory 21.3 of 23.9 GiB, 2.6 free"
    assert "GPU 21.3/23.9 GiB, free 2.6" in gpu
    host = memory_titles(memory(False, used_gib=0.5, total_gib=23.5, free_gib=22.1))
    assert host[0] == "CPU memory: trainer 0.5 GiB, limit 23.5, 22.1 free"
    assert {"CPU memory 0.5 / 23.5 GiB", "mem 0.5/23.5"} <= set(host)
    for wordings in (gpu, host):
        assert len(max(wordings, key=len)) == len(wordings[0])
        assert any(len(wording) <= 24 and "free" in wording for wording in wordings)
        assert not any(letter.isdigit() for letter in wordings[-1])


def test_what_a_process_holds_is_never_said_to_be_nothing() -> None:
    begun = memory(False, used_gib=0.007, total_gib=23.5, free_gib=21.1)
    assert memory_titles(begun)[0] == "CPU memory: trainer <0.1 GiB, limit 23.5, 21.1 free"
    assert all("0.0" not in wording for wording in memory_titles(begun))


def test_memory_that_is_not_known_is_in_no_title() -> None:
    for known in (None, memory(False), memory(False, total_gib=16.0), memory(True, used_gib=2.0)):
        assert not any("–" in wording for wording in memory_titles(known))
    assert memory_titles(memory(False, used_gib=0.5))[0] == "CPU memory 0.5 GiB"
    assert memory_titles(memory(True, used_gib=2.0, total_gib=8.0))[0] == "GPU memory 2.0 / 8.0 GiB"


def loss_panel() -> Panel:
    return Panel(key="loss", titles=("Loss",), lines=(Line(series=series_of([1.0]), reading=reading_of()),))


def test_a_legend_names_the_lines_as_far_as_there_is_room() -> None:
    points = series_of([1.5], first=10)
    titles = panel_titles(
        loss_panel(), ("Loss",), [("", "loss", series_of([1.0])), ("●", "eval_loss", points)]
    )
    assert titles == ("Loss   ● eval loss", "Loss ● eval", "Loss")
    rewards = Panel(key="rewards", titles=("Rewards",))
    lines = [("▲", "rewards/chosen", points), ("●", "rewards/rejected", points)]
    assert panel_titles(rewards, ("Rewards",), lines)[0] == "Rewards   ▲ chosen  ● rejected"


def test_the_cursor_says_exact_values_and_where_a_point_is_that_is_not_at_it() -> None:
    lines = [
        ("", "loss", series_of([1.0, 1.2345678901, 1.1])),
        ("●", "eval_loss", series_of([2.5], first=1)),
    ]
    titles = cursor_titles(loss_panel(), ("Loss",), lines, 2.0, "step", says_where=True)
    assert titles[0] == "Loss 1.234568  ● eval loss 2.5 (step 1) at step 2"
    assert titles[2] == "Loss 1.234568 ●2.5 @1 at step 2"
    assert len(titles[-1]) <= 7
    assert all(len(one) >= len(other) for one, other in pairwise(titles))


def test_no_value_is_never_zero() -> None:
    empty = cursor_titles(loss_panel(), ("Loss",), [("", "loss", Series())], 2.0, "step", says_where=False)
    assert empty == ("Loss: –",)
    gap = [("", "loss", series_of([math.nan]))]
    assert "NaN" in cursor_titles(loss_panel(), ("Loss",), gap, 1.0, "step", says_where=False)[0]
    assert (exact(math.inf), exact(-math.inf), exact(0.0)) == ("Inf", "-Inf", "0")


def test_the_nearest_point_is_found_on_both_sides() -> None:
    series = series_of([1.0, 2.0, 3.0], first=0, by=10)
    assert [nearest(series, x) for x in (-5, 4, 6, 99)] == [(0, 1.0), (0, 1.0), (10, 2.0), (20, 3.0)]
    assert nearest(Series(), 1) is None


def test_a_place_is_said_in_its_own_unit() -> None:
    assert place_label(1200.0, "step") == "step 1,200"
    assert place_label(3725.0, "time") == "1h02m05s"
    assert place_label(65.0, "time") == "1m05s"
    assert place_label(1_200_000.0, "tokens") == "1.2M tokens"
