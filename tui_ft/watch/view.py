"""How the charts of a run are looked at: axes, stretch, cursor, and which panels in which order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tui_ft.watch.axes import X
from tui_ft.watch.panels import Panel

SMOOTHINGS = (0.0, 0.6, 0.9, 0.97)
"""Weights of the smoothing that `a` goes through; 0 is none."""

SHORTEST = {"step": 8.0, "time": 4.0, "tokens": 1000.0}
"""The shortest stretch that zooming in ends at, by axis: steps, seconds, tokens."""


@dataclass(frozen=True, kw_only=True)
class Zoom:
    """The stretch of the x axis from `low` on, `span` long; with `follows` it goes on with the points."""

    low: float
    span: float
    follows: bool = False

    def window(self, last: float) -> tuple[float, float]:
        """The stretch to be drawn when the newest point is at `last`.

        It moves on in quarters of its length, so that between two of them old columns keep their cells.
        """
        low = self.low
        if self.follows and last > low + self.span:
            quarter = self.span / 4
            low += math.ceil((last - low - self.span) / quarter) * quarter
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
        ordered = self.ordered(panels)
        return [panel for panel in ordered if self.is_visible(panel)] or ordered[:1]

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
        """Look at a stretch that is `factor` as long, of an axis that has points from `first` to `last`.

        It stays around the cursor, else around the newest point while that is in it, else around its middle.
        """
        low, span = self._window(first, last)
        new = span * factor
        if new >= (last - first) * 0.999:
            return replace(self, zoom=None)
        new = min(max(new, SHORTEST[self.x]), max(last - first, SHORTEST[self.x]))
        is_at_end = low + span >= last
        if self.cursor is not None:
            start = self.cursor - new * min(max((self.cursor - low) / span, 0.0), 1.0)
        elif is_at_end:
            start = last - new
        else:
            start = low + (span - new) / 2
        return replace(self, zoom=self._placed(start, new, first, last))

    def panned(self, parts: float, first: float, last: float) -> View:
        """Move a stretch by `parts` of its length; the whole cannot be moved."""
        if self.zoom is None:
            return self
        low, span = self._window(first, last)
        return replace(self, zoom=self._placed(low + parts * span, span, first, last))

    def _window(self, first: float, last: float) -> tuple[float, float]:
        if self.zoom is None:
            return first, max(last - first, SHORTEST[self.x])
        low, high = self.zoom.window(last)
        return low, high - low

    @staticmethod
    def _placed(low: float, span: float, first: float, last: float) -> Zoom:
        low = max(min(low, last - span), first)
        return Zoom(low=low, span=span, follows=low + span >= last)

    def reaching(self, cursor: float, first: float, last: float) -> View:
        """Put the cursor at an x; a stretch that does not hold it moves there."""
        view = replace(self, cursor=cursor)
        if self.zoom is None:
            return view
        low, span = self._window(first, last)
        if low <= cursor <= low + span:
            return view
        return replace(view, zoom=self._placed(cursor - span / 2, span, first, last))
