"""How charts are looked at: zoom, pan, cursor, which panels in which order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui_ft.watch.axes import X
from tui_ft.watch.panels import Panel
from tui_ft.watch.view import SHORTEST, View, Zoom, parts_of, round_span

PANELS = [Panel(key=key, titles=(key,), is_default=key in "ab") for key in "abcd"]


def test_zooming_in_stays_at_the_newest_point_and_follows_it() -> None:
    view = View()
    for span in (500.0, 200.0, 100.0, 50.0, 20.0, 10.0, 10.0):
        view = view.zoomed(0.5, 1, 1000)
        assert view.zoom is not None
        assert view.zoom.span == span
        assert view.zoom.follows
        low, high = view.zoom.window(1000)
        assert low <= 1000 <= high
    low, high = view.zoom.window(1003)  # type: ignore[union-attr]
    assert low <= 1003 <= high


def test_zooming_out_ends_with_the_whole() -> None:
    view = View(zoom=Zoom(low=990, span=10))
    for _ in range(20):
        view = view.zoomed(2.0, 1, 1000)
    assert view.zoom is None


@given(
    first=st.floats(0, 1e6),
    length=st.floats(0, 1e9),
    keys=st.lists(st.sampled_from(["in", "out", "left", "right", "far"]), max_size=30),
    x=st.sampled_from(["step", "time", "tokens"]),
)
def test_a_stretch_is_always_round_and_holds_some_of_the_run(
    first: float, length: float, keys: list[str], x: X
) -> None:
    last, view = first + length, View(x=x)
    for key in keys:
        if key in ("in", "out"):
            view = view.zoomed(0.5 if key == "in" else 2.0, first, last)
        else:
            view = view.panned(-1 if key == "left" else 1, first, last, far=key == "far")
        if view.zoom is None:
            continue
        low, high = view.zoom.window(last)
        part = view.zoom.span / parts_of(view.zoom.span)
        assert high - low == pytest.approx(view.zoom.span)
        assert high - low >= SHORTEST[x] * 0.999
        assert low / part == pytest.approx(round(low / part), abs=1e-6)
        assert low <= last + part
        assert high >= first


@given(
    length=st.integers(1, 10**9),
    share=st.floats(0, 1),
    keys=st.lists(st.sampled_from([0.5, 2.0]), max_size=12),
)
def test_the_cursor_is_what_zooming_goes_to(length: int, share: float, keys: list[float]) -> None:
    view = View(cursor=1 + length * share)
    for factor in keys:
        view = view.zoomed(factor, 1, 1 + length)
        if view.zoom is not None:
            low, high = view.zoom.window(1 + length)
            assert low <= view.cursor <= high  # type: ignore[operator]


def test_a_cursor_that_leaves_the_stretch_takes_it_along() -> None:
    view = View(zoom=Zoom(low=400, span=100)).reaching(700, 0, 1000)
    assert view.zoom is not None
    low, high = view.zoom.window(1000)
    assert low <= 700 <= high
    assert View(zoom=Zoom(low=400, span=100)).reaching(450, 0, 1000).zoom == Zoom(low=400, span=100)


def test_another_axis_begins_with_the_whole_and_no_cursor() -> None:
    view = View(zoom=Zoom(low=0, span=10), cursor=5.0, smoothing=0.6).over("time")
    assert (view.x, view.zoom, view.cursor, view.smoothing) == ("time", None, None, 0.6)


def test_panels_are_shown_hidden_and_moved() -> None:
    view = View()
    assert [panel.key for panel in view.visible(PANELS)] == ["a", "b"]
    view = view.toggled(PANELS[2]).toggled(PANELS[0])
    assert [panel.key for panel in view.visible(PANELS)] == ["b", "c"]
    view = view.moved(PANELS[2], -1, PANELS)
    assert [panel.key for panel in view.visible(PANELS)] == ["c", "b"]
    assert [panel.key for panel in view.ordered(PANELS)] == ["a", "c", "b", "d"]
    assert view.toggled(PANELS[0]).toggled(PANELS[2]).is_visible(PANELS[0])
    assert view.moved(PANELS[0], -1, PANELS).order == ("a", "c", "b", "d")


def test_the_order_of_panels_that_another_run_has_is_kept() -> None:
    view = View(order=("z", "b")).moved(PANELS[0], 1, PANELS)
    assert "z" in view.order


def test_never_is_nothing_shown_while_there_are_panels() -> None:
    view = View(hidden=frozenset("abcd"))
    assert len(view.visible(PANELS)) == 1
    assert View().visible([]) == []


@pytest.mark.parametrize("x", ["step", "time", "tokens"])
def test_stretches_are_round(x: X) -> None:
    span, seen = 1e6, []
    while span > SHORTEST[x]:
        span = round_span(span, x, is_longer=False)
        seen.append(span)
    assert seen == sorted(seen, reverse=True)
    assert all(float(f"{one:.2g}") == one for one in seen)
