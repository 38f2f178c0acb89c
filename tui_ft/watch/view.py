"""How the charts of a run are looked at: axes, stretch, cursor, and which panels in which order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tui_ft.watch.axes import X
from tui_ft.watch.panels import Panel

SMOOTHINGS = (0.0, 0.6, 0.9, 0.97)
"""Weights of the smoothing that `a` goes through; 0 is none."""

SHORTEST: dict[X, float] = {"step": 10.0, "time": 5.0, "tokens": 1000.0}
"""The shortest stretch that zooming in ends at, by axis: steps, seconds, tokens."""

_SPANS_S = (
    5.0, 10.0, 20.0, 60.0, 120.0, 300.0, 600.0, 1_200.0, 3_600.0, 7_200.0, 18_000.0, 43_200.0, 86_400.0,
)  # fmt: skip


def round_span(span: float, x: X, *, is_longer: bool) -> float:
    """Return the next round length above or below `span`: 1, 2 or 5 times a power of ten, or round times."""
    power = 10.0 ** math.floor(math.log10(span))
    spans = [factor * power for factor in (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)]
    if x == "time" and span <= _SPANS_S[-1]:
        spans = [*_SPANS_S, 172_800.0]
    if is_longer:
        return next(known for known in spans if known > span * 1.2)
    return max((known for known in spans if known < span / 1.2), default=spans[0])


def parts_of(span: float) -> int:
    """In how many parts of round length a round stretch falls."""
    return next((parts for parts in (4, 5) if (span / parts).is_integer()), 4)


@dataclass(frozen=True, kw_only=True)
class Zoom:
    """The stretch of the x axis from `low` on, `span` long; with `follows` it goes on with the points."""

    low: float
    span: float
    follows: bool = False

    def window(self, last: float) -> tuple[float, float]:
        """The stretch to be drawn when the newest point is at `last`.

        It moves on in parts of its length, so that between two of them old columns keep their cells.
        """
        low = self.low
        if self.follows and last > low + self.span:
            part = self.span / parts_of(self.span)
            low += math.ceil((last - low - self.span) / part) * part
        return low, low + self.span


@dataclass(frozen=True, kw_only=True)
class View:
    """What a person chose to see. `zoom` and `cursor` are in units of the axis `x`: None is the whole, off.

    `order` names panels that were moved to the front, `shown` and `hidden` those that differ from the
    choice that `panels_of` makes.
    """

    x: X = "step"
    log_y: bool = False
    smoothing: float = 0.0
    zoom: Zoom | None = None
    cursor: float | None = None
    order: tuple[str, ...] = ()
    shown: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()
    chosen: str = ""
    is_maximised: bool = False

    def is_visible(self, panel: Panel) -> bool:
        """True when the panel is to be seen."""
        return panel.key in self.shown or (panel.is_default and panel.key not in self.hidden)

    def ordered(self, panels: Sequence[Panel]) -> list[Panel]:
        """All panels, those of `order` at their places in it first."""
        places = {key: place for place, key in enumerate(self.order)}
        return sorted(panels, key=lambda panel: places.get(panel.key, len(places)))

    def visible(self, panels: Sequence[Panel]) -> list[Panel]:
        """The panels to be seen, in their order; never none while there are any."""
        seen = [panel for panel in panels if self.is_visible(panel)]
        return self.ordered(seen) or self.ordered(panels)[:1]

    def toggled(self, panel: Panel) -> View:
        """Show a panel that is hidden, hide one that is shown."""
        key = panel.key
        if self.is_visible(panel):
            return replace(self, shown=self.shown - {key}, hidden=self.hidden | {key})
        return replace(self, shown=self.shown | {key}, hidden=self.hidden - {key})

    def moved(self, panel: Panel, by: int, panels: Sequence[Panel]) -> View:
        """Move a panel up or down among all of them."""
        keys = [other.key for other in self.ordered(panels)]
        place = keys.index(panel.key)
        keys.insert(min(max(place + by, 0), len(keys) - 1), keys.pop(place))
        others = [key for key in self.order if key not in keys]
        return replace(self, order=(*keys, *others))

    def over(self, x: X) -> View:
        """Look along another x axis, as a whole: a stretch of one is none of the other."""
        return replace(self, x=x, zoom=None, cursor=None)

    def zoomed(self, factor: float, first: float, last: float) -> View:
        """Look at a round stretch, about `factor` as long, of an axis with points from `first` to `last`.

        It stays around the cursor, else around the newest point while that is in it, else around its middle.
        """
        if self.zoom is None and factor > 1:
            return self
        low, span = self._window(first, last)
        is_at_end = low + span >= last
        span_now, span = span, round_span(span, self.x, is_longer=factor > 1)
        if span >= (last - first) and factor > 1:
            return replace(self, zoom=None)
        span = max(span, SHORTEST[self.x])
        if self.cursor is not None:
            low = self.cursor - span * min(max((self.cursor - low) / span_now, 0.0), 1.0)
        elif is_at_end:
            low = last
        else:
            low += (span_now - span) / 2
        return replace(self, zoom=self._placed(low, span, first, last, holding=self.cursor))

    def panned(self, direction: int, first: float, last: float, *, far: bool = False) -> View:
        """Move a stretch by a part of its length, or `far` by all of it; the whole cannot be moved."""
        if self.zoom is None:
            return self
        low, span = self._window(first, last)
        by = span if far else span / parts_of(span)
        return replace(self, zoom=self._placed(low + direction * by, span, first, last))

    def _window(self, first: float, last: float) -> tuple[float, float]:
        if self.zoom is None:
            return first, max(last - first, SHORTEST[self.x])
        low, high = self.zoom.window(last)
        return low, high - low

    @staticmethod
    def _placed(low: float, span: float, first: float, last: float, *, holding: float | None = None) -> Zoom:
        """A stretch at about `low`, moved to a round place among the points, and such that it holds one."""
        part = span / parts_of(span)
        lowest = math.floor(first / part)
        highest = max(math.ceil((last - span) / part), lowest)
        place = min(max(round(low / part), lowest), highest)
        if holding is not None:
            place = min(max(place, math.ceil((holding - span) / part)), math.floor(holding / part))
        return Zoom(low=place * part, span=span, follows=place == highest)

    def reaching(self, cursor: float, first: float, last: float) -> View:
        """Put the cursor at an x; a stretch that does not hold it moves there."""
        view = replace(self, cursor=cursor)
        if self.zoom is None:
            return view
        low, span = self._window(first, last)
        if low <= cursor <= low + span:
            return view
        return replace(view, zoom=self._placed(cursor - span / 2, span, first, last, holding=cursor))
